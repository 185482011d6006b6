export * from "./ports.js";
export * from "./server.js";
