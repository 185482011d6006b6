/**
 * Transaction results by id. They are kept as long as a transaction could name an expiry: after that nobody can include
 * it again, and the state stays bounded. Blocks and their codes can be recomputed from the chain for ever.
 */
import { utf8 } from "@consilium/crypto";
import { type LedgerCode, limits } from "@consilium/protocol";
import type { Envelope } from "./envelope.js";
import { heightKey, keyOf, prefixes } from "./state/keys.js";
import { readValue } from "./state/read.js";
import { ResultsAtHeight, TransactionResult } from "./state/values.js";
import type { StateWriter } from "./state/writer.js";

/** Heights for which results are kept. */
export const resultRetentionHeights = limits.expiryHeightsAhead;

const NONE = new Uint8Array(0);

export function storeResult(state: StateWriter, envelope: Envelope, height: number, code: LedgerCode): void {
  const { kind, sender, nonce } = envelope.signed.transaction;
  const result = { height, kind, sender, nonce, code: utf8(code) };
  state.putValue(keyOf(prefixes.transactionResult, envelope.id), TransactionResult, result);
}

/** Lists a block's transactions for their removal later, and removes those of the height that is now past retention. */
export function rotateResults(state: StateWriter, height: number, ids: Uint8Array[]): void {
  if (ids.length > 0) {
    state.putValue(heightKey(prefixes.resultsAtHeight, NONE, height), ResultsAtHeight, ids);
  }
  if (height <= resultRetentionHeights) return;
  const oldKey = heightKey(prefixes.resultsAtHeight, NONE, height - resultRetentionHeights - 1);
  for (const id of readValue(state, oldKey, ResultsAtHeight) ?? []) {
    state.delete(keyOf(prefixes.transactionResult, id));
  }
  if (state.get(oldKey) !== undefined) state.delete(oldKey);
}
