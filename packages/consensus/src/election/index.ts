export * from "./credit.js";
export * from "./elect.js";
export * from "./genesis-set.js";
export * from "./view-tally.js";
