import { ConsiliumError, toHex } from "@consilium/crypto";
import type { Block, BlockHeader, Certificate, Handover, StateReader } from "@consilium/protocol";
import type {
  Chain,
  ChainCounters,
  ChainStatusReport,
  FinalizedBlockEvent,
  FinalizedTip,
  ProvableState,
  SubmitResult,
  TransactionResult,
} from "./chain.js";
import { FinalityEvents } from "./events/finality-events.js";
import type { ChainDriverOptions } from "./options.js";
import { ChainRuntime } from "./runtime.js";

/**
 * Runs the consensus engine and one application against ports; one instance per chain. Create, `start()`, and use it
 * through {@link Chain}; every method but `start` and `counters` throws `CHAIN_NOT_STARTED` before.
 */
export class ChainDriver implements Chain {
  readonly chainId: Uint8Array;
  readonly counters: ChainCounters = freshCounters();
  private readonly events: FinalityEvents;
  private runtime: ChainRuntime | undefined;
  private stopped = false;

  constructor(private readonly options: ChainDriverOptions) {
    this.chainId = options.application.chainId;
    this.events = new FinalityEvents(options.clock, options.log);
  }

  /** Throws `CHAIN_OTHER_GENESIS`, and the store's codes when data is damaged. */
  async start(): Promise<void> {
    if (this.runtime !== undefined)
      throw new ConsiliumError("CHAIN_STARTED", "The chain is running already.");
    this.runtime = await ChainRuntime.open(this.options, this.events, this.counters);
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    await this.runtime?.stop();
    this.events.stop();
  }

  async submit(encoded: Uint8Array): Promise<SubmitResult> {
    if (this.stopped || this.running.followReason() === "HALTED") {
      return { accepted: false, code: "CHAIN_NOT_RUNNING", reason: "the chain does not run on this node" };
    }
    return this.running.submit(encoded);
  }

  finalized(): FinalizedTip {
    return this.running.finalizer.tip;
  }

  state(): StateReader {
    return this.running.store.state;
  }

  headerAt(height: number): BlockHeader | undefined {
    return this.blockAt(height)?.header;
  }

  blockAt(height: number): Block | undefined {
    return this.running.store.block(height);
  }

  finalization(): Certificate | undefined {
    return this.running.finalizer.finalization;
  }

  handover(epoch: number): Handover | undefined {
    return this.running.store.handover(epoch);
  }

  provable(): ProvableState | undefined {
    return this.running.finalizer.provable();
  }

  transactionResult(id: Uint8Array): TransactionResult | undefined {
    return this.running.store.result(id);
  }

  onFinalized(listener: (event: FinalizedBlockEvent) => void): () => void {
    return this.events.subscribe(listener);
  }

  whenFinalized(id: Uint8Array, { timeoutMs }: { readonly timeoutMs: number }): Promise<TransactionResult> {
    return this.events.waitFor(() => this.transactionResult(id), timeoutMs, id);
  }

  waitFor<Value>(
    probe: () => Value | undefined,
    { timeoutMs }: { readonly timeoutMs: number },
  ): Promise<Value> {
    return this.events.waitFor(probe, timeoutMs);
  }

  status(): ChainStatusReport {
    const { runner, finalizer, mempool } = this.running;
    const followReason = this.running.followReason();
    return {
      chainId: toHex(this.chainId),
      running: !this.stopped && followReason !== "HALTED",
      finalized: finalizer.tip,
      epoch: runner.state.epoch.epoch,
      view: runner.state.view,
      epochs: this.running.epochStatus(),
      peers: this.options.transport.connected(),
      syncing: this.running.syncing,
      role: followReason === undefined ? "voting" : "following",
      ...(followReason === undefined ? {} : { followReason }),
      mempoolTransactions: mempool.transactionCount,
      mempoolBytes: mempool.sizeBytes,
    };
  }

  private get running(): ChainRuntime {
    if (this.runtime !== undefined) return this.runtime;
    throw new ConsiliumError("CHAIN_NOT_STARTED", "Start the chain before using it.");
  }
}

const freshCounters = (): ChainCounters => ({
  blocksFinalized: 0,
  transactionsFinalized: 0,
  blocksProposed: 0,
  votesSigned: 0,
  viewsNullified: 0,
  messagesAccepted: 0,
  messagesIgnored: 0,
  messagesRejected: 0,
  messagesDropped: 0,
  bodiesFetched: 0,
  blocksSynced: 0,
  submissionsAccepted: 0,
  submissionsRefused: 0,
});
