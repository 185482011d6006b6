export * from "./create-alliance.js";
export * from "./genesis-file.js";
export * from "./load.js";
export * from "./passphrase.js";
export { NodeConfigSchema } from "./schema.js";
export { writeConfig } from "./write.js";
