export * from "./bundle.js";
export * from "./catalogue.js";
export * from "./container.js";
export * from "./dates.js";
export * from "./json-scanner.js";
export { SENSITIVE_CODES, type SensitiveType, sensitiveClassOf } from "./sensitive-codes.js";
export * from "./split.js";
