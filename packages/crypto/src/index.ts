export * from "./ed25519.js";
export * from "./errors.js";
export * from "./hpke.js";
export * from "./x25519.js";
