export * from "./api/contract.js";
export * from "./fhir/index.js";
export { fromBase64, toBase64 } from "./http/base64.js";
export * from "./http/replay-guard.js";
export * from "./http/signature.js";
export * from "./http/signature-base.js";
