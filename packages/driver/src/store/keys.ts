import { concat, u8, u64 } from "@consilium/crypto";

/**
 * Buckets of the driver inside a chain's store. The application's keys start below 0x80, the driver's at 0x80 and
 * above. Numbers are never used again for something else.
 */
export const buckets = {
  /** u64 height → encoded Block, final. */
  block: 0x80,
  /** Block digest → u64 height, final. */
  heightOf: 0x81,
  /** Block digest → encoded Block above the tip. */
  pendingBody: 0x82,
  /** u64 epoch ‖ u64 view ‖ u8 kind → Certificate above the tip. */
  certificate: 0x83,
  /** One value: the finalized tip. */
  tip: 0x84,
  /** Transaction id → height, index, code and time. */
  result: 0x85,
  /** One value: the safety record of this node's vote key. */
  safetyRecord: 0x86,
  /** u64 height → the finalization that named the block of this height. */
  finalization: 0x87,
  /** Transaction id → encoded transaction submitted here and not final yet. */
  submission: 0x88,
  /** One value, there once a vote of the own key was seen that the safety record lacks: the key no longer votes. */
  forfeited: 0x89,
  /** u64 epoch → Handover: its boundary header, the finalization of it, and the next set. */
  handover: 0x8a,
  /** u64 epoch → manifest of this node's snapshot of the state after the epoch's boundary block. */
  snapshotManifest: 0x8b,
  /** u64 epoch ‖ u32 index → encoded chunk of a snapshot, own or being fetched. */
  snapshotChunk: 0x8c,
  /** One value: how far taking another node's snapshot has come. */
  stateSync: 0x8d,
  /** Key of the application → its value in a snapshot that is not in force yet. */
  stagedState: 0x8e,
  /** Transaction id → encoded transaction of another member that waits here. */
  gossiped: 0x8f,
  /** One value: u64, how often this store was opened to vote. */
  startCount: 0x90,
  /** One value: since when this store lacks the safety record, and the reset that was asked for. */
  lostRecord: 0x91,
  /** One value: digest of the block at which the operators last let this chain resume. */
  resumedAt: 0x92,
} as const;

export type Bucket = (typeof buckets)[keyof typeof buckets];

export const keyIn = (bucket: Bucket, ...parts: readonly Uint8Array[]): Uint8Array =>
  concat(u8(bucket), ...parts);
export const heightKey = (bucket: Bucket, height: number): Uint8Array => keyIn(bucket, u64(height));

/** The half-open range of a whole bucket. */
export const rangeOf = (bucket: Bucket): { readonly from: Uint8Array; readonly to: Uint8Array } => ({
  from: u8(bucket),
  to: u8(bucket + 1),
});
