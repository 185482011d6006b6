import type { BlockContext, CheckedTransaction } from "@consilium/ledger";
import {
  type Clock,
  decodeStrict,
  ignore,
  type Log,
  SignedTransaction,
  type StoreChange,
  TransactionBatch,
  type Transport,
  transactionIdOf,
  type Verdict,
} from "@consilium/protocol";
import type { ChainCounters, SubmitResult } from "../chain.js";
import type { GossipAnswer, PeerDesk } from "../messages/peer-desk.js";
import type { ChainStore } from "../store/chain-store.js";
import { buckets, keyIn } from "../store/keys.js";
import type { Mempool } from "./mempool.js";

/** The driver's own request protocol: pending transactions to the next proposer. */
export const TRANSACTIONS_PROTOCOL = "transactions/1";

/** Submissions within this time travel in one gossip message. */
const RELAY_DELAY_MS = 5;
const BATCH_TRANSACTIONS_MAX = 256;
const BATCH_BYTES_MAX = 768 * 1024;
const FORWARD_TIMEOUT_MS = 5_000;
/** Batches from peers that are judged at the same time; more are ignored, gossip brings them again. */
const JUDGED_BATCHES_MAX = 64;

export interface IntakeOptions {
  readonly mempool: Mempool;
  readonly store: ChainStore;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Log;
  readonly desk: PeerDesk;
  readonly counters: ChainCounters;
  /** Height and time of the next block. */
  readonly context: () => BlockContext;
  /** The pool changed: there may be work. */
  readonly changed: () => void;
}

/** How transactions come in and go around: submissions, gossip, and batches for the next proposer. */
export class TransactionIntake {
  private readonly relayed: Uint8Array[] = [];
  private relayScheduled = false;
  private judging = 0;

  constructor(private readonly options: IntakeOptions) {}

  /** Admits a local submission, keeps it across restarts and passes it on. One that waits already is accepted again. */
  async submit(encoded: Uint8Array): Promise<SubmitResult> {
    const { mempool, store, counters, context, changed } = this.options;
    const verdict = await mempool.add(encoded, context(), true);
    if (verdict.kind === "ignore" && verdict.code === "TX_KNOWN") {
      const { transaction } = decodeStrict(SignedTransaction, encoded, "submission");
      return { accepted: true, id: transactionIdOf(transaction), code: "OK" };
    }
    if (verdict.kind !== "valid") {
      counters.submissionsRefused += 1;
      return { accepted: false, code: verdict.code, reason: verdict.reason };
    }
    counters.submissionsAccepted += 1;
    const { id } = verdict.value;
    await store.write([{ key: keyIn(buckets.submission, id), value: encoded }], false);
    this.relay(encoded);
    changed();
    return { accepted: true, id, code: "OK" };
  }

  /** Takes submissions up that an earlier run left behind; what is no longer valid is forgotten. */
  async restore(): Promise<void> {
    const { mempool, store, context, log } = this.options;
    const stored: Uint8Array[] = [];
    for await (const encoded of store.entries(buckets.submission)) stored.push(encoded);
    const forgotten: Uint8Array[] = [];
    for (const encoded of stored) {
      const verdict = await mempool.add(encoded, context(), true);
      if (verdict.kind === "valid") {
        this.relay(encoded);
        continue;
      }
      log.info({ code: verdict.code }, "a submission of an earlier run is no longer valid");
      const { transaction } = decodeStrict(SignedTransaction, encoded, "stored submission");
      forgotten.push(transactionIdOf(transaction));
    }
    if (forgotten.length > 0) await store.write(this.forget(forgotten), false);
  }

  /** A gossip message: forwarded when at least one of its transactions is new and valid. */
  async gossip(from: string, message: Uint8Array): Promise<GossipAnswer> {
    return this.options.desk.judge(from, await this.takeBatch(message));
  }

  /** A batch sent to this node because it proposes next. */
  async forwarded(from: string, message: Uint8Array): Promise<Uint8Array> {
    this.options.desk.judge(from, await this.takeBatch(message));
    return new Uint8Array();
  }

  /** Sends this node's waiting submissions to the proposer that is about to be held to a deadline. */
  forwardTo(proposer: string): void {
    const { mempool, transport, log } = this.options;
    const batch = firstBatch([...mempool.ready()].filter(({ local }) => local).map(({ encoded }) => encoded));
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
    this.relayed.push(encoded);
    if (this.relayScheduled) return;
    this.relayScheduled = true;
    this.options.clock.setTimer(RELAY_DELAY_MS, () => {
      this.relayScheduled = false;
      while (this.relayed.length > 0) {
        const transactions = firstBatch(this.relayed);
        this.relayed.splice(0, transactions.length);
        this.options.transport.publish("transactions", TransactionBatch.serialize({ transactions }));
      }
    });
  }

  private async takeBatch(message: Uint8Array): Promise<Verdict<unknown>> {
    if (this.judging >= JUDGED_BATCHES_MAX)
      return ignore("MEMPOOL_BUSY", "too many batches are being judged");
    const decoded = this.options.desk.decode(() =>
      decodeStrict(TransactionBatch, message, "transaction batch"),
    );
    if (decoded.kind !== "valid") return decoded;
    this.judging += 1;
    try {
      return await this.addAll(decoded.value.transactions);
    } finally {
      this.judging -= 1;
    }
  }

  private async addAll(transactions: readonly Uint8Array[]): Promise<Verdict<unknown>> {
    const { mempool, context, changed } = this.options;
    let best: Verdict<CheckedTransaction> = ignore("BATCH_EMPTY", "the batch holds nothing");
    let added = false;
    for (const encoded of transactions) {
      const verdict = await mempool.add(encoded, context(), false);
      if (verdict.kind === "valid") added = true;
      if (!added || verdict.kind !== "ignore") best = verdict;
      if (verdict.kind === "fault") break;
    }
    if (added) changed();
    return best;
  }
}

function firstBatch(encoded: readonly Uint8Array[]): Uint8Array[] {
  const batch: Uint8Array[] = [];
  let sizeBytes = 0;
  for (const each of encoded.slice(0, BATCH_TRANSACTIONS_MAX)) {
    sizeBytes += each.length;
    if (batch.length > 0 && sizeBytes > BATCH_BYTES_MAX) break;
    batch.push(each);
  }
  return batch;
}
