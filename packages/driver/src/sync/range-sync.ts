import { equalBytes } from "@consilium/crypto";
import {
  type Block,
  boundaryHeightOf,
  type Certificate,
  ChainStatus,
  type Clock,
  decodeStrict,
  epochOfHeight,
  type Log,
  limits,
  RequestProtocol,
} from "@consilium/protocol";
import type { ChainCounters, FinalizedTip } from "../chain.js";
import type { PeerClient } from "./peer-client.js";
import type { EpochSets, ProvenRange, RangeSource } from "./range-source.js";

const STATUS_TIMEOUT_MS = 2_000;
/** Peers whose height is asked. */
const STATUSES_MAX = 16;
/**
 * Ranges ahead of the tip, asked for or waiting for their turn. With responses of at most 8 MiB and one gathered range of
 * 40 MiB this bounds what catching up holds in memory.
 */
const RANGES_AHEAD_MAX = 4;
const REQUESTS_AT_ONCE_MAX = 3;
const REQUESTS_PER_PEER_MAX = 2;
/** When the range that everything waits for takes that long, a second peer is asked for it. */
const PATIENCE_MS = 3_000;
/** Rounds without a block before the engine is told; it starts sync again after a pause. */
const FRUITLESS_ROUNDS_MAX = 3;
const BACK_OFF_FIRST_MS = 200;
const PROGRESS_EVERY_MS = 5_000;

/** Where sync is to get at least. */
export interface SyncTarget {
  readonly epoch: number;
  readonly view: number;
}

export interface RangeSyncOptions {
  readonly epochs: EpochSets;
  readonly client: PeerClient;
  readonly source: RangeSource;
  readonly clock: Clock;
  readonly counters: ChainCounters;
  readonly log: Log;
  readonly tip: () => FinalizedTip;
  /** Executes and lands a proven range of one epoch; throws when it cannot follow this node's state. */
  readonly commit: (blocks: readonly Block[], finalization: Certificate) => Promise<void>;
  readonly stopped: () => boolean;
}

/** Views restart in every epoch, so places are compared by epoch first. */
export const isBehind = (tip: SyncTarget, target: SyncTarget): boolean =>
  tip.epoch < target.epoch || (tip.epoch === target.epoch && tip.view < target.view);

/**
 * Catches up by ranges of final blocks. One finalization proves a range, its ancestors by parent digest; every block is
 * executed again and its state root compared. Ranges are asked from several peers at once and land in order.
 */
export class RangeSync {
  constructor(private readonly options: RangeSyncOptions) {}

  /**
   * Runs until the target is final here, or nobody helps any more; the target may move on meanwhile. Throws what
   * `commit` throws.
   */
  async run(target: () => SyncTarget): Promise<void> {
    const { tip, log } = this.options;
    const { height, epoch } = tip();
    log.info(
      { fromHeight: height, epoch, ...{ targetEpoch: target().epoch, targetView: target().view } },
      "catching up",
    );
    await new RangeRun(this.options, target).run();
    log.info({ height: tip().height, epoch: tip().epoch, view: tip().view }, "range sync ended");
  }
}

interface Asked {
  readonly to: number;
  readonly peers: Set<string>;
  readonly sinceMs: number;
}

interface Held extends ProvenRange {
  readonly peer: string;
}

/** One run: what a late answer brings after its end is let go with it. */
class RangeRun {
  private readonly heights = new Map<string, number>();
  private readonly asked = new Map<number, Asked>();
  private readonly held = new Map<number, Held>();
  /** Ranges that one response does not prove: asked for again once they are the next. */
  private readonly unproven = new Set<number>();
  private readonly busy = new Map<string, number>();
  private requests = 0;
  /** Blocks of a range: fewer on lines too slow for a full one, always a power of two. */
  private count: number = limits.blocksPerSyncResponse;
  private answered = false;
  private wake: () => void = () => {};
  private loggedMs: number;

  constructor(
    private readonly options: RangeSyncOptions,
    private readonly target: () => SyncTarget,
  ) {
    this.loggedMs = options.clock.nowMs();
  }

  async run(): Promise<void> {
    const { tip, stopped } = this.options;
    let fruitless = 0;
    await this.askHeights();
    while (isBehind(tip(), this.target()) && !stopped()) {
      if (await this.land()) fruitless = 0;
      if (stopped() || !isBehind(tip(), this.target())) return;
      this.schedule();
      if (this.requests > 0) {
        await this.nextAnswer();
        continue;
      }
      fruitless += 1;
      if (fruitless > FRUITLESS_ROUNDS_MAX) return;
      if (fruitless > 1) await this.pause(BACK_OFF_FIRST_MS * 2 ** fruitless);
      await this.askHeights();
    }
  }

  /** Asks for ranges from the tip on until enough are under way; a range that is late is asked of a second peer. */
  private schedule(): void {
    const { tip, epochs, clock } = this.options;
    const next = tip().height + 1;
    let from = next;
    for (let ahead = 0; ahead < RANGES_AHEAD_MAX && this.requests < REQUESTS_AT_ONCE_MAX; ahead++) {
      if (epochs.setOf(epochOfHeight(from, epochs.lengthHeights)) === undefined) return;
      const to = this.endOf(from);
      const held = this.held.get(from);
      const asked = this.asked.get(from);
      const isNext = from === next;
      if (held === undefined && asked === undefined) {
        if (isNext || !this.unproven.has(from)) this.request(from, to, isNext);
      } else if (held === undefined && isNext && asked!.peers.size === 1) {
        if (clock.nowMs() - asked!.sinceMs >= PATIENCE_MS) this.request(from, to, true);
      }
      from = (held?.blocks.at(-1)?.header.height ?? asked?.to ?? to) + 1;
    }
  }

