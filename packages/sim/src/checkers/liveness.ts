/** New blocks that every honest node must finalize after healing. */
export const BLOCKS_AFTER_HEALING = 3;

/** Time in which lost connections are dialled again, and in which a range is synced where the first peer is silent. */
const RECONNECT_MS = 1_000;
const SYNC_MS = 9_000;

export interface BoundInput {
  readonly validators: number;
  /** The largest Δ to which a node had adapted when the network healed. */
  readonly deltaMs: number;
  readonly blockIntervalMs: number;
  readonly heartbeatMs: number;
}

/**
 * Invariant 10: after the network heals with at most f faulty, a block finalizes within this bound. 2f + 2 views until
 * two honest proposers in a row (f faulty ones before, one view disturbed by what went before), and one for each block
 * wanted. A view takes at most the wait for work, 3Δ of timers and 8Δ of rebroadcast pause. Two heartbeats, new
 * connections and a sync come on top.
 */
export function liveBoundMs({ validators, deltaMs, blockIntervalMs, heartbeatMs }: BoundInput): number {
  const faulty = Math.floor((validators - 1) / 3);
  const viewMs = Math.max(blockIntervalMs, heartbeatMs) + 11 * deltaMs;
  return (2 * faulty + 2 + BLOCKS_AFTER_HEALING) * viewMs + 2 * heartbeatMs + RECONNECT_MS + SYNC_MS;
}
