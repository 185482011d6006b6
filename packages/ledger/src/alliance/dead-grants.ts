import { u64 } from "@consilium/crypto";
import type { BlockStart } from "../ledger.js";
import { keyOf, listItemKey, prefixes } from "../state/keys.js";
import { listLength, readCounter } from "../state/read.js";
import type { StateWriter } from "../state/writer.js";

const DAY_MS = 24 * 3_600_000;
/** Days for which an expired grant can still be looked up. */
export const deadGrantRetentionDays = 30;
/** Grants removed, or days without any passed over, in one block. */
const STEPS_MAX = 16;

const CURSOR = keyOf(prefixes.grantExpiryCursor);
const dayOf = (timeMs: number): number => Math.floor(timeMs / DAY_MS);

/** Notes on which day a grant expires, so that it is found when it is long dead. */
export const noteExpiry = (state: StateWriter, grantId: Uint8Array, expiryMs: number): void =>
  state.append(prefixes.grantsExpiring, u64(dayOf(expiryMs)), grantId);

/**
 * Removes grants that expired, revoked or not, once nobody should need them: a grant of which there is nothing opens
 * nothing, and its id cannot come back. What was opened under it stays on record. A bounded number goes in each block,
 * the last of a day first.
 */
export function removeDeadGrants({ state, chain, header }: BlockStart): void {
  const first = dayOf(chain.genesisTimeMs);
  const cursor = state.get(CURSOR) === undefined ? first : readCounter(state, CURSOR);
  const lastDay = dayOf(header.timestampMs) - deadGrantRetentionDays - 1;
  let day = cursor;
  for (let step = 0; step < STEPS_MAX && day <= lastDay; step++) {
    if (!removeOne(state, u64(day))) day += 1;
  }
  if (day !== cursor) state.putCounter(CURSOR, day);
}

/** Removes the last grant of a day's list; false when there is none left. */
function removeOne(state: StateWriter, day: Uint8Array): boolean {
  const length = listLength(state, prefixes.grantsExpiring, day);
  if (length === 0) return false;
  const item = listItemKey(prefixes.grantsExpiring, day, length - 1);
  state.delete(keyOf(prefixes.grant, state.get(item)!));
  state.delete(item);
  const count = keyOf(prefixes.grantsExpiring, day);
  if (length === 1) state.delete(count);
  else state.putCounter(count, length - 1);
  return true;
}
