import { ConsiliumError, toHex } from "@consilium/crypto";
import type { Application } from "@consilium/ledger";
import {
  type Block,
  type BlockHeader,
  type Certificate,
  digestOf,
  type Handover,
  isBoundaryHeight,
  type Log,
  type StateReader,
  type StoreChange,
} from "@consilium/protocol";
import type {
  ChainCounters,
  FinalizedBlockEvent,
  FinalizedTip,
  ProvableState,
  TransactionResult,
} from "../chain.js";
import { handoverOf } from "../epochs/boundary.js";
import type { EpochBook } from "../epochs/epoch-book.js";
import type { Seat } from "../epochs/seat.js";
import type { FinalityEvents } from "../events/finality-events.js";
import type { TransactionIntake } from "../mempool/intake.js";
import type { Mempool } from "../mempool/mempool.js";
import type { ChainStore, CommittedBlock } from "../store/chain-store.js";
import type { TipRecord } from "../store/records.js";
import type { Snapshots } from "../sync/snapshots.js";
import type { BlockTree } from "../tree/block-tree.js";
import { previousState } from "../tree/previous-state.js";

export interface FinalizerOptions {
  readonly application: Application;
  readonly store: ChainStore;
  readonly tree: BlockTree;
  readonly epochs: EpochBook;
  readonly seat: Seat;
  readonly mempool: Mempool;
  readonly intake: TransactionIntake;
  readonly events: FinalityEvents;
  readonly snapshots: Pick<Snapshots, "landed">;
  readonly counters: ChainCounters;
  readonly log: Log;
}

/** Lands final blocks: executes what was not yet, writes everything in one batch, and tells those who wait. */
export class Finalizer {
  private lastHeader: BlockHeader | undefined;
  private beforeTip: StateReader | undefined;
  private landing: Promise<unknown> = Promise.resolve();

  constructor(
    private current: TipRecord,
    private readonly options: FinalizerOptions,
  ) {}

  get tip(): FinalizedTip {
    return this.current.tip;
  }

  get finalization(): Certificate | undefined {
    return this.current.finalization;
  }

  /**
   * The state that final headers prove: the tip's header carries the root of the state after its parent. Undefined until
   * a block landed since the start, and while one lands. The reader is good until the next block.
   */
  provable(): ProvableState | undefined {
    const { finalization } = this.current;
    if (this.lastHeader === undefined || this.beforeTip === undefined || finalization === undefined)
      return undefined;
    return { reader: this.beforeTip, header: this.lastHeader, finalization };
  }

  /**
   * `blocks` are consecutive blocks of one epoch, oldest first, and the finalization names the last; those at or below
   * the tip are final already and left out. A boundary block lands together with its hand-over. Throws what the
   * execution throws: `BLOCK_BAD_STATE_ROOT` and `BLOCK_BAD_NEXT_SET` here mean that this node's state contradicts a
   * quorum's, and the chain must halt.
   */
  commit(blocks: readonly Block[], finalization: Certificate): Promise<void> {
    return this.alone(() => this.land(blocks, finalization));
  }

  /** Resolves when nothing lands any more; whoever commits must have been stopped. Never rejects. */
  async settled(): Promise<void> {
    await this.landing;
  }

  /** The store holds another tip than before: state sync put it there. */
  adopt(record: TipRecord): Promise<void> {
    return this.alone(async () => {
      this.current = record;
      this.beforeTip = undefined;
      this.options.epochs.advance(record.tip);
      await this.options.tree.committed(record.tip);
    });
  }

  private async land(blocks: readonly Block[], finalization: Certificate): Promise<void> {
    const { store, tree, seat, epochs } = this.options;
    const executed: Executed[] = [];
    for (const block of blocks) {
      if (block.header.height > this.tip.height) executed.push(await this.execute(block, finalization));
    }
    const last = executed.at(-1);
    if (last === undefined) return;
    this.requireOneEpoch(executed);
    const record = { tip: last.event.tip, finalization };
    const handover = await this.handover(last, finalization);
    const before = await this.stateBefore(last);
    const forgotten = this.forgetIncluded(executed);
    this.beforeTip = undefined;
    const committed = executed.map((each) => each.committed);
    await seat.land(finalization.epoch, finalization.view, handover !== undefined, (floor) =>
      store.commit(committed, record, [...forgotten, ...floor], handover),
    );
    // Before anything else lands: a snapshot is of the state as it is now.
    this.options.snapshots.landed(record.tip);
    this.current = record;
    this.lastHeader = last.committed.block.header;
    this.beforeTip = before;
    epochs.advance(record.tip);
    await tree.committed(record.tip);
    await this.announce(executed.map(({ event }) => event));
  }

