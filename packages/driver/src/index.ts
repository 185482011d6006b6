export * from "./chain.js";
export * from "./chain-driver.js";
export * from "./duties/index.js";
export * from "./options.js";
export * from "./store/prefixed-store.js";
