import { toHex } from "@consilium/crypto";
import type { Application, BlockContext, CheckedTransaction } from "@consilium/ledger";
import {
  decodeStrict,
  ignore,
  limits,
  SignedTransaction,
  type StateReader,
  transactionIdOf,
  type Verdict,
  valid,
} from "@consilium/protocol";

/** Heights after which a transaction that no block took is judged again. */
const JUDGED_AGAIN_AFTER_HEIGHTS = 8;

export interface PooledTransaction extends CheckedTransaction {
  readonly encoded: Uint8Array;
  /** Submitted at this node, which then takes care that it reaches proposers. */
  readonly local: boolean;
}

interface Entry extends PooledTransaction {
  judgedAtHeight: number;
}

/** Bounds of a pool: transactions, their bytes together, and transactions of one account. */
export interface MempoolLimits {
  readonly transactions: number;
  readonly bytes: number;
  readonly perAccount: number;
}

const defaultLimits: MempoolLimits = {
  transactions: limits.mempoolTransactions,
  bytes: limits.mempoolBytes,
  perAccount: limits.mempoolTransactionsPerAccount,
};

export interface MempoolOptions {
  readonly application: Application;
  readonly state: StateReader;
  readonly nextNonce: (state: StateReader, sender: Uint8Array) => number;
  /** Those of the protocol when absent. */
  readonly limits?: MempoolLimits;
}

/** Transactions that a finalized block settled: included, overtaken by their nonce, or expired. */
export interface Settled {
  readonly included: readonly Uint8Array[];
  readonly expired: readonly PooledTransaction[];
  readonly dropped: readonly PooledTransaction[];
}

/**
 * Transactions waiting for a block, checked against the finalized state. Bounded in number, bytes and per account;
 * what does not fit is refused, never pushed out, because senders hold nonces in order.
 */
export class Mempool {
  /** By sender (hex), each account's transactions by nonce. */
  private readonly accounts = new Map<string, Map<number, Entry>>();
  private readonly ids = new Map<string, Entry>();
  private bytes = 0;

  private readonly limits: MempoolLimits;

  constructor(private readonly options: MempoolOptions) {
    this.limits = options.limits ?? defaultLimits;
  }

  get transactionCount(): number {
    return this.ids.size;
  }

  get sizeBytes(): number {
    return this.bytes;
  }

  has(id: Uint8Array): boolean {
    return this.ids.has(toHex(id));
  }

  /**
   * Judges and admits one encoded transaction. `ignore` codes of the pool itself: `MEMPOOL_FULL`,
   * `ACCOUNT_QUOTA`, `TX_NONCE_TAKEN`, and `TX_KNOWN` for one that is here already.
   */
  async add(
    encoded: Uint8Array,
    context: BlockContext,
    local: boolean,
  ): Promise<Verdict<CheckedTransaction>> {
    const full = this.fullness(encoded.length);
    if (full !== undefined) return full;
    const verdict = await this.options.application.checkTransaction(this.options.state, encoded, context);
    if (verdict.kind !== "valid") return verdict;
    const checked = verdict.value;
    const refusal = this.fullness(encoded.length) ?? this.placeFor(checked);
    if (refusal !== undefined) return refusal;
    const sender = toHex(checked.sender);
    const account = this.accounts.get(sender) ?? new Map<number, Entry>();
    // Copied: the bytes may be part of a larger network message that should not live as long.
    const entry: Entry = { ...checked, encoded: encoded.slice(), local, judgedAtHeight: context.height };
    account.set(checked.nonce, entry);
    this.accounts.set(sender, account);
    this.ids.set(toHex(checked.id), entry);
    this.bytes += encoded.length;
    return valid(checked);
  }

  /** Transactions that a block could take now: each account's from its next nonce on without a gap, oldest account first. */
  *ready(): Generator<PooledTransaction> {
    for (const account of this.accounts.values()) {
      const [first] = account.values();
      if (first === undefined) continue;
      let nonce = this.options.nextNonce(this.options.state, first.sender);
      for (let entry = account.get(nonce); entry !== undefined; entry = account.get(nonce)) {
        yield entry;
        nonce += 1;
      }
    }
  }

  hasReady(): boolean {
    return this.ready().next().done !== true;
  }

  /** Removes what a finalized block settled. `block` holds its encoded transactions, `context` is the next block's. */
  async settle(block: readonly Uint8Array[], context: BlockContext): Promise<Settled> {
    const included: Uint8Array[] = [];
    for (const encoded of block) {
      const { transaction } = decodeStrict(SignedTransaction, encoded, "transaction");
      included.push(transactionIdOf(transaction));
      this.passNonce(toHex(transaction.sender), transaction.nonce);
    }
    const expired = this.removeWhere((entry) => entry.expiryHeight < context.height);
    return { included, expired, dropped: await this.judgeAgain(context) };
  }

  private fullness(sizeBytes: number): Verdict<never> | undefined {
    const overBytes = this.bytes + sizeBytes > this.limits.bytes;
    if (!overBytes && this.ids.size < this.limits.transactions) return undefined;
    return ignore("MEMPOOL_FULL", "too many transactions wait at this node; send it again later");
  }

  private placeFor({ id, sender, nonce }: CheckedTransaction): Verdict<never> | undefined {
    if (this.has(id)) return ignore("TX_KNOWN", "the transaction waits here already");
    const account = this.accounts.get(toHex(sender));
    if (account?.has(nonce)) {
      return ignore("TX_NONCE_TAKEN", "another transaction of the account with this nonce waits here");
    }
    if ((account?.size ?? 0) < this.limits.perAccount) return undefined;
    return ignore("ACCOUNT_QUOTA", "too many transactions of this account wait; send it once some are final");
  }

  private passNonce(sender: string, nonce: number): void {
    const account = this.accounts.get(sender);
    if (account === undefined) return;
    for (const entry of [...account.values()]) if (entry.nonce <= nonce) this.remove(entry);
  }

  /** A transaction that blocks keep leaving out may have become invalid; then it must not count as work for ever. */
  private async judgeAgain(context: BlockContext): Promise<PooledTransaction[]> {
    const dropped: PooledTransaction[] = [];
    for (const entry of [...this.ids.values()]) {
      if (context.height - entry.judgedAtHeight < JUDGED_AGAIN_AFTER_HEIGHTS) continue;
      entry.judgedAtHeight = context.height;
      const { application, state } = this.options;
      const verdict = await application.checkTransaction(state, entry.encoded, context);
      if (verdict.kind === "valid") continue;
      this.remove(entry);
      dropped.push(entry);
    }
    return dropped;
  }

  private removeWhere(matches: (entry: Entry) => boolean): PooledTransaction[] {
    const matching = [...this.ids.values()].filter(matches);
    for (const entry of matching) this.remove(entry);
    return matching;
  }

  private remove(entry: Entry): void {
    if (!this.ids.delete(toHex(entry.id))) return;
    this.bytes -= entry.encoded.length;
    const account = this.accounts.get(toHex(entry.sender));
    account?.delete(entry.nonce);
    if (account?.size === 0) this.accounts.delete(toHex(entry.sender));
  }
}
