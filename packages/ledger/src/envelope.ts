/** The rules every transaction passes before its kind is asked: cheap ones first, the signature last. */
import { accountId, ConsiliumError, equalBytes } from "@consilium/crypto";
import {
  type LedgerCode,
  limits,
  Role,
  type SignedTransaction,
  type StateReader,
  transactionIdSigningBytes,
} from "@consilium/protocol";
import type { BlockContext } from "./application.js";
import type { DecodedTransactions } from "./decoded-transactions.js";
import * as queries from "./queries.js";
import { type AnyRule, ensure, refuse } from "./rules.js";
import { keyOf, prefixes } from "./state/keys.js";
import { readCounter } from "./state/read.js";
import { type Account, AccountStatus, type ChainInfo } from "./state/values.js";

import type { VerifiedSignatures } from "./verified-signatures.js";

/** A decoded transaction that passed every envelope rule but its signature. */
export interface Envelope {
  readonly signed: SignedTransaction;
  readonly id: Uint8Array;
  readonly rule: AnyRule;
  readonly payload: unknown;
  /** Undefined for a registration. */
  readonly sender: Account | undefined;
  /** Ed25519 key that the signature must be under. */
  readonly signKey: Uint8Array;
  readonly sizeBytes: number;
}

/**
 * Whether only the account's next nonce passes, as a function of the sender (a block), or a run of them ahead of it
 * (a pool).
 */
export type NonceRule = "ahead" | ((sender: Uint8Array) => number);

/**
 * Judges an envelope against a state.
 * @throws ConsiliumError with the code of the first rule that fails.
 */
export function checkEnvelope(
  chain: ChainInfo,
  decoded: DecodedTransactions,
  state: StateReader,
  encoded: Uint8Array,
  block: Pick<BlockContext, "height">,
  nonceRule: NonceRule = "ahead",
): Envelope {
  const { signed, id, rule, payload } = decoded.read(encoded);
  const { transaction } = signed;
  ensure(transaction.expiryHeight >= block.height, "TX_EXPIRED");
  ensure(transaction.expiryHeight <= block.height + limits.expiryHeightsAhead, "TX_EXPIRY_TOO_FAR");
  checkNonce(state, transaction, nonceRule);
  const sender = senderOf(chain, state, rule, transaction.sender, payload);
  return { signed, id, rule, payload, ...sender, sizeBytes: encoded.length };
}

function checkNonce(
  state: StateReader,
  { sender, nonce }: SignedTransaction["transaction"],
  rule: NonceRule,
): void {
  const next = rule === "ahead" ? nextNonce(state, sender) : rule(sender);
  const ahead = rule === "ahead" ? limits.mempoolTransactionsPerAccount : 1;
  ensure(nonce >= next, "TX_STALE_NONCE");
  ensure(nonce < next + ahead, "TX_FUTURE_NONCE");
}

/** The next envelope nonce of an account, registered or not. */
export const nextNonce = (state: StateReader, sender: Uint8Array): number =>
  readCounter(state, keyOf(prefixes.envelopeNonce, sender));

function senderOf(
  chain: ChainInfo,
  state: StateReader,
  rule: AnyRule,
  id: Uint8Array,
  payload: unknown,
): Pick<Envelope, "sender" | "signKey"> {
  if (rule.sender === "new") {
    const { signKey } = payload as { readonly signKey: Uint8Array };
    ensure(equalBytes(accountId(chain.chainId, signKey), id), "IDENTITY_BAD_ID");
    return { sender: undefined, signKey };
  }
  const sender = queries.account(state, id);
  if (sender === undefined || sender.status !== AccountStatus.live) refuse("TX_UNKNOWN_SENDER");
  ensure(rule.sender === "anyone" || sender.role === Role[rule.sender], "TX_NOT_ALLOWED");
  return { sender, signKey: sender.signKey };
}

/**
 * Verifies the envelope's signature, and what its kind asks before a block may carry it.
 * @throws ConsiliumError `SIG_INVALID`, or the kind's code.
 */
export function admit(
  signatures: VerifiedSignatures,
  chain: ChainInfo,
  state: StateReader,
  { signed, id, signKey, rule, payload }: Envelope,
): void {
  const message = transactionIdSigningBytes(id);
  ensure(signatures.verify(signKey, message, signed.signature), "SIG_INVALID");
  const verify = signatures.verify.bind(signatures);
  rule.admit({ chain, state, payload, verify });
}

/** Envelope codes that are bad luck or a matter of time; whoever forwards such a transaction is not to blame. */
const UNLUCKY: ReadonlySet<string> = new Set<LedgerCode>([
  "TX_UNKNOWN_KIND",
  "TX_EXPIRED",
  "TX_EXPIRY_TOO_FAR",
  "TX_STALE_NONCE",
  "TX_FUTURE_NONCE",
  "TX_UNKNOWN_SENDER",
  "MEMBER_LEFT",
]);

export const isUnlucky = (error: unknown): boolean =>
  error instanceof ConsiliumError && UNLUCKY.has(error.code);
