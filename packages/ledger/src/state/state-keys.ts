/** Keys of the values that clients prove for themselves. */
import { convictionKey, epochKey, keyOf, prefixes } from "./keys.js";

/**
 * The state key of a value, and with it what to ask a proof for. Values are the containers of `values.ts` and
 * `election-values.ts`; a revocation is `revokedHeight` of its grant, an absent key proves that there is none.
 */
export const stateKeys = {
  chain: (): Uint8Array => keyOf(prefixes.chain),
  tip: (): Uint8Array => keyOf(prefixes.tip),
  member: (node: Uint8Array): Uint8Array => keyOf(prefixes.member, node),
  account: (id: Uint8Array): Uint8Array => keyOf(prefixes.account, id),
  record: (recordId: Uint8Array): Uint8Array => keyOf(prefixes.record, recordId),
  /** How many records stand under a label: who names it may read the index under it. */
  recordsOfLabel: (owner: Uint8Array, label: Uint8Array): Uint8Array =>
    keyOf(prefixes.recordsOfLabel, owner, label),
  grant: (grantId: Uint8Array): Uint8Array => keyOf(prefixes.grant, grantId),
  access: (requestId: Uint8Array): Uint8Array => keyOf(prefixes.access, requestId),
  labelClosed: (owner: Uint8Array, label: Uint8Array): Uint8Array =>
    keyOf(prefixes.labelClosed, owner, label),
  validatorSet: (epoch: number): Uint8Array => epochKey(prefixes.validatorSet, epoch),
  epoch: (epoch: number): Uint8Array => epochKey(prefixes.epoch, epoch),
  candidate: (node: Uint8Array): Uint8Array => keyOf(prefixes.candidate, node),
  proposal: (id: Uint8Array): Uint8Array => keyOf(prefixes.proposal, id),
  conviction: convictionKey,
  transactionResult: (id: Uint8Array): Uint8Array => keyOf(prefixes.transactionResult, id),
} as const;