  /** Ranges end where those of other nodes do: on a grid inside the epoch, so that finalizations kept there prove them. */
  private endOf(from: number): number {
    const { lengthHeights } = this.options.epochs;
    const epoch = epochOfHeight(from, lengthHeights);
    const first = epoch * lengthHeights + 1;
    const end = from + this.count - 1 - ((from - first) % this.count);
    return Math.min(end, boundaryHeightOf(epoch, lengthHeights));
  }

  private request(from: number, to: number, gather: boolean): void {
    const asked = this.asked.get(from) ?? {
      to,
      peers: new Set<string>(),
      sinceMs: this.options.clock.nowMs(),
    };
    const peer = this.choose(from, asked.peers);
    if (peer === undefined) return;
    for (const late of asked.peers) this.options.client.scores.slow(late);
    asked.peers.add(peer);
    this.asked.set(from, asked);
    this.requests += 1;
    this.busy.set(peer, (this.busy.get(peer) ?? 0) + 1);
    this.take(peer, from, to - from + 1, gather)
      .catch((error: unknown) => this.options.log.warn({ peer, reason: String(error) }, "range not judged"))
      .finally(() => {
        this.requests -= 1;
        this.busy.set(peer, (this.busy.get(peer) ?? 1) - 1);
        asked.peers.delete(peer);
        if (asked.peers.size === 0) this.asked.delete(from);
        this.answered = true;
        this.wake();
      });
  }

  /** The best peer that has the height and is not busy. */
  private choose(from: number, except: ReadonlySet<string>): string | undefined {
    return this.options.client
      .peers()
      .find(
        (peer) =>
          (this.heights.get(peer) ?? 0) >= from &&
          (this.busy.get(peer) ?? 0) < REQUESTS_PER_PEER_MAX &&
          !except.has(peer),
      );
  }

  private async take(peer: string, from: number, count: number, gather: boolean): Promise<void> {
    const { source, tip } = this.options;
    const answer = await source.take(peer, from, count, gather);
    if (answer.kind === "unproven") this.unproven.add(from);
    if (answer.kind === "nothing") this.count = Math.max(1, Math.floor(this.count / 2));
    if (answer.kind !== "range" || from + answer.range.blocks.length - 1 <= tip().height) return;
    this.count = Math.min(limits.blocksPerSyncResponse, 2 * this.count);
    if (!this.held.has(from)) this.held.set(from, { ...answer.range, peer });
  }

  /** Lands what follows the tip; true when something did. */
  private async land(): Promise<boolean> {
    const { tip, commit, counters, stopped, client, log } = this.options;
    const before = tip().height;
    for (let range = this.nextHeld(); range !== undefined && !stopped(); range = this.nextHeld()) {
      const { height, digest } = tip();
      const blocks = range.blocks.filter(({ header }) => header.height > height);
      if (!equalBytes(blocks[0]!.header.parentDigest, digest)) {
        log.error({ peer: range.peer, height }, "a proven range does not follow the finalized tip");
        client.scores.lied(range.peer);
        this.held.delete(range.blocks[0]!.header.height);
        continue;
      }
      // Counted first: whoever is told of these blocks as they land finds them counted.
      counters.blocksSynced += blocks.length;
      await commit(blocks, range.finalization);
      this.logProgress();
    }
    return tip().height > before;
  }

  private nextHeld(): Held | undefined {
    const next = this.options.tip().height + 1;
    for (const [from, range] of this.held) {
      const last = from + range.blocks.length - 1;
      if (last < next) this.held.delete(from);
      else if (from <= next) return range;
    }
    return undefined;
  }

  private async askHeights(): Promise<void> {
    const { client } = this.options;
    const peers = client.peers().slice(0, STATUSES_MAX);
    await Promise.all(peers.map((peer) => this.askHeight(peer)));
  }

  private async askHeight(peer: string): Promise<void> {
    const { client } = this.options;
    const decode = (answer: Uint8Array) => decodeStrict(ChainStatus, answer, "status");
    const nothing = new Uint8Array();
    const status = await client.ask(peer, RequestProtocol.status, nothing, STATUS_TIMEOUT_MS, decode);
    if (status !== undefined) this.heights.set(peer, status.finalizedHeight);
  }

  /** Resolves when an answer came, or when it is time to look whether one is late. */
  private nextAnswer(): Promise<void> {
    if (this.answered) {
      this.answered = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const timer = this.options.clock.setTimer(PATIENCE_MS, resolve);
      this.wake = () => {
        this.answered = false;
        timer.cancel();
        resolve();
      };
    });
  }

  private logProgress(): void {
    const { clock, log, tip } = this.options;
    if (clock.nowMs() - this.loggedMs < PROGRESS_EVERY_MS) return;
    this.loggedMs = clock.nowMs();
    const highest = Math.max(0, ...this.heights.values());
    log.info(
      { height: tip().height, highest, ranges: this.held.size, requests: this.requests },
      "catching up",
    );
  }

  private pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.options.clock.setTimer(delayMs, resolve));
  }
}
