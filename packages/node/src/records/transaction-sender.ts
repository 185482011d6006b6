import { accountId, ConsiliumError, ed25519Sign, toHex } from "@consilium/crypto";
import type { Chain, TransactionResult } from "@consilium/driver";
import { queries } from "@consilium/ledger";
import {
  type Log,
  SignedTransaction,
  type Transaction,
  type TransactionKind,
  transactionIdOf,
  transactionKindNames,
  transactionSigningBytes,
} from "@consilium/protocol";
import type { KeyPair } from "../keys/index.js";

/** A transaction that was asked for and is not final yet. */
interface Pending {
  readonly kind: TransactionKind;
  readonly payload: Uint8Array;
  /** No later height may include it; it then fails with TX_EXPIRED instead of being signed anew. */
  readonly lastHeight: number | undefined;
  readonly onSubmitted: (id: Uint8Array) => void;
  nonce: number;
  expiryHeight: number;
  id: Uint8Array;
  encoded: Uint8Array;
  /** Finalized height at which it was last submitted. */
  submittedHeight: number;
  readonly resolve: (result: TransactionResult) => void;
  readonly reject: (error: unknown) => void;
}

export interface SendOptions {
  /** The last height at which it may take effect: for what names an epoch. Without it the transaction waits as long as it takes. */
  readonly lastHeight?: number;
  /** Told the transaction's id when the chain has admitted it, and again should it be signed anew. */
  readonly onSubmitted?: (id: Uint8Array) => void;
}

/** Heights after which an unconfirmed transaction is signed anew. */
const EXPIRY_HEIGHTS = 200;
/** Heights after which it is handed to the chain again, in case every mempool lost it. */
const RESUBMIT_HEIGHTS = 10;
const SUBMIT_ATTEMPTS = 3;
/** Refusals that pass with time; the transaction waits for the next block. */
const TRANSIENT = new Set([
  "TX_FUTURE_NONCE",
  "TX_TOO_MANY",
  "MEMPOOL_FULL",
  "CHAIN_NOT_RUNNING",
  "ACCOUNT_QUOTA",
  "BUSY",
]);
/** What the chain answers for a transaction that it holds already. */
const KNOWN = new Set(["TX_KNOWN", "ALREADY_KNOWN", "DUPLICATE"]);
const STALE = new Set(["TX_STALE_NONCE", "TX_EXPIRED"]);

/**
 * Signs and sends transactions of this member's own account on one chain, with strictly sequential nonces, and waits
 * until they are final. Safe to call concurrently: a nonce is used only once the transaction before it was admitted, and
 * what gets lost is sent again. After a restart a nonce may turn out to be used by a transaction sent before: then the
 * new one takes the next.
 */
