import { ContainerType, ListCompositeType, OptionalType, type ValueOf } from "@chainsafe/ssz";
import { limits } from "../limits.js";
import { B32, B64, bytesUpTo, U8, U16, U32, U64 } from "./basic.js";
import { Block, Handover } from "./block.js";
import { Certificate } from "./vote.js";

/** Request protocols between nodes, one request and one response each; the network prefixes the chain. */
export const RequestProtocol = {
  status: "status/1",
  blocks: "blocks/1",
  block: "block/1",
  certificates: "certificates/1",
  handovers: "handovers/1",
  snapshot: "snapshot/1",
  snapshotChunk: "snapshot-chunk/1",
  extract: "extract/1",
  fragment: "fragment/1",
  bodyChunk: "body-chunk/1",
  switchShare: "switch-share/1",
} as const;

/** First byte of a consensus stream message. */
export const ConsensusMessageTag = { proposal: 1, vote: 2, certificate: 3 } as const;

/** status/1: empty request. */
export const ChainStatus = new ContainerType({
  finalizedHeight: U64,
  finalizedDigest: B32,
  epoch: U64,
  view: U64,
});
export type ChainStatus = ValueOf<typeof ChainStatus>;

/** blocks/1: finalized blocks from a height on. */
export const BlocksRequest = new ContainerType({ fromHeight: U64, count: U16 });
export type BlocksRequest = ValueOf<typeof BlocksRequest>;

/** The last block's finalization proves the range, its ancestors by parent digest. No block: absent. */
export const BlocksResponse = new ContainerType({
  blocks: new ListCompositeType(Block, limits.blocksPerSyncResponse),
  finalization: new OptionalType(Certificate),
});
export type BlocksResponse = ValueOf<typeof BlocksResponse>;

/** block/1: a notarized block's body by digest; the response is an encoded Block. */
export const BlockRequest = new ContainerType({ digest: B32 });
export type BlockRequest = ValueOf<typeof BlockRequest>;

/** certificates/1: the certificates a node keeps for a range of views, both ends included. */
export const CertificatesRequest = new ContainerType({ epoch: U64, fromView: U64, toView: U64 });
export type CertificatesRequest = ValueOf<typeof CertificatesRequest>;
export const CertificatesResponse = new ContainerType({
  certificates: new ListCompositeType(Certificate, 512),
});
export type CertificatesResponse = ValueOf<typeof CertificatesResponse>;

/** handovers/1: the proofs of consecutive epochs' ends, from an epoch on; fewer or none where the peer has no more. */
export const HandoversRequest = new ContainerType({ fromEpoch: U64, count: U16 });
export type HandoversRequest = ValueOf<typeof HandoversRequest>;
export const HandoversResponse = new ContainerType({
  handovers: new ListCompositeType(Handover, limits.handoversPerResponse),
});
export type HandoversResponse = ValueOf<typeof HandoversResponse>;

/** snapshot/1: empty request; the peer's newest snapshot. `epoch` is that of the boundary block whose state it is. */
export const SnapshotManifest = new ContainerType({
  epoch: U64,
  /** Height of the boundary block. */
  height: U64,
  /** Root of the state after it: the header of the next block carries the same. */
  stateRoot: B32,
  /** SHA-256 of each encoded chunk. */
  chunkDigests: new ListCompositeType(B32, limits.snapshotChunks),
});
export type SnapshotManifest = ValueOf<typeof SnapshotManifest>;

/** snapshot-chunk/1: one chunk of a snapshot by its place; the response is an encoded SnapshotChunk. */
export const SnapshotChunkRequest = new ContainerType({ epoch: U64, index: U32 });
export type SnapshotChunkRequest = ValueOf<typeof SnapshotChunkRequest>;

/** State values in ascending order of keys, tree nodes left out: whoever takes them builds the tree again. */
export const SnapshotChunk = new ListCompositeType(
  new ContainerType({ key: bytesUpTo(512), value: bytesUpTo(4 * 1024 * 1024) }),
  limits.snapshotChunkBytes,
);
export type SnapshotChunk = ValueOf<typeof SnapshotChunk>;

/** Transactions travel in batches, on gossip. */
export const TransactionBatch = new ContainerType({
  transactions: new ListCompositeType(bytesUpTo(limits.transactionPayloadBytes + 512), 256),
});
export type TransactionBatch = ValueOf<typeof TransactionBatch>;

/** extract/1: a signed extraction request for one key-centre node (CS01 §7); the response is its signed answer. */
export const ExtractRequest = new ContainerType({
  account: B32,
  /** Index of the addressed key-centre node, from 1. */
  index: U16,
  keyNo: U32,
  shareEpoch: U32,
  /** lp32(identity) ‖ T ‖ u64 time: exactly the bytes that were signed as `request`. */
  request: bytesUpTo(512),
  signature: B64,
});
export type ExtractRequest = ValueOf<typeof ExtractRequest>;

/** fragment/1: the sealed fragment of this proxy for a finalized access. */
export const FragmentRequest = new ContainerType({ requestId: B32 });
export type FragmentRequest = ValueOf<typeof FragmentRequest>;

/**
 * body-chunk/1: one chunk of a record's ciphertext, to the recipient of a finalized access or to the owner
 * (`requestId` zero). Signed by the account over {@link bodyRequestSigningBytes}; the time is checked within 60 s.
 */
export const BodyChunkRequest = new ContainerType({
  recordId: B32,
  requestId: B32,
  account: B32,
  timeMs: U64,
  signature: B64,
  /** From 0; chunk 0 holds the stream head. */
  chunk: U32,
});
export type BodyChunkRequest = ValueOf<typeof BodyChunkRequest>;

/** The record's header (chunk digests) with the first chunk asked for, then chunks alone. */
export const BodyChunkResponse = new ContainerType({
  header: bytesUpTo(limits.recordHeaderBytes),
  chunk: bytesUpTo(2 * 1024 * 1024),
});
export type BodyChunkResponse = ValueOf<typeof BodyChunkResponse>;

/** switch-share/1: a member's test answer for the switch of a finished ceremony. */
export const SwitchShareRequest = new ContainerType({ sessionId: B32 });
export type SwitchShareRequest = ValueOf<typeof SwitchShareRequest>;
export const SwitchShareResponse = new ContainerType({ purpose: U8, index: U16, answer: bytesUpTo(256) });
export type SwitchShareResponse = ValueOf<typeof SwitchShareResponse>;
