export * from "./profiles.js";
export * from "./simulation.js";
