export * from "./open-chain.js";
export * from "./system-ports.js";
export * from "./vote-keys.js";
export * from "./voted-marks.js";
