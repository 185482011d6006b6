import type { VoteVerifier } from "@consilium/consensus";
import { codeOf } from "@consilium/crypto";
import type { Application } from "@consilium/ledger";
import {
  type Block,
  type Certificate,
  type Clock,
  epochOfHeight,
  type Log,
  type Random,
  type Transport,
} from "@consilium/protocol";
import type { ChainCounters, FinalizedTip } from "../chain.js";
import type { PeerDesk } from "../messages/peer-desk.js";
import type { ChainStore } from "../store/chain-store.js";
import type { TipRecord } from "../store/records.js";
import { NOT_RUNNING, StoreUntilStop } from "../store/store-until-stop.js";
import { HandoverSync } from "./handover-sync.js";
import { PeerClient } from "./peer-client.js";
import { PeerScores } from "./peer-scores.js";
import { type EpochSets, RangeSource } from "./range-source.js";
import { isBehind, RangeSync, type SyncTarget } from "./range-sync.js";
import { SnapshotOffers } from "./snapshot-offers.js";
import { StateSync } from "./state-sync.js";

/** How long a node without a chain waits for a peer before it begins at genesis. */
const FIRST_PEER_MS = 5_000;
const PEER_LOOK_MS = 100;

export interface CatchUpOptions {
  readonly chainId: Uint8Array;
  readonly epochs: EpochSets;
  readonly store: ChainStore;
  readonly application: Pick<Application, "snapshot">;
  readonly transport: Transport;
  readonly verifier: VoteVerifier;
  readonly clock: Clock;
  readonly random: Random;
  readonly desk: PeerDesk;
  readonly counters: ChainCounters;
  readonly log: Log;
  readonly tip: () => FinalizedTip;
  /** Executes and lands a proven range of one epoch; throws when it cannot follow this node's state. */
  readonly commit: (blocks: readonly Block[], finalization: Certificate) => Promise<void>;
  /** State sync put another tip into the store. */
  readonly adopt: (record: TipRecord) => Promise<void>;
  /** Whether a node without a chain takes a snapshot instead of executing all blocks. */
  readonly stateSync: boolean;
  readonly stopped: () => boolean;
}

/** Everything between knowing that the chain is ahead and standing where it stands: proofs, a snapshot, ranges. */
export class CatchUp {
  private readonly handovers: HandoverSync;
  private readonly ranges: RangeSync;
  private readonly state: StateSync | undefined;
  private readonly writes: StoreUntilStop;

  constructor(private readonly options: CatchUpOptions) {
    const scores = new PeerScores(options.clock);
    const client = new PeerClient({ ...options, scores });
    const source = new RangeSource({ ...options, client });
    this.writes = new StoreUntilStop(options.store, options.stopped);
    const parts = { ...options, client, source, store: this.writes, chainStore: options.store };
    this.handovers = new HandoverSync(parts);
    this.ranges = new RangeSync(parts);
    const rules = options.application.snapshot;
    if (options.stateSync && rules !== undefined)
      this.state = new StateSync({ ...parts, rules, offers: new SnapshotOffers(parts) });
  }

  /** Resolves when the store is left alone for good; `stopped` must hold already. */
  async settled(): Promise<void> {
    await this.writes.settled();
    await this.state?.settled();
  }

  /**
   * Before a node without a chain takes part: takes a snapshot when peers prove that an epoch ended. True when the chain
   * stands on one now. Returns soon when nobody is connected, or the chain is young.
   */
  async bootstrap(): Promise<boolean> {
    const { tip, clock, transport, stopped } = this.options;
    if (this.state === undefined || tip().height > 0) return false;
    for (let waitedMs = 0; waitedMs < FIRST_PEER_MS && transport.connected().length === 0; ) {
      await new Promise<void>((resolve) => clock.setTimer(PEER_LOOK_MS, resolve));
      waitedMs += PEER_LOOK_MS;
      if (stopped()) return false;
    }
    try {
      return (await this.handovers.run(0)) > 0 && (await this.state.run());
    } catch (error) {
      if (!this.isCutShort(error)) throw error;
      return false;
    }
  }

  /** Runs until the target is final here, nobody helps any more, or the chain stops. Throws what `commit` throws. */
  async run(target: SyncTarget): Promise<void> {
    try {
      await this.follow(target);
    } catch (error) {
      if (!this.isCutShort(error)) throw error;
    }
  }

  private isCutShort(error: unknown): boolean {
    return this.options.stopped() && codeOf(error) === NOT_RUNNING;
  }

  private async follow(target: SyncTarget): Promise<void> {
    const { tip, epochs, log } = this.options;
    const current = epochOfHeight(tip().height + 1, epochs.lengthHeights);
    let goal = target;
    const learn = async (): Promise<number> => {
      const newest = await this.handovers.run(current);
      goal = this.further(goal, newest);
      return newest;
    };
    if (this.state !== undefined && tip().height === 0) {
      if ((await learn()) > current) await this.state.run();
    } else {
      // A node that is a few blocks behind does not wait for this.
      learn().catch((error: unknown) => log.warn({ reason: String(error) }, "hand-overs not followed"));
    }
    if (tip().height > 0) await this.state?.abandon();
    await this.ranges.run(() => goal);
  }

  /** Peers tell a node that is epochs behind of one boundary at a time; the newest one that is proven is the better goal. */
  private further(goal: SyncTarget, newest: number): SyncTarget {
    const proven = newest === 0 ? undefined : this.options.store.handover(newest - 1)?.finalization;
    return proven !== undefined && isBehind(goal, proven) ? proven : goal;
  }
}
