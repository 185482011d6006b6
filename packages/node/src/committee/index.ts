export * from "./ceremonies.js";
export * from "./key-centre.js";
export * from "./proxy.js";
export * from "./secrets.js";
