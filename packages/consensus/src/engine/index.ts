export { certificatesOfRange, newestCertificates, wantsVote } from "./recovery.js";
export { createState, deltaMs, proposerOf } from "./state.js";
export { step } from "./step.js";
export * from "./types.js";
