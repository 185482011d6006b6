import type { StateReader, StoreChange } from "@consilium/protocol";

/** State after a block that is not final yet: its changes on top of its parent's state. */
export class Overlay implements StateReader {
  private readonly values = new Map<string, Uint8Array | undefined>();

  constructor(
    private base: StateReader,
    changes: readonly StoreChange[],
  ) {
    for (const { key, value } of changes) this.values.set(nameOf(key), value);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const name = nameOf(key);
    return this.values.has(name) ? this.values.get(name) : this.base.get(key);
  }

  /** The block was committed: the store holds its changes now, and overlays on top of this one read through it. */
  settle(store: StateReader): void {
    this.base = store;
    this.values.clear();
  }
}

/** One character per byte: cheaper than hex as a map key. */
const nameOf = (key: Uint8Array): string => String.fromCharCode(...key);
