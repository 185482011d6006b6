import { ChainAnchor, StakeVote, TransactionKind } from "@consilium/protocol";
import type { SeededRandom } from "../random.js";
import type { World } from "./world.js";

/** A member waits with more while that many of its own are under way. */
const BACKLOG_MAX = 8;

/** Members anchor their private chains: real transactions that need no curve work. */
export class Load {
  private readonly random: SeededRandom;
  private readonly heights = new Map<number, number>();

  constructor(private readonly world: World) {
    this.random = world.random.fork("load");
  }

  start(): void {
    const { load } = this.world.profile;
    if (load === "bursts") this.later(() => this.burst(), 500, 6_000);
    if (load === "steady") this.later(() => this.steady(), 200, 1_400);
  }

  private later(act: () => void, fromMs: number, toMs: number): void {
    this.world.queue.after(this.random.between(fromMs, toMs), act);
  }

  private burst(): void {
    const members = this.random.shuffle([...this.world.nodes.keys()]);
    for (const index of members.slice(0, this.random.between(1, 4))) {
      for (let count = this.random.between(1, 3); count > 0; count--) this.anchor(index);
    }
    this.later(() => this.burst(), 500, 6_000);
  }

  private steady(): void {
    this.anchor(this.random.between(0, this.world.nodes.length - 1));
    this.later(() => this.steady(), 200, 1_400);
  }

  private anchor(index: number): void {
    if (this.random.chance(0.1)) {
      this.vote(index);
      return;
    }
    const { sender, options } = this.world.nodes[index]!;
    // The draws happen whether or not the node is up, so that a crash less changes as little as possible.
    const digest = this.random.bytes(32);
    const height = (this.heights.get(index) ?? 0) + 1;
    this.heights.set(index, height);
    if (sender === undefined || sender.backlog >= BACKLOG_MAX) return;
    const chainId = new Uint8Array(32).fill(1 + options.identity);
    sender.send(TransactionKind.chainAnchor, ChainAnchor.serialize({ chainId, height, digest }));
  }

  /** The member gives a part of its stake to some other. */
  private vote(index: number): void {
    const candidate = this.random.pick(this.world.keys).publicKey;
    const stake = this.random.between(1, 80);
    const { sender } = this.world.nodes[index]!;
    if (sender === undefined || sender.backlog >= BACKLOG_MAX) return;
    sender.send(TransactionKind.stakeVote, StakeVote.serialize({ votes: [{ candidate, stake }] }));
  }
}
