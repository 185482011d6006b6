import { codeOf } from "@consilium/crypto";
import { ChainDriver, type ChainDriverOptions, type FinalizedBlockEvent } from "@consilium/driver";
import { createAllianceLedger } from "@consilium/ledger";
import type { Genesis, Log, StateReader, Transport, Vote } from "@consilium/protocol";
import type { SimulatedDisk } from "../ports/disk.js";
import type { EventQueue } from "../ports/event-queue.js";
import type { SimulatedNetwork } from "../ports/network.js";
import { type Life, NodeClock, Processor } from "../ports/node-clock.js";
import { NodeTransport } from "../ports/transport.js";
import type { SeededRandom } from "../random.js";
import { MemberDuties } from "./duties.js";
import { MemberSender } from "./member-sender.js";
import type { NodeKey } from "./node-keys.js";
import { simulatedPool } from "./pool.js";
import type { VoteKeys } from "./vote-keys.js";

/** What the simulation learns from a node. */
export interface NodeObserver {
  started(node: number): void;
  /** Its store was opened at this tip. */
  opened(node: number, height: number, digest: Uint8Array): void;
  crashed(node: number): void;
  finalized(node: number, event: FinalizedBlockEvent, state: StateReader): void;
  /** The node starts from a snapshot: its first block follows this height. */
  adopted(node: number, height: number): void;
  /** Two votes that contradict each other, as the node hands them to the chain. */
  evidence(node: number, first: Vote, second: Vote): void;
  /** A peer did what no honest peer does, as this node sees it. */
  peerFault(node: number, peer: string, code: string): void;
  /** The node halted, would not start, or broke a rule of its own ports. */
  broken(node: number, sentence: string): void;
  logged(node: number, level: string, fields: object, event: string): void;
}

/** How an actor differs from an honest node: it sits between the production driver and its ports. */
export interface Actor {
  readonly name: string;
  ports?(ports: ActorPorts): Partial<ChainDriverOptions>;
}

/** What an actor may use: its own key, its own ports, what is public. */
export interface ActorPorts {
  readonly options: ChainDriverOptions;
  readonly genesis: Genesis;
  readonly queue: EventQueue;
  readonly life: Life;
  readonly random: SeededRandom;
  /** Node ids in hex, by index of the simulation. */
  readonly names: readonly string[];
  readonly index: number;
  sign(message: Uint8Array): Uint8Array;
}

export interface SimulatedNodeOptions {
  readonly index: number;
  /** Which member's keys it runs with: its own, but for a twin. */
  readonly identity: number;
  readonly genesis: Genesis;
  readonly key: NodeKey;
  readonly names: readonly string[];
  readonly voteKeys: VoteKeys;
  readonly queue: EventQueue;
  readonly network: SimulatedNetwork;
  readonly disk: SimulatedDisk;
  readonly random: SeededRandom;
  readonly observer: NodeObserver;
  readonly actor: Actor | undefined;
  /** Takes the state of a boundary block when it starts with an empty folder. */
  readonly stateSync: boolean;
  /** Changes of the driver's options; tests plant bugs here. */
  readonly plant?: (options: ChainDriverOptions, index: number) => ChainDriverOptions;
}

/** One member's machine: a disk that stays, a processor, and runs of the production driver. */
export class SimulatedNode {
  readonly processor: Processor;
  clockOffsetMs = 0;
  driver: ChainDriver | undefined;
  sender: MemberSender | undefined;
  private duties: MemberDuties | undefined;
  private life: Life = { alive: false };
  private runCount = 0;
  /** Its folder was wiped after it had voted: the operator says so at start. */
  hasVoted = false;
  /** Height below which it has no blocks: above 0 after a start from a snapshot. */
  firstHeight = 0;

  constructor(readonly options: SimulatedNodeOptions) {
    this.processor = new Processor(options.queue);
  }

  get index(): number {
    return this.options.index;
  }

