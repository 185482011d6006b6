import { equalBytes, toHex } from "@consilium/crypto";
import type { Application, BlockContext, CheckedTransaction } from "@consilium/ledger";
import {
  decodeStrict,
  ignore,
  SignedTransaction,
  type StateReader,
  type Transaction,
  transactionIdOf,
  type Verdict,
  valid,
} from "@consilium/protocol";
import { defaultMempoolLimits, type MempoolLimits, Room } from "./room.js";

/** Heights after which a transaction that no block took is judged again. */
const JUDGED_AGAIN_AFTER_HEIGHTS = 8;
/** Transactions judged again after one block, so that a full pool is gone through in slices. */
const JUDGED_AGAIN_PER_BLOCK_MAX = 256;
/** Times that one account's transaction of one nonce may be replaced while it waits. */
const REPLACEMENTS_MAX = 4;

export interface PooledTransaction extends CheckedTransaction {
  readonly encoded: Uint8Array;
  /** Submitted at this node, which then takes care that it reaches proposers. */
  readonly local: boolean;
}

interface Entry extends PooledTransaction {
  readonly name: string;
  readonly replacements: number;
  /** Of a member, or of an account that the node's own users submit for: may use the reserved share. */
  readonly reserved: boolean;
  local: boolean;
  judgedAtHeight: number;
}

/** Why a transaction left the pool. */
export type Removal = "included" | "expired" | "dropped" | "replaced";

export interface MempoolOptions {
  readonly application: Application;
  readonly state: StateReader;
  readonly nextNonce: (state: StateReader, sender: Uint8Array) => number;
  /** Whether an account is a member's own, and so may use the reserved share; nobody when absent. */
  readonly isMember?: (state: StateReader, sender: Uint8Array) => boolean;
  /** Those of the protocol when absent. */
  readonly limits?: MempoolLimits;
}

/** Transactions that a finalized block settled: included, expired, or no longer valid. */
export interface Settled {
  readonly included: readonly Uint8Array[];
  readonly expired: readonly PooledTransaction[];
  readonly dropped: readonly PooledTransaction[];
}

/**
 * Transactions waiting for a block, checked against the finalized state. Bounded in number, bytes and per account;
 * what does not fit is refused, never pushed out, because senders hold nonces in order. There are no fees, so one
 * transaction replaces another of its account and nonce when it may wait longer (a higher expiry height), a few times.
 */
export class Mempool {
  /** By sender (hex), each account's transactions by nonce. */
  private readonly accounts = new Map<string, Map<number, Entry>>();
  /** In the order in which they were last judged. */
  private readonly ids = new Map<string, Entry>();
  private readonly bySignature = new Map<string, Entry>();
  private readonly room: Room;
  private removed: (transaction: PooledTransaction, why: Removal) => void = () => {};

  constructor(private readonly options: MempoolOptions) {
    this.room = new Room(options.limits ?? defaultMempoolLimits);
  }

  get transactionCount(): number {
    return this.ids.size;
  }

  get sizeBytes(): number {
    return this.room.sizeBytes;
  }

  has(id: Uint8Array): boolean {
    return this.ids.has(toHex(id));
  }

  /** Tells one listener of every transaction that leaves the pool. */
  watch(removed: (transaction: PooledTransaction, why: Removal) => void): void {
    this.removed = removed;
  }

  /** A waiting transaction by its very bytes, without decoding them. */
  find(encoded: Uint8Array): PooledTransaction | undefined {
    const entry = this.bySignature.get(signatureOf(encoded));
    return entry !== undefined && equalBytes(entry.encoded, encoded) ? entry : undefined;
  }

  /** A waiting transaction was submitted here too: from now on this node takes care of it. */
  claim(id: Uint8Array): void {
    const entry = this.ids.get(toHex(id));
    if (entry !== undefined) entry.local = true;
  }

  /**
   * Judges and admits one encoded transaction. `ignore` codes of the pool itself: `MEMPOOL_FULL`,
   * `ACCOUNT_QUOTA`, `TX_NONCE_TAKEN`, and `TX_KNOWN` for one that is here already, which costs no signature check.
   */
  async add(
    encoded: Uint8Array,
    context: BlockContext,
    local: boolean,
  ): Promise<Verdict<CheckedTransaction>> {
    const early = this.find(encoded) ? knownAlready : this.refuseEarly(encoded, local);
    if (early !== undefined) return early;
    const verdict = await this.options.application.checkTransaction(this.options.state, encoded, context);
    if (verdict.kind !== "valid") return verdict;
    const checked = verdict.value;
    const replaced = this.accounts.get(toHex(checked.sender))?.get(checked.nonce);
    const reserved = local || this.isMember(checked.sender);
    const refusal = this.placeFor(checked, encoded.length, reserved, replaced);
    if (refusal !== undefined) return refusal;
    if (replaced !== undefined) this.remove(replaced, "replaced");
    // Copied: the bytes may be part of a larger network message that should not live as long.
    const own = encoded.slice();
    const replacements = replaced === undefined ? 0 : replaced.replacements + 1;
    const name = toHex(checked.sender);
    const judgedAtHeight = context.height;
    this.insert({ ...checked, encoded: own, name, replacements, reserved, local, judgedAtHeight });
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
    const included = this.ids.size === 0 ? [] : block.flatMap((encoded) => this.include(encoded));
    const expired = [...this.ids.values()].filter(({ expiryHeight }) => expiryHeight < context.height);
    for (const entry of expired) this.remove(entry, "expired");
    return { included, expired, dropped: await this.judgeAgain(context) };
  }

