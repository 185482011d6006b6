import type { BlockContext, CheckedTransaction } from "@consilium/ledger";
import {
  type Clock,
  decodeStrict,
  ignore,
  type Log,
  SignedTransaction,
  type StoreChange,
  type Timer,
  TransactionBatch,
  type Transport,
  transactionIdOf,
  type Verdict,
} from "@consilium/protocol";
import type { ChainCounters, SubmitResult } from "../chain.js";
import type { FinalityEvents } from "../events/finality-events.js";
import type { GossipAnswer, PeerDesk } from "../messages/peer-desk.js";
import type { ChainStore } from "../store/chain-store.js";
import { buckets, keyIn } from "../store/keys.js";
import { NOT_RUNNING, StoreUntilStop } from "../store/store-until-stop.js";
import type { Mempool, PooledTransaction, Removal } from "./mempool.js";
import { PendingStore, type StoredTransaction } from "./pending-store.js";

/** The driver's own request protocol: pending transactions to the next proposer. */
export const TRANSACTIONS_PROTOCOL = "transactions/1";

/** Submissions within this time travel in one gossip message. */
const RELAY_DELAY_MS = 5;
const BATCH_TRANSACTIONS_MAX = 256;
const BATCH_BYTES_MAX = 768 * 1024;
const FORWARD_TIMEOUT_MS = 5_000;
/** Batches from peers that are judged at the same time, of all and of one; more are ignored, gossip brings them again. */
const JUDGED_BATCHES_MAX = 64;
const JUDGED_BATCHES_PER_PEER_MAX = 16;
/** Transactions of an earlier run that are judged between two turns of the clock, and how far these are apart. */
const RESTORED_AT_ONCE_MAX = 64;
const RESTORE_PAUSE_MS = 10;

export interface IntakeOptions {
  readonly mempool: Mempool;
  readonly store: ChainStore;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Log;
  readonly desk: PeerDesk;
  readonly counters: ChainCounters;
  readonly events: Pick<FinalityEvents, "drop">;
  /** Height and time of the next block. */
  readonly context: () => BlockContext;
  /** The pool changed: there may be work. */
  readonly changed: () => void;
}

/** How transactions come in and go around: submissions, gossip, and batches for the next proposer. */
export class TransactionIntake {
  private readonly relayed: Uint8Array[] = [];
  private relayTimer: Timer | undefined;
  private restoreTimer: Timer | undefined;
  private judging = 0;
  private readonly judgingOf = new Map<string, number>();
  private readonly writes: StoreUntilStop;
  private readonly pending: PendingStore;
  private stopped = false;

  constructor(private readonly options: IntakeOptions) {
    this.writes = new StoreUntilStop(options.store, () => this.stopped);
    this.pending = new PendingStore({ ...options, store: this.writes });
    options.mempool.watch((transaction, why) => this.removed(transaction, why));
  }

  /** Admits a local submission, keeps it across restarts and passes it on. One that waits already is accepted again. */
  async submit(encoded: Uint8Array): Promise<SubmitResult> {
    const { mempool, counters, context, changed } = this.options;
    const verdict = await mempool.add(encoded, context(), true);
    if (this.stopped) return { accepted: false, code: NOT_RUNNING, reason: "the chain stopped" };
    if (verdict.kind === "ignore" && verdict.code === "TX_KNOWN") return this.claim(encoded);
    if (verdict.kind !== "valid") {
      counters.submissionsRefused += 1;
      return { accepted: false, code: verdict.code, reason: verdict.reason };
    }
    counters.submissionsAccepted += 1;
    const { id } = verdict.value;
    await this.keepSubmission(id, encoded);
    this.relay(encoded);
    changed();
    return { accepted: true, id, code: "OK" };
  }

  /** It came by gossip, or was submitted before: this node takes care of it from now on. */
  private async claim(encoded: Uint8Array): Promise<SubmitResult> {
    const { mempool } = this.options;
    const known = mempool.find(encoded);
    const id =
      known?.id ?? transactionIdOf(decodeStrict(SignedTransaction, encoded, "submission").transaction);
    if (known?.local === false) {
      mempool.claim(id);
      await this.keepSubmission(id, encoded);
      this.pending.forget(id);
    }
    return { accepted: true, id, code: "OK" };
  }

  private async keepSubmission(id: Uint8Array, encoded: Uint8Array): Promise<void> {
    await this.writes.write([{ key: keyIn(buckets.submission, id), value: encoded }], false);
  }

  /** Nothing is taken in, begun to be written, or passed on from the call on; resolves when nothing is being written. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.relayTimer?.cancel();
    this.restoreTimer?.cancel();
    this.pending.stop();
    await this.writes.settled();
  }

  private removed({ id, local }: PooledTransaction, why: Removal): void {
    this.pending.forget(id);
    if (!local || why === "included" || why === "expired") return;
    this.pending.erase(keyIn(buckets.submission, id));
    this.options.events.drop(id);
  }

  /** Takes submissions up that an earlier run left behind; what is no longer valid is forgotten. */
  async restore(): Promise<void> {
    const { mempool, context, log } = this.options;
    for (const { key, encoded } of await this.pending.stored(buckets.submission)) {
      if (this.stopped) return;
      const verdict = await mempool.add(encoded, context(), true);
      if (verdict.kind === "valid") {
        this.relay(encoded);
        continue;
      }
      log.info({ code: verdict.code }, "a submission of an earlier run is no longer valid");
      this.pending.erase(key);
    }
    this.restoreOthers(await this.pending.stored(buckets.gossiped));
  }