  private requireOneEpoch(executed: readonly Executed[]): void {
    const last = executed.length - 1;
    const { lengthHeights } = this.options.epochs;
    const crosses = executed.some(
      ({ event }, index) => index < last && isBoundaryHeight(event.tip.height, lengthHeights),
    );
    if (!crosses) return;
    throw new ConsiliumError(
      "EPOCH_CROSSED",
      "A range of final blocks ends at a boundary block: land the next epoch's blocks on their own.",
    );
  }

  private async handover(last: Executed, finalization: Certificate): Promise<Handover | undefined> {
    const { application, tree, epochs } = this.options;
    const { header } = last.committed.block;
    if (!isBoundaryHeight(header.height, epochs.lengthHeights)) return undefined;
    const { reader } = await tree.execution(last.committed.digest);
    return handoverOf(application, reader, header, finalization);
  }

  /** Read before the batch lands; it goes on holding afterwards. */
  private async stateBefore({ committed }: Executed): Promise<StateReader> {
    const { store, tree } = this.options;
    const { reader } = await tree.executed(committed.block.header.parentDigest);
    return previousState(store.state, reader, committed.changes);
  }

  private forgetIncluded(executed: readonly Executed[]): StoreChange[] {
    const { intake, mempool } = this.options;
    const ids = executed.flatMap(({ committed }) => committed.results.map(({ id }) => id));
    return intake.forget(ids.filter((id) => mempool.has(id)));
  }

  private async execute(block: Block, finalization: Certificate): Promise<Executed> {
    const { tree } = this.options;
    const digest = digestOf(block.header);
    tree.add(block, digest);
    const { execution } = await tree.execution(digest);
    const { height, timestampMs, epoch } = block.header;
    const results: TransactionResult[] = execution.results.map(({ id, code }, index) => {
      return { id, code, index, height, timestampMs };
    });
    const tip = {
      height,
      digest,
      stateRoot: execution.stateRoot,
      timestampMs,
      epoch,
      view: finalization.view,
    };
    const committed = { block, digest, changes: execution.changes, results };
    return { committed, event: { tip, block, results, events: execution.events } };
  }

  private async announce(events: readonly FinalizedBlockEvent[]): Promise<void> {
    const { counters, log, events: finality } = this.options;
    for (const event of events) {
      counters.blocksFinalized += 1;
      counters.transactionsFinalized += event.results.length;
      await this.settle(event);
      finality.publish(event);
    }
    finality.look();
    const { height, digest, stateRoot, epoch, view } = this.current.tip;
    log.debug({ height, epoch, view, digest: toHex(digest), stateRoot: toHex(stateRoot) }, "block finalized");
  }

  private async settle({ tip, block }: FinalizedBlockEvent): Promise<void> {
    const { mempool, intake, store, events } = this.options;
    const next = { height: tip.height + 1, timestampMs: tip.timestampMs + 1 };
    const { expired, dropped } = await mempool.settle(block.payload.transactions, next);
    const ownExpired = expired.filter(({ local }) => local).map(({ id }) => id);
    const ownDropped = dropped.filter(({ local }) => local).map(({ id }) => id);
    if (ownExpired.length + ownDropped.length === 0) return;
    await store.write(intake.forget([...ownExpired, ...ownDropped]), false);
    for (const id of ownExpired) events.expire(id);
    for (const id of ownDropped) events.drop(id);
  }

  /** One landing at a time: the engine's and range sync's finalizations may come together. */
  private alone<Value>(work: () => Promise<Value>): Promise<Value> {
    const result = this.landing.then(work);
    this.landing = result.catch(() => {});
    return result;
  }
}

interface Executed {
  readonly committed: CommittedBlock;
  readonly event: FinalizedBlockEvent;
}
