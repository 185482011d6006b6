import { ContainerType, ListCompositeType, type ValueOf } from "@chainsafe/ssz";
import { limits } from "../limits.js";
import { B32, B48, bytesUpTo, U8, U64 } from "./basic.js";
import { Certificate } from "./vote.js";

export const BLOCK_VERSION = 1;

/** The block header; its SSZ hash tree root is the block digest. */
export const BlockHeader = new ContainerType({
  version: U8,
  chainId: B32,
  epoch: U64,
  height: U64,
  parentDigest: B32,
  /** Node id of the proposer that made the block. */
  author: B32,
  /** Unix milliseconds, above the parent's. */
  timestampMs: U64,
  /** SSZ hash tree root of the payload. */
  payloadRoot: B32,
  /** State root after the parent: execution is off the vote path. */
  stateRoot: B32,
  /** In a boundary block the root of the next validator set, else zero. */
  nextSetRoot: B32,
});
export type BlockHeader = ValueOf<typeof BlockHeader>;

/** Encoded signed transactions, and facts: certificates of earlier views that the proposer saw. */
export const BlockPayload = new ContainerType({
  transactions: new ListCompositeType(
    bytesUpTo(limits.transactionPayloadBytes + 512),
    limits.transactionsPerBlock,
  ),
  facts: new ListCompositeType(Certificate, limits.factsPerBlock),
});
export type BlockPayload = ValueOf<typeof BlockPayload>;

export const Block = new ContainerType({ header: BlockHeader, payload: BlockPayload });
export type Block = ValueOf<typeof Block>;

/** The validators of one epoch as they travel, in the order of their vote indices. */
export const ValidatorList = new ListCompositeType(
  new ContainerType({ nodeId: B32, voteKey: B48 }),
  limits.validators,
);
export type ValidatorList = ValueOf<typeof ValidatorList>;

/**
 * Proof that one epoch ended: its boundary header, the finalization by that epoch's set, and the next set, to whose root
 * the header commits. A chain of these leads from genesis to any later set.
 */
export const Handover = new ContainerType({
  header: BlockHeader,
  finalization: Certificate,
  nextSet: ValidatorList,
});
export type Handover = ValueOf<typeof Handover>;

/** A finalized block as it is stored and synced: the finalization proves it and all its ancestors. */
export const FinalizedBlock = new ContainerType({ block: Block, finalization: Certificate });
export type FinalizedBlock = ValueOf<typeof FinalizedBlock>;

export const digestOf = (header: BlockHeader): Uint8Array => BlockHeader.hashTreeRoot(header);
export const payloadRootOf = (payload: BlockPayload): Uint8Array => BlockPayload.hashTreeRoot(payload);
export const emptyPayload = (): BlockPayload => ({ transactions: [], facts: [] });
