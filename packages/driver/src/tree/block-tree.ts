import { ConsiliumError, equalBytes, toHex } from "@consilium/crypto";
import type { Application, Execution } from "@consilium/ledger";
import { Block, type StateReader } from "@consilium/protocol";
import type { ChainStore } from "../store/chain-store.js";
import { Overlay } from "./overlay.js";

/** Bodies kept in memory; the others are read from the store, or fetched again when they were never persisted. */
const BODIES_IN_MEMORY_MAX = 32;

/** State after a block. */
export interface Executed {
  readonly reader: StateReader;
  readonly stateRoot: Uint8Array;
}

interface ExecutedBlock extends Executed {
  readonly reader: Overlay;
  readonly execution: Execution;
  readonly height: number;
}

interface TreeTip {
  readonly height: number;
  readonly digest: Uint8Array;
  readonly stateRoot: Uint8Array;
}

interface Waiter {
  readonly height: number;
  readonly resolve: (block: Block | undefined) => void;
}

/** Blocks above the finalized tip: their bodies, and their execution as overlays on the state. */
export class BlockTree {
  private readonly bodies = new Map<string, Block>();
  private readonly executions = new Map<
    string,
    { readonly height: number; readonly done: Promise<ExecutedBlock> }
  >();
  private readonly waiters = new Map<string, Waiter[]>();
  /** Blocks built here: nobody else has their bodies yet. */
  private readonly built = new Set<string>();

  constructor(
    private readonly application: Application,
    private readonly store: ChainStore,
    private tip: TreeTip,
    /** Blocks (by digest in hex) that the engine counts on: their bodies stay. */
    private readonly pinned: (digest: string) => boolean,
  ) {}

  /** Keeps a body that this node built until its height is final. */
  addBuilt(block: Block, digest: Uint8Array): void {
    if (block.header.height > this.tip.height) this.built.add(toHex(digest));
    this.add(block, digest);
  }

  /** Keeps a body whose payload was checked against its header, and wakes those who wait for it. */
  add(block: Block, digest: Uint8Array): void {
    if (block.header.height <= this.tip.height) return;
    const name = toHex(digest);
    this.bodies.delete(name);
    this.bodies.set(name, block);
    if (this.bodies.size > BODIES_IN_MEMORY_MAX) this.evict();
    for (const { resolve } of this.waiters.get(name) ?? []) resolve(block);
    this.waiters.delete(name);
  }

  private evict(): void {
    for (const name of this.bodies.keys()) {
      if (this.built.has(name) || this.pinned(name)) continue;
      this.bodies.delete(name);
      return;
    }
  }

  /** The body, from memory or from the store; final ones too. */
  body(digest: Uint8Array): Block | undefined {
    const known = this.bodies.get(toHex(digest));
    if (known !== undefined) return known;
    const stored = this.store.encodedBody(digest);
    return stored === undefined ? undefined : Block.deserialize(stored);
  }

  /** The body once it is here; undefined when the chain moved past its height first. */
  whenBody(digest: Uint8Array, height: number): Promise<Block | undefined> {
    const known = this.body(digest);
    if (known !== undefined || height <= this.tip.height) return Promise.resolve(known);
    return new Promise((resolve) => {
      const name = toHex(digest);
      this.waiters.set(name, [...(this.waiters.get(name) ?? []), { height, resolve }]);
    });
  }

  /**
   * State after a block: the tip's is the store, others are executed once, after their parents.
   * Throws `BLOCK_UNKNOWN` when a body on the way is not here, `BLOCK_BAD_STATE_ROOT` when a header contradicts its
   * parent's execution, and what the application throws.
   */
  async executed(digest: Uint8Array): Promise<Executed> {
    if (equalBytes(digest, this.tip.digest))
      return { reader: this.store.state, stateRoot: this.tip.stateRoot };
    return this.execution(digest);
  }

  /** The same once all bodies on the way are here. Throws `BLOCK_UNKNOWN` when the chain moved past them first. */
  async whenExecuted(digest: Uint8Array, height: number): Promise<Executed> {
    if (!equalBytes(digest, this.tip.digest) && height > this.tip.height) {
      const block = await this.whenBody(digest, height);
      if (block !== undefined) await this.whenExecuted(block.header.parentDigest, height - 1);
    }
    return this.executed(digest);
  }

  /** The execution of a block above the tip, see {@link executed}. */
  execution(digest: Uint8Array): Promise<ExecutedBlock> {
    const name = toHex(digest);
    const known = this.executions.get(name);
    if (known !== undefined) return known.done;
    const block = this.body(digest);
    if (block === undefined || block.header.height <= this.tip.height)
      return Promise.reject(unknownBlock(name));
    const done = this.execute(block);
    // Whoever asks gets the failure; a run that nobody asks about any more must not end the process.
    done.catch(() => this.executions.delete(name));
    this.executions.set(name, { height: block.header.height, done });
    return done;
  }

  private async execute(block: Block): Promise<ExecutedBlock> {
    const { header } = block;
    const parent = await this.executed(header.parentDigest);
    if (!equalBytes(parent.stateRoot, header.stateRoot)) {
      throw new ConsiliumError(
        "BLOCK_BAD_STATE_ROOT",
        "The block's state root is not what its parent's execution gives here.",
        { height: header.height },
      );
    }
    const execution = await this.application.applyBlock(parent.reader, block);
    const reader = new Overlay(parent.reader, execution.changes);
    return { reader, stateRoot: execution.stateRoot, execution, height: header.height };
  }

  /** The tip moved and the store holds its state: settles overlays below it and forgets what can never be final. */
  async committed(tip: TreeTip): Promise<void> {
    this.tip = tip;
    for (const [name, { height, done }] of this.executions) {
      if (height > tip.height) continue;
      this.executions.delete(name);
      await done.then(
        ({ reader }) => reader.settle(this.store.state),
        () => {},
      );
    }
    for (const [name, { header }] of this.bodies) {
      if (header.height > tip.height) continue;
      this.bodies.delete(name);
      this.built.delete(name);
    }
    for (const [name, waiting] of this.waiters) {
      if (!waiting.some(({ height }) => height <= tip.height)) continue;
      for (const { resolve } of waiting) resolve(undefined);
      this.waiters.delete(name);
    }
  }
}

function unknownBlock(digest: string): ConsiliumError {
  return new ConsiliumError("BLOCK_UNKNOWN", "The block's body is not here yet.", { digest });
}
