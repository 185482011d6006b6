export * from "./ceremonies.js";
export { hasFreshTip } from "./freshness.js";
export * from "./key-centre.js";
export * from "./proxy.js";
export * from "./secrets.js";
