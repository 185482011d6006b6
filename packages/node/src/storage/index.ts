export * from "./blob-store.js";
export * from "./level-store.js";