  get disk(): SimulatedDisk {
    return this.options.disk;
  }

  get alive(): boolean {
    return this.life.alive;
  }

  start(): void {
    if (this.life.alive) return;
    const life = { alive: true };
    this.life = life;
    this.runCount += 1;
    const driver = new ChainDriver(this.driverOptions(life));
    const { observer, index } = this.options;
    observer.started(index);
    let last: number | undefined;
    driver.onFinalized((event) => {
      if (!life.alive) return;
      if (last !== undefined && event.tip.height > last + 1) {
        this.firstHeight = event.tip.height - 1;
        observer.adopted(index, this.firstHeight);
      }
      last = event.tip.height;
      observer.finalized(index, event, driver.state());
    });
    driver.start().then(
      () => {
        if (!life.alive) return;
        const { height, digest } = driver.finalized();
        last = height;
        observer.opened(index, height, digest);
        this.serve(driver);
      },
      (error: unknown) => {
        if (life.alive) observer.broken(index, `does not start: ${codeOf(error)} ${String(error)}`);
      },
    );
  }

  private serve(driver: ChainDriver): void {
    const { key } = this.options;
    this.driver = driver;
    this.sender = new MemberSender(driver, key);
    this.duties = new MemberDuties(driver, this.sender, key.publicKey, () => this.hasVoted);
    this.duties.look();
  }

  /** The power goes. Whatever the run waited for never comes. */
  crash(): void {
    if (!this.life.alive) return;
    this.life.alive = false;
    this.driver = undefined;
    this.sender = undefined;
    this.duties = undefined;
    this.processor.reset();
    this.options.network.leave(this.index);
    this.disk.crash();
    this.options.observer.crashed(this.index);
  }

  private driverOptions(life: Life): ChainDriverOptions {
    const { index, identity, genesis, key, voteKeys, queue, random, observer, names } = this.options;
    const { actor, plant } = this.options;
    const own = random.fork(`run ${this.runCount}`);
    const sign = (message: Uint8Array): Uint8Array => voteKeys.sign(identity, message);
    const options: ChainDriverOptions = {
      genesis,
      application: createAllianceLedger(genesis, simulatedPool, { verifier: voteKeys.verifier }),
      identity: {
        nodeId: key.publicKey,
        voteSigner: { publicKey: voteKeys.publicKeys[identity]!, sign: async (message) => sign(message) },
        hasVoted: this.hasVoted,
      },
      store: this.disk.open(life, this.processor),
      transport: this.transport(life, own),
      verifier: voteKeys.verifier,
      clock: new NodeClock(queue, this.processor, life, () => this.clockOffsetMs),
      random: own.fork("driver"),
      log: this.log(life),
      stateSync: this.options.stateSync,
      onEvidence: (first, second) => {
        observer.evidence(index, first, second);
        this.duties?.evidence(first, second);
      },
      onPeerFault: (peer, code) => observer.peerFault(index, peer, code),
      onFatal: (error) => observer.broken(index, `halts: ${codeOf(error)} ${String(error)}`),
    };
    const planted = plant?.(options, index) ?? options;
    const ports: ActorPorts = {
      options: planted,
      genesis,
      queue,
      life,
      random: own.fork("actor"),
      names,
      index,
      sign,
    };
    return { ...planted, ...actor?.ports?.(ports) };
  }

  private transport(life: Life, random: SeededRandom): Transport {
    const { index, names, network, observer } = this.options;
    return new NodeTransport({
      ...{ index, names, network, life },
      processor: this.processor,
      random: random.fork("transport"),
      onOversize: (what) => observer.broken(index, `sends a ${what} over the limit`),
    });
  }

  private log(life: Life): Log {
    const { observer, index } = this.options;
    const at = (level: string) => (fields: object, event: string) => {
      if (life.alive) observer.logged(index, level, fields, event);
    };
    const log: Log = {
      debug: () => {},
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      child: () => log,
    };
    return log;
  }
}
