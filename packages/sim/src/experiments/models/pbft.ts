import type { LinkQuality } from "../../ports/network.js";
import type { SeededRandom } from "../../random.js";

/**
 * Practical Byzantine fault tolerance (Castro and Liskov 1999) in its normal case, as a model: one request, an honest
 * primary, every member a replica. Pre-prepare, prepare and commit go from each replica to each other, and every
 * message is signed. No view change, no checkpoints, no batching of signatures.
 */
export interface PbftRound {
  readonly messages: number;
  readonly bytes: number;
  /** Signatures that all replicas verify together until all have committed. */
  readonly verifications: number;
  /** From the primary's pre-prepare until the median replica has committed. */
  readonly latencyMs: number;
}

/** Digest, view, sequence number, replica, an Ed25519 signature, and the framing that the simulator counts. */
export const PBFT_VOTE_BYTES = 32 + 8 + 8 + 2 + 64 + 60;

export function pbftRound(
  members: number,
  blockBytes: number,
  quality: LinkQuality,
  random: SeededRandom,
): PbftRound {
  const faulty = Math.floor((members - 1) / 3);
  const delay = (from: number, to: number): number =>
    from === to ? 0 : random.logNormal(quality.delayMedianMs, quality.delaySigma);
  const all = Array.from({ length: members }, (_, index) => index);
  const prePrepared = all.map((replica) => delay(0, replica));
  // The primary's pre-prepare stands for its prepare.
  const prepared = all.map((replica) => {
    const arrivals = all
      .filter((from) => from !== 0)
      .map((from) => prePrepared[from]! + delay(from, replica));
    return Math.max(prePrepared[replica]!, nth(arrivals, 2 * faulty));
  });
  const committed = all.map((replica) => {
    const arrivals = all.map((from) => prepared[from]! + delay(from, replica));
    return nth(arrivals, 2 * faulty + 1);
  });
  const others = members - 1;
  const votes = others * others + members * others;
  return {
    messages: others + votes,
    bytes: others * (blockBytes + PBFT_VOTE_BYTES) + votes * PBFT_VOTE_BYTES,
    // Of each message once by each who receives it.
    verifications: others + votes,
    latencyMs: nth(committed, Math.ceil(members / 2)),
  };
}

/** The count-th smallest, 0 for none. */
const nth = (values: readonly number[], count: number): number =>
  count <= 0 ? 0 : [...values].sort((left, right) => left - right)[Math.min(count, values.length) - 1]!;
