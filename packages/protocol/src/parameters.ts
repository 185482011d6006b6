/**
 * Parameters that all nodes of a chain share; they stand in its genesis. Durations are milliseconds, lengths heights.
 */
export interface ChainParameters {
  /** Δ: assumed bound on one message delay; the propose timer is 2Δ, the advance timer 3Δ. */
  readonly deltaMs: number;
  readonly blockIntervalMs: number;
  /** An idle chain makes an empty block at this pace. */
  readonly heartbeatMs: number;
  /** L: heights of one epoch; the last is the boundary block. */
  readonly epochLengthHeights: number;
  /** A proposer that signed nothing in this many views of known history is not waited for. */
  readonly inactivityViews: number;
  /** D: heights of one ceremony window. */
  readonly ceremonyWindowHeights: number;
  /** Block time within which a replaced share still answers and a challenge must be answered. */
  readonly responseWindowMs: number;
  readonly blockPayloadBytes: number;
}

export type PresetName = "production" | "devnet";

export const presets: Readonly<Record<PresetName, ChainParameters>> = {
  production: {
    deltaMs: 1_000,
    blockIntervalMs: 500,
    heartbeatMs: 10_000,
    epochLengthHeights: 7_200,
    inactivityViews: 10,
    ceremonyWindowHeights: 240,
    responseWindowMs: 30_000,
    blockPayloadBytes: 2 * 1024 * 1024,
  },
  devnet: {
    deltaMs: 300,
    blockIntervalMs: 100,
    heartbeatMs: 2_000,
    epochLengthHeights: 400,
    inactivityViews: 10,
    ceremonyWindowHeights: 40,
    responseWindowMs: 5_000,
    blockPayloadBytes: 2 * 1024 * 1024,
  },
};

/** f: faulty validators tolerated among n. */
export const faultBound = (n: number): number => Math.floor((n - 1) / 3);
/** q: votes that make a certificate. 4→3, 7→5, 13→9, 21→15, 31→21; 1→1. */
export const quorumOf = (n: number): number => Math.floor((2 * n) / 3) + 1;
/** t: shares that open, 2f+1 by default. Quorum is votes, threshold is shares. */
export const defaultThreshold = (n: number): number => 2 * faultBound(n) + 1;
