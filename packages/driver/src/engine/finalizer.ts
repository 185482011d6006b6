import { toHex } from "@consilium/crypto";
import { type Block, type Certificate, digestOf, type Log, type StoreChange } from "@consilium/protocol";
import type { ChainCounters, FinalizedBlockEvent, FinalizedTip, TransactionResult } from "../chain.js";
import type { FinalityEvents } from "../events/finality-events.js";
import type { TransactionIntake } from "../mempool/intake.js";
import type { Mempool } from "../mempool/mempool.js";
import type { ChainStore, CommittedBlock } from "../store/chain-store.js";
import type { BlockTree } from "../tree/block-tree.js";
import type { SafeSigner } from "./safe-signer.js";

export interface FinalizerOptions {
  readonly store: ChainStore;
  readonly tree: BlockTree;
  readonly mempool: Mempool;
  readonly intake: TransactionIntake;
  readonly events: FinalityEvents;
  readonly counters: ChainCounters;
  readonly log: Log;
  readonly signer: SafeSigner | undefined;
}

/** Lands final blocks: executes what was not yet, writes everything in one batch, and tells those who wait. */
export class Finalizer {
  constructor(
    private current: { readonly tip: FinalizedTip; readonly finalization: Certificate | undefined },
    private readonly options: FinalizerOptions,
  ) {}

  get tip(): FinalizedTip {
    return this.current.tip;
  }

  get finalization(): Certificate | undefined {
    return this.current.finalization;
  }

  /**
   * `blocks` are consecutive, oldest first, and the finalization names the last; those at or below the tip are final
   * already and left out. Throws what the execution throws:
   * `BLOCK_BAD_STATE_ROOT` here means that this node's state contradicts a quorum's, and the chain must halt.
   */
  async commit(blocks: readonly Block[], finalization: Certificate): Promise<void> {
    const { store, tree, signer, mempool, intake } = this.options;
    const executed: Executed[] = [];
    for (const block of blocks) {
      if (block.header.height > this.tip.height) executed.push(await this.execute(block, finalization));
    }
    const last = executed.at(-1);
    if (last === undefined) return;
    const record = { tip: last.event.tip, finalization };
    const ids = executed.flatMap(({ committed }) => committed.results.map(({ id }) => id));
    const forgotten = intake.forget(ids.filter((id) => mempool.has(id)));
    const committed = executed.map((each) => each.committed);
    const land = (...floor: StoreChange[]) => store.commit(committed, record, [...forgotten, ...floor]);
    await (signer?.raiseFloor(finalization.epoch, finalization.view, land) ?? land());
    this.current = record;
    await tree.committed(record.tip);
    await this.announce(executed.map(({ event }) => event));
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
    const { height, digest, stateRoot, view } = this.current.tip;
    log.debug({ height, view, digest: toHex(digest), stateRoot: toHex(stateRoot) }, "block finalized");
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
}

interface Executed {
  readonly committed: CommittedBlock;
  readonly event: FinalizedBlockEvent;
}
