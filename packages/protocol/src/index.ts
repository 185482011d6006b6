export * from "./codes.js";
export * from "./epochs.js";
export * from "./ids.js";
export * from "./limits.js";
export * from "./parameters.js";
export * from "./ports/index.js";
export * from "./schemas/index.js";
export * from "./verdict.js";
