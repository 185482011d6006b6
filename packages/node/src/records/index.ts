export * from "./anchor-duty.js";
export * from "./author.js";
export * from "./await-state.js";
export * from "./blob-index.js";
export * from "./body-service.js";
export * from "./private-genesis.js";
export * from "./transaction-sender.js";
