export * from "./certificates.js";
export * from "./election.js";
export * from "./engine/index.js";
export * from "./proposer.js";
export * from "./safety-record.js";
export * from "./subjects.js";
export * from "./validator-set.js";
