import { createHash } from "node:crypto";
import type { Application } from "@consilium/ledger";
import type { Block, StoreChange } from "@consilium/protocol";
import type { Checker, CheckerContext, SeenFinal } from "./checker.js";
import { hexOf } from "./wire.js";

const INVARIANT = "state roots";

/** Invariant 7: one state root per height on all nodes, and replay gives it again. */
export class StateRoots implements Checker {
  private readonly roots = new Map<number, string>();
  private readonly blocks = new Map<number, Block>();

  constructor(
    private readonly context: CheckerContext,
    private readonly application: Application,
  ) {}

  finalized({ node, height, event }: SeenFinal): void {
    const root = hexOf(event.tip.stateRoot);
    const agreed = this.roots.get(height);
    this.roots.set(height, agreed ?? root);
    if (agreed !== undefined && agreed !== root)
      this.context.report(INVARIANT, `node ${node} has another state after height ${height}`);
    this.blocks.set(height, event.block);
    const parentRoot = this.roots.get(height - 1);
    if (parentRoot !== undefined && parentRoot !== hexOf(event.block.header.stateRoot))
      this.context.report(
        INVARIANT,
        `the header at height ${height} carries another root than its parent's state has`,
      );
  }

  /** Applies all blocks again to a fresh state, and builds the tree over the result from nothing. */
  async finish(): Promise<void> {
    const state = new ReplayState();
    state.apply((await this.application.genesisChanges()).changes);
    const last = Math.max(0, ...this.blocks.keys());
    for (let height = 1; height <= last; height++) {
      const block = this.blocks.get(height);
      if (block === undefined) return;
      const { changes, stateRoot } = await this.application.applyBlock(state, block);
      state.apply(changes);
      if (hexOf(stateRoot) === this.roots.get(height)) continue;
      this.context.report(INVARIANT, `replay gives another state after height ${height}`);
      return;
    }
    const root = this.roots.get(last);
    const built = rootOfEntries(state.entries(isStateKey));
    if (root !== undefined && built !== root)
      this.context.report(
        INVARIANT,
        `a tree built from nothing over the state of height ${last} has another root`,
      );
  }
}

class ReplayState {
  private readonly values = new Map<string, Uint8Array>();

  get(key: Uint8Array): Uint8Array | undefined {
    return this.values.get(latin(key));
  }

  apply(changes: readonly StoreChange[]): void {
    for (const { key, value } of changes) {
      if (value === undefined) this.values.delete(latin(key));
      else this.values.set(latin(key), value);
    }
  }

  entries(wanted: (firstByte: number) => boolean): [Uint8Array, Uint8Array][] {
    const all = [...this.values].filter(([name]) => wanted(name.charCodeAt(0)));
    return all.map(([name, value]) => [Buffer.from(name, "latin1"), value]);
  }
}

/** The tree's own nodes and root stand in the same key space from here on. */
const FIRST_TREE_PREFIX = 0x70;
const isStateKey = (firstByte: number): boolean => firstByte < FIRST_TREE_PREFIX;
const latin = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/**
 * Root of the sparse Merkle tree over all entries, by recursion from the top: a subtree of one key is its leaf, an empty
 * one 32 zero bytes.
 */
export function rootOfEntries(entries: readonly (readonly [Uint8Array, Uint8Array])[]): string {
  const leaves = entries.map(([key, value]) => ({ place: sha256(key), hash: sha256(value) }));
  const rootOf = (below: typeof leaves, depth: number): Buffer => {
    if (below.length === 0) return Buffer.alloc(32);
    const [first] = below;
    if (below.length === 1) return sha256(Uint8Array.of(0), first!.place, first!.hash);
    const isRight = ({ place }: { place: Buffer }): boolean =>
      ((place[depth >> 3]! >> (7 - (depth & 7))) & 1) === 1;
    const left = rootOf(
      below.filter((leaf) => !isRight(leaf)),
      depth + 1,
    );
    const right = rootOf(below.filter(isRight), depth + 1);
    return sha256(Uint8Array.of(1), left, right);
  };
  return rootOf(leaves, 0).toString("hex");
}
