export * from "./counting-application.js";
export * from "./memory-network.js";
export * from "./memory-store.js";
export * from "./simulated-clock.js";
export * from "./store-contract.js";
export * from "./timer-queue.js";
