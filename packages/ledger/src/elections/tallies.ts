import { type CreditTally, emptyCreditTally } from "@consilium/consensus";
import { toHex } from "@consilium/crypto";
import type { StateReader } from "@consilium/protocol";
import * as queries from "../queries.js";
import { CreditTallies, type TallyEntry } from "../state/election-values.js";
import { keyOf, prefixes } from "../state/keys.js";
import type { StateWriter } from "../state/writer.js";

const KEY = keyOf(prefixes.creditTallies);

/** The running epoch's tallies of all nodes: one value of the state, read once, changed, and written once. */
export class Tallies {
  private readonly entries: Map<string, TallyEntry>;
  private changed = false;

  constructor(state: StateReader) {
    this.entries = new Map(queries.creditTallies(state).map((entry) => [toHex(entry.node), entry]));
  }

  /** Counts one more event of a node. */
  count(node: Uint8Array, event: keyof CreditTally): void {
    const name = toHex(node);
    const before = this.entries.get(name) ?? { node, ...emptyCreditTally() };
    this.entries.set(name, { ...before, [event]: before[event] + 1 });
    this.changed = true;
  }

  of(node: Uint8Array): CreditTally {
    return this.entries.get(toHex(node)) ?? emptyCreditTally();
  }

  /** Writes what was counted, in order of node ids: the same counts give the same bytes. */
  store(state: StateWriter): void {
    if (!this.changed) return;
    const names = [...this.entries.keys()].sort();
    state.putValue(
      KEY,
      CreditTallies,
      names.map((name) => this.entries.get(name)!),
    );
  }

  /** Starts the next epoch's tallies. */
  static clear(state: StateWriter): void {
    if (state.get(KEY) !== undefined) state.delete(KEY);
  }
}

/** Counts one event of a node outside the facts, as a ceremony's messages bring them. */
export function countCredit(state: StateWriter, node: Uint8Array, event: keyof CreditTally): void {
  const tallies = new Tallies(state);
  tallies.count(node, event);
  tallies.store(state);
}
