export * from "./basic.js";
export * from "./block.js";
export * from "./consensus.js";
export * from "./genesis.js";
export * from "./messages.js";
export * from "./signing.js";
export * from "./transaction.js";
export * from "./vote.js";