  /** Transactions of other members come back in slices, so that a full pool's signatures do not hold up the start. */
  private restoreOthers(left: StoredTransaction[]): void {
    if (left.length === 0 || this.stopped) return;
    const slice = left.splice(0, RESTORED_AT_ONCE_MAX);
    const next = () => {
      if (this.stopped) return;
      this.restoreTimer = this.options.clock.setTimer(RESTORE_PAUSE_MS, () => this.restoreOthers(left));
    };
    this.restoreSlice(slice).then(next, (error: unknown) => {
      this.options.log.warn({ reason: String(error) }, "pending transactions of an earlier run not restored");
    });
  }

  private async restoreSlice(slice: readonly StoredTransaction[]): Promise<void> {
    const { mempool, context, changed } = this.options;
    for (const { key, encoded } of slice) {
      if (this.stopped) return;
      const verdict = await mempool.add(encoded, context(), false);
      if (verdict.kind === "valid") this.pending.adopt(verdict.value.id, encoded.length);
      else this.pending.erase(key);
    }
    changed();
  }

  /** A gossip message: forwarded when at least one of its transactions is new and valid. */
  async gossip(from: string, message: Uint8Array): Promise<GossipAnswer> {
    return this.options.desk.judge(from, await this.takeBatch(from, message));
  }

  /** A batch sent to this node because it proposes next. */
  async forwarded(from: string, message: Uint8Array): Promise<Uint8Array> {
    this.options.desk.judge(from, await this.takeBatch(from, message));
    return new Uint8Array();
  }

  /** Sends this node's waiting submissions to the proposer that is about to be held to a deadline. */
  forwardTo(proposer: string): void {
    const { mempool, transport, log } = this.options;
    if (this.stopped) return;
    const batch = firstBatch(ownOf(mempool));
    if (batch.length === 0) return;
    const body = TransactionBatch.serialize({ transactions: batch });
    transport
      .request(proposer, TRANSACTIONS_PROTOCOL, body, { timeoutMs: FORWARD_TIMEOUT_MS })
      .catch((error: unknown) => {
        log.debug({ peer: proposer, reason: String(error) }, "transactions not forwarded");
      });
  }

  /** The changes that forget submissions which became final or can no longer be. */
  forget(ids: Iterable<Uint8Array>): StoreChange[] {
    return [...ids].map((id) => ({ key: keyIn(buckets.submission, id), value: undefined }));
  }

  private relay(encoded: Uint8Array): void {
    if (this.stopped) return;
    this.relayed.push(encoded);
    this.relayTimer ??= this.options.clock.setTimer(RELAY_DELAY_MS, () => {
      this.relayTimer = undefined;
      while (this.relayed.length > 0) {
        const transactions = firstBatch(this.relayed);
        this.relayed.splice(0, transactions.length);
        this.options.transport.publish("transactions", TransactionBatch.serialize({ transactions }));
      }
    });
  }

  private async takeBatch(from: string, message: Uint8Array): Promise<Verdict<unknown>> {
    if (this.stopped) return ignore(NOT_RUNNING, "the chain stopped");
    const own = this.judgingOf.get(from) ?? 0;
    if (this.judging >= JUDGED_BATCHES_MAX || own >= JUDGED_BATCHES_PER_PEER_MAX)
      return ignore("MEMPOOL_BUSY", "too many batches are being judged");
    const decoded = this.options.desk.decode(() =>
      decodeStrict(TransactionBatch, message, "transaction batch"),
    );
    if (decoded.kind !== "valid") return decoded;
    this.judging += 1;
    this.judgingOf.set(from, own + 1);
    try {
      return await this.addAll(decoded.value.transactions);
    } finally {
      this.judging -= 1;
      const left = (this.judgingOf.get(from) ?? 1) - 1;
      if (left === 0) this.judgingOf.delete(from);
      else this.judgingOf.set(from, left);
    }
  }

  private async addAll(transactions: readonly Uint8Array[]): Promise<Verdict<unknown>> {
    const { mempool, context, changed } = this.options;
    let best: Verdict<CheckedTransaction> = ignore("BATCH_EMPTY", "the batch holds nothing");
    let added = false;
    for (const encoded of transactions) {
      if (this.stopped) return ignore(NOT_RUNNING, "the chain stopped");
      const verdict = await mempool.add(encoded, context(), false);
      if (verdict.kind === "valid") {
        added = true;
        this.pending.keep(verdict.value.id, encoded.slice());
      }
      if (!added || verdict.kind !== "ignore") best = verdict;
      if (verdict.kind === "fault") break;
    }
    if (added) changed();
    return best;
  }
}

function* ownOf(mempool: Mempool): Generator<Uint8Array> {
  for (const { local, encoded } of mempool.ready()) if (local) yield encoded;
}

function firstBatch(encoded: Iterable<Uint8Array>): Uint8Array[] {
  const batch: Uint8Array[] = [];
  let sizeBytes = 0;
  for (const each of encoded) {
    sizeBytes += each.length;
    if (batch.length >= BATCH_TRANSACTIONS_MAX || (batch.length > 0 && sizeBytes > BATCH_BYTES_MAX)) break;
    batch.push(each);
  }
  return batch;
}
