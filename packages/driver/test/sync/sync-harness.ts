import type { State } from "@consilium/consensus";
import { type Block, type Certificate, digestOf, isBoundaryHeight, type Store } from "@consilium/protocol";
import { openChainStore } from "../../src/bootstrap.js";
import type { ChainCounters, FinalizedTip } from "../../src/chain.js";
import { handoverOf } from "../../src/epochs/boundary.js";
import { EpochBook } from "../../src/epochs/epoch-book.js";
import { PeerDesk } from "../../src/messages/peer-desk.js";
import type { ChainStore } from "../../src/store/chain-store.js";
import { CatchUp } from "../../src/sync/catch-up.js";
import { serveChain } from "../../src/sync/serve.js";
import { Snapshots } from "../../src/sync/snapshots.js";
import { MemoryNetwork, MemoryStore, type MemoryTransport, SimulatedClock } from "../../src/testing/index.js";
import { BlockTree } from "../../src/tree/block-tree.js";
import { seededRandom, silentLog } from "../harness.js";
import type { MadeChain } from "./made-chain.js";

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export const receiver = {
  message: () => {},
  gossip: async () => "ignore" as const,
  connected: () => {},
  disconnected: () => {},
};

/** Peers with a made chain, and a node that catches up with them, on one simulated clock. */
export class SyncWorld {
  readonly clock = new SimulatedClock(1_800_000_000_000, settle);
  readonly network = new MemoryNetwork(this.clock);
  /** `peer protocol` of every request that reached a peer, in order. */
  readonly requests: string[] = [];

  constructor(readonly chain: MadeChain) {}

  /** A peer that serves the chain; `twist` changes its answers by protocol. */
  async peer(name: string, twist: Twists = {}): Promise<MemoryTransport> {
    const { chain } = this;
    const port = this.network.join(name);
    const { store, epochs, application } = chain;
    const { lengthHeights } = epochs;
    const snapshots = new Snapshots({
      store,
      rules: application.snapshot,
      lengthHeights,
      clock: this.clock,
      log: silentLog,
    });
    const tree = new BlockTree(application, store, chain.tip, () => false);
    const state = () => ({ view: 1, epoch: { epoch: chain.tip.epoch } }) as unknown as State;
    serveChain({ transport: port, store, tree, epochs, snapshots, tip: () => chain.tip, state });
    for (const [protocol, honest] of [...port.handlers]) {
      port.serve(protocol, async (from, body) => {
        this.requests.push(`${name} ${protocol}`);
        const twisted = twist[protocol];
        return twisted === undefined ? honest(from, body) : twisted(body, () => honest(from, body));
      });
    }
    port.receive(receiver);
    return port;
  }

  async newcomer(options: { readonly stateSync?: boolean; readonly store?: Store } = {}): Promise<Newcomer> {
    return Newcomer.open(this, options.store ?? new MemoryStore(), options.stateSync === true);
  }

  /** Writes the snapshot of an epoch's boundary as a node does when it lands; call it before the chain grows on. */
  async snapshot(store = this.chain.store): Promise<void> {
    const { application, epochs, tip } = this.chain;
    const { lengthHeights } = epochs;
    const parts = { rules: application.snapshot, lengthHeights, clock: this.clock, log: silentLog };
    const snapshots = new Snapshots({ store, ...parts });
    snapshots.landed(tip);
    await this.clock.advance(10_000);
    await snapshots.stop();
  }

  /** Runs until the work is done. */
  async finish<Value>(work: Promise<Value>, limitMs = 600_000): Promise<Value> {
    let done = false;
    const over = () => {
      done = true;
    };
    work.then(over, over);
    if (!(await this.clock.runUntil(() => done, limitMs))) throw new Error("the work did not end in time");
    return work;
  }
}

export type Twist = (request: Uint8Array, honest: () => Promise<Uint8Array>) => Promise<Uint8Array>;
export type Twists = Readonly<Record<string, Twist>>;

/** The node that catches up: a real store and application, and no engine. */
export class Newcomer {
  readonly charged: string[] = [];
  readonly landed: number[] = [];
  readonly catchUp: CatchUp;
  stopped = false;

  private constructor(
    readonly store: ChainStore,
    private readonly world: SyncWorld,
    readonly epochs: EpochBook,
    public tip: FinalizedTip,
    stateSync: boolean,
  ) {
    const { chain, clock, network } = world;
    const port = network.join("newcomer");
    port.receive(receiver);
    const counters = { blocksSynced: 0 } as ChainCounters;
    const desk = new PeerDesk(counters, silentLog, (peer, code) => this.charged.push(`${peer} ${code}`));
    this.catchUp = new CatchUp({
      chainId: chain.application.chainId,
      ...{ epochs, store, counters, desk, clock, stateSync },
      application: chain.application,
      transport: port,
      verifier: chain.verifier,
      random: seededRandom(9),
      log: silentLog,
      tip: () => this.tip,
      commit: (blocks, finalization) => this.commit(blocks, finalization),
      adopt: async ({ tip }) => {
        this.tip = tip;
        epochs.advance(tip);
      },
      stopped: () => this.stopped,
    });
  }

  static async open(world: SyncWorld, store: Store, stateSync: boolean): Promise<Newcomer> {
    const { application } = world.chain;
    const opened = await openChainStore({ store, application });
    const { lengthHeights } = world.chain.epochs;
    const epochs = new EpochBook({ application, store: opened.store, lengthHeights });
    epochs.advance(opened.record.tip);
    return new Newcomer(opened.store, world, epochs, opened.record.tip, stateSync);
  }

  run(target = this.world.chain.target): Promise<void> {
    return this.world.finish(this.catchUp.run(target));
  }

  private async commit(blocks: readonly Block[], finalization: Certificate): Promise<void> {
    const { application } = this.world.chain;
    for (const block of blocks) {
      const { header } = block;
      if (header.height !== this.tip.height + 1) throw new Error("a block was left out");
      const digest = digestOf(header);
      const { changes, stateRoot } = await application.applyBlock(this.store.state, block);
      const { height, timestampMs, epoch } = header;
      const last = block === blocks.at(-1);
      // Blocks land one by one here; only the last of a range makes its view final.
      const view = last ? finalization.view : 0;
      const tip = { height, digest, stateRoot, timestampMs, epoch, view };
      const boundary = isBoundaryHeight(height, this.epochs.lengthHeights);
      if (boundary && !last) throw new Error("a range crosses a boundary");
      const handover = boundary ? handoverOf(application, this.store.state, header, finalization) : undefined;
      const record = { tip, finalization: last ? finalization : undefined };
      await this.store.commit([{ block, digest, changes, results: [] }], record, [], handover);
      this.tip = tip;
      this.epochs.advance(tip);
      this.landed.push(height);
    }
  }
}
