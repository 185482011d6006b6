import { equalBytes, hash, toHex, u16 } from "@consilium/crypto";
import { type Bytes32, type HexId, quorumOf } from "@consilium/protocol";

/** One seat: the node id (Ed25519, 32 bytes) and the BLS vote key (48 bytes) whose possession was proven. */
export interface Validator {
  readonly nodeId: Bytes32;
  readonly voteKey: Uint8Array;
}

/** The validators of one epoch. The order is the numbering of votes and bitmaps. */
export type ValidatorSet = readonly Validator[];

/** Commits a boundary block to the next set: H("VALIDATOR-SET", u16 n ‖ (nodeId ‖ voteKey) of each, in order). */
export function validatorSetRoot(set: ValidatorSet): Bytes32 {
  return hash("VALIDATOR-SET", u16(set.length), ...set.flatMap(({ nodeId, voteKey }) => [nodeId, voteKey]));
}

/** Index of a node in the set, or undefined when it only follows. */
export function validatorIndexOf(set: ValidatorSet, nodeId: Bytes32): number | undefined {
  const index = set.findIndex((validator) => equalBytes(validator.nodeId, nodeId));
  return index < 0 ? undefined : index;
}

export const quorumOfSet = (set: ValidatorSet): number => quorumOf(set.length);
export const nodeIdsOf = (set: ValidatorSet): readonly HexId[] => set.map(({ nodeId }) => toHex(nodeId));