  /** Passes the nonce of a final transaction; its id when it waited here. */
  private include(encoded: Uint8Array): Uint8Array[] {
    const known = this.find(encoded) ?? decodeStrict(SignedTransaction, encoded, "transaction").transaction;
    const { sender, nonce } = known;
    const account = this.accounts.get(toHex(sender));
    const rival = account?.get(nonce);
    // The same transaction may have been signed twice: its id tells.
    const id = "id" in known ? known.id : rival && transactionIdOf(known);
    const included = rival !== undefined && id !== undefined && equalBytes(rival.id, id);
    for (const entry of [...(account?.values() ?? [])]) {
      if (entry.nonce > nonce) continue;
      this.remove(entry, included && entry === rival ? "included" : "dropped");
    }
    return included ? [rival.id] : [];
  }

  /** What needs no signature check to be refused. Only a nearly full pool looks whose a transaction says it is. */
  private refuseEarly(encoded: Uint8Array, local: boolean): Verdict<never> | undefined {
    if (this.room.has(encoded.length, local)) return undefined;
    const transaction = envelopeOf(encoded);
    // What cannot be decoded is the application's to judge, and its sender's fault.
    if (transaction === undefined) return undefined;
    const mayReplace = this.accounts.get(toHex(transaction.sender))?.has(transaction.nonce) === true;
    const mayUseReserve = this.room.has(encoded.length, true) && this.isMember(transaction.sender);
    return mayReplace || mayUseReserve ? undefined : full;
  }

  private placeFor(
    { id, expiryHeight, sender }: CheckedTransaction,
    sizeBytes: number,
    reserved: boolean,
    replaced: Entry | undefined,
  ): Verdict<never> | undefined {
    if (this.has(id)) return knownAlready;
    if (replaced !== undefined) {
      const mayReplace = expiryHeight > replaced.expiryHeight && replaced.replacements < REPLACEMENTS_MAX;
      if (!mayReplace) return nonceTaken;
    }
    const freedBytes = replaced?.encoded.length ?? 0;
    const name = toHex(sender);
    if (!this.room.hasForAccount(name, sizeBytes, replaced)) return overQuota;
    return this.room.has(sizeBytes - freedBytes, reserved, replaced === undefined ? 1 : 0) ? undefined : full;
  }

  /**
   * A transaction that blocks keep leaving out may have become invalid; then it must not count as work for ever. Those
   * judged longest ago stand first, so a slice of the pool costs only its own length.
   */
  private async judgeAgain(context: BlockContext): Promise<PooledTransaction[]> {
    const due: Entry[] = [];
    for (const entry of this.ids.values()) {
      if (context.height - entry.judgedAtHeight < JUDGED_AGAIN_AFTER_HEIGHTS) break;
      if (due.push(entry) >= JUDGED_AGAIN_PER_BLOCK_MAX) break;
    }
    const dropped: PooledTransaction[] = [];
    for (const entry of due) {
      entry.judgedAtHeight = context.height;
      const { application, state } = this.options;
      const verdict = await application.checkTransaction(state, entry.encoded, context);
      const id = toHex(entry.id);
      if (!this.ids.delete(id)) continue;
      this.ids.set(id, entry);
      if (verdict.kind === "valid") continue;
      this.remove(entry, "dropped");
      dropped.push(entry);
    }
    return dropped;
  }

  private isMember(sender: Uint8Array): boolean {
    return this.options.isMember?.(this.options.state, sender) === true;
  }

  private insert(entry: Entry): void {
    const account = this.accounts.get(entry.name) ?? new Map<number, Entry>();
    account.set(entry.nonce, entry);
    this.accounts.set(entry.name, account);
    this.ids.set(toHex(entry.id), entry);
    this.bySignature.set(signatureOf(entry.encoded), entry);
    this.room.take(entry.name, entry.encoded.length);
  }

  private remove(entry: Entry, why: Removal): void {
    if (!this.ids.delete(toHex(entry.id))) return;
    this.bySignature.delete(signatureOf(entry.encoded));
    this.room.give(entry.name, entry.encoded.length);
    const account = this.accounts.get(entry.name);
    account?.delete(entry.nonce);
    if (account?.size === 0) this.accounts.delete(entry.name);
    this.removed(entry, why);
  }
}

const knownAlready = ignore("TX_KNOWN", "the transaction waits here already");
const full = ignore("MEMPOOL_FULL", "too many transactions wait at this node; send it again later");
const overQuota = ignore(
  "ACCOUNT_QUOTA",
  "too many transactions of this account wait; send it once some are final",
);
const nonceTaken = ignore(
  "TX_NONCE_TAKEN",
  "another transaction of the account with this nonce waits here, and this one may not wait longer",
);

/** Where SSZ puts the signature: after the offset of the envelope. Bytes that are shorter name nothing that waits. */
const signatureOf = (encoded: Uint8Array): string => toHex(encoded.subarray(4, 68));

function envelopeOf(encoded: Uint8Array): Transaction | undefined {
  try {
    return decodeStrict(SignedTransaction, encoded, "transaction").transaction;
  } catch {
    return undefined;
  }
}
