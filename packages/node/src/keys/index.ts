export * from "./keystore-folder.js";
export * from "./node-keys.js";
export * from "./platform.js";
