import { concat, Reader, u8, u64 } from "@consilium/crypto";
import type { StoreChange } from "@consilium/protocol";
import type { FollowReason } from "../chain.js";
import type { ChainStore } from "../store/chain-store.js";
import { buckets, keyIn } from "../store/keys.js";

/** Why a vote key may have signed what this store no longer knows. The order numbers them on disk: add at the end. */
const REASONS = [
  "SAFETY_RECORD_MISSING",
  "SAFETY_RECORD_CORRUPT",
  "SAFETY_RECORD_STALE",
  "OWN_VOTE_UNKNOWN",
] as const satisfies readonly FollowReason[];
export type LossReason = (typeof REASONS)[number];

/**
 * A loss of the safety record, durable from the moment it is noticed until the key is readmitted: a record that is lost
 * must stay lost across restarts, whatever else the store says then.
 */
export interface LostRecord {
  readonly reason: LossReason;
  /**
   * The key has voted in no epoch above this one. Known only where the rest of the store is this node's newest: not for
   * an emptied folder, not for one that was restored from a copy, and not where a vote shows that it is one.
   */
  readonly votedUpTo: number | undefined;
  /** The safety/reset submitted at this node since the loss. */
  readonly reset: AskedReset | undefined;
}

export interface AskedReset {
  /** Transaction id. A copy that is restored twice may sign the very transaction again that was final after the first. */
  readonly id: Uint8Array;
  /** When it was submitted here, by this node's clock, in Unix milliseconds: it must not have been final long before. */
  readonly askedMs: number;
}

const key = keyIn(buckets.lostRecord);

export const lostChange = ({ reason, votedUpTo, reset }: LostRecord): StoreChange => ({
  key,
  value: concat(
    u8(REASONS.indexOf(reason)),
    u8(votedUpTo === undefined ? 0 : 1),
    u64(votedUpTo ?? 0),
    reset === undefined ? new Uint8Array() : concat(reset.id, u64(reset.askedMs)),
  ),
});

export const forgetLost: StoreChange = { key, value: undefined };

/** Undefined where nothing was lost. */
export function readLost(store: ChainStore): LostRecord | undefined {
  const bytes = store.read(buckets.lostRecord);
  if (bytes === undefined) return undefined;
  const reader = new Reader(bytes);
  const reason = REASONS[reader.u8()] ?? "SAFETY_RECORD_CORRUPT";
  const known = reader.u8() === 1;
  const epoch = Number(reader.u64());
  const asked = reader.remainingBytes === 40;
  const reset = asked ? { id: reader.take(32), askedMs: Number(reader.u64()) } : undefined;
  return { reason, votedUpTo: known ? epoch : undefined, reset };
}
