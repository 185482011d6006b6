export * from "./failure.js";
export * from "./light-client.js";
export * from "./reads.js";
export * from "./source.js";
export {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  type FinalPoint,
  type Fork,
  type LightTrust,
  type Proof,
  storedCheckpoint,
} from "./trust.js";