export class TransactionSender {
  readonly account: Uint8Array;
  readonly #pending: Pending[] = [];
  readonly #unsubscribe: () => void;
  #work: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(
    private readonly chain: Chain,
    private readonly key: KeyPair,
    private readonly log: Log,
    /** The account; by default the one that derives from the key on this chain. */
    account: Uint8Array = accountId(chain.chainId, key.publicKey),
  ) {
    this.account = account;
    this.#unsubscribe = chain.onFinalized(() => this.#enqueue(() => this.#afterBlock()));
  }

  /**
   * Sends one transaction and resolves when it is final and took effect.
   * @throws ConsiliumError with the chain's code when it was refused or had no effect; `TX_EXPIRED` once `lastHeight` is
   * past; `CHAIN_STOPPED` after `stop`.
   */
  send(kind: TransactionKind, payload: Uint8Array, options: SendOptions = {}): Promise<TransactionResult> {
    return new Promise((resolve, reject) => {
      const entry: Pending = {
        kind,
        payload,
        lastHeight: options.lastHeight,
        onSubmitted: options.onSubmitted ?? (() => {}),
        nonce: -1,
        expiryHeight: 0,
        id: new Uint8Array(),
        encoded: new Uint8Array(),
        submittedHeight: 0,
        resolve,
        reject,
      };
      this.#admit(entry);
    });
  }

  /** Rejects what is still pending; it may yet become final. */
  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
    for (const entry of this.#pending.splice(0)) entry.reject(stopped());
  }

  /** All changes happen one after the other, so that a refused transaction leaves no gap in the nonces. */
  #enqueue(act: () => Promise<void>): void {
    this.#work = this.#work.then(act).catch((error) => this.log.error({ error }, "transactions.failed"));
  }

  #admit(entry: Pending): void {
    this.#enqueue(async () => {
      if (this.#stopped) return entry.reject(stopped());
      if (this.#isPast(entry)) return entry.reject(expired());
      this.#sign(entry, this.#nextNonce());
      this.#pending.push(entry);
      await this.#submitOrReject(entry);
    });
  }

  #nextNonce(): number {
    const inState = queries.nextNonces(this.chain.state(), this.account).envelope;
    const lastPending = this.#pending.reduce((last, { nonce }) => Math.max(last, nonce), -1);
    return Math.max(inState, lastPending + 1);
  }

  #sign(entry: Pending, nonce: number): void {
    entry.nonce = nonce;
    const expiryHeight = this.chain.finalized().height + EXPIRY_HEIGHTS;
    entry.expiryHeight = Math.min(expiryHeight, entry.lastHeight ?? expiryHeight);
    const transaction: Transaction = {
      chainId: this.chain.chainId,
      kind: entry.kind,
      sender: this.account,
      nonce,
      expiryHeight: entry.expiryHeight,
      payload: entry.payload,
    };
    entry.id = transactionIdOf(transaction);
    const signature = ed25519Sign(this.key.secretKey, transactionSigningBytes(transaction));
    entry.encoded = SignedTransaction.serialize({ transaction, signature });
  }

  /** @throws ConsiliumError for a refusal that no waiting will cure. */
  async #submit(entry: Pending): Promise<void> {
    for (let attempt = 0; attempt < SUBMIT_ATTEMPTS; attempt++) {
      entry.submittedHeight = this.chain.finalized().height;
      const answer = await this.chain.submit(entry.encoded);
      if (answer.accepted) entry.onSubmitted(entry.id);
      if (answer.accepted || KNOWN.has(answer.code) || TRANSIENT.has(answer.code)) return;
      const result = this.chain.transactionResult(entry.id);
      if (result !== undefined) return this.#settle(entry, result);
      if (!STALE.has(answer.code) || this.#isPast(entry)) {
        throw new ConsiliumError(answer.code, answer.reason, { kind: nameOf(entry.kind) });
      }
      // Another transaction has the nonce: one that this account sent before a restart, or that has just become final.
      this.#drop(entry);
      this.#sign(entry, this.#nextNonce());
      this.#pending.push(entry);
    }
  }

  async #submitOrReject(entry: Pending): Promise<void> {
    try {
      await this.#submit(entry);
    } catch (error) {
      this.#drop(entry);
      entry.reject(error);
      this.#resignAfter(entry.nonce);
    }
  }

  /** The nonces after a free one move down by one: those transactions are signed anew, in order. */
  #resignAfter(free: number): void {
    const later = this.#pending.filter(({ nonce }) => nonce > free);
    for (const each of later) this.#drop(each);
    for (const each of later.sort((left, right) => left.nonce - right.nonce)) this.#admit(each);
  }

  async #afterBlock(): Promise<void> {
    const height = this.chain.finalized().height;
    const nextNonce = queries.nextNonces(this.chain.state(), this.account).envelope;
    for (const entry of [...this.#pending]) {
      // An entry before it may have freed its nonce, and so have sent this one back to be signed anew.
      if (!this.#pending.includes(entry)) continue;
      const result = this.chain.transactionResult(entry.id);
      if (result !== undefined) this.#settle(entry, result);
      else if (this.#isPast(entry)) this.#expire(entry);
      else if (nextNonce > entry.nonce) this.#takeAnotherNonce(entry);
      else if (height >= entry.expiryHeight) await this.#signAnew(entry);
      else if (height - entry.submittedHeight >= RESUBMIT_HEIGHTS) await this.#submitOrReject(entry);
    }
  }

  #isPast({ lastHeight }: Pending): boolean {
    return lastHeight !== undefined && this.chain.finalized().height >= lastHeight;
  }

  /** The nonce it would have used is free again, so those after it move down. */
  #expire(entry: Pending): void {
    this.#drop(entry);
    entry.reject(expired());
    this.#resignAfter(entry.nonce);
  }

  #takeAnotherNonce(entry: Pending): void {
    this.log.debug({ kind: nameOf(entry.kind), nonce: entry.nonce }, "transaction.nonce-taken");
    this.#drop(entry);
    this.#admit(entry);
  }

  async #signAnew(entry: Pending): Promise<void> {
    this.log.debug({ kind: nameOf(entry.kind), nonce: entry.nonce }, "transaction.expired");
    this.#sign(entry, entry.nonce);
    await this.#submitOrReject(entry);
  }

  #settle(entry: Pending, result: TransactionResult): void {
    this.#drop(entry);
    const facts = { kind: nameOf(entry.kind), id: toHex(entry.id), height: result.height, code: result.code };
    this.log.debug(facts, "transaction.final");
    if (result.code === "OK") entry.resolve(result);
    else entry.reject(new ConsiliumError(result.code, `The transaction ${facts.kind} had no effect.`, facts));
  }

  #drop(entry: Pending): void {
    const index = this.#pending.indexOf(entry);
    if (index >= 0) this.#pending.splice(index, 1);
  }
}

const nameOf = (kind: number): string => transactionKindNames[kind] ?? String(kind);

const stopped = (): ConsiliumError =>
  new ConsiliumError("CHAIN_STOPPED", "The node is stopping; ask again after it has started.");

const expired = (): ConsiliumError =>
  new ConsiliumError("TX_EXPIRED", "The epoch ended before the transaction became final; try again.");
