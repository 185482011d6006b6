export * from "./application.js";
export * from "./events.js";
export * from "./proxy.js";
export * as queries from "./queries.js";
export * from "./state/values.js";
