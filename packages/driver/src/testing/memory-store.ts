import { ConsiliumError, fromHex, toHex } from "@consilium/crypto";
import type { Store, StoreChange, StoreRange } from "@consilium/protocol";

/** A {@link Store} in memory for tests and simulations. Hex keys sort as their bytes do. */
export class MemoryStore implements Store {
  private readonly values = new Map<string, Uint8Array>();
  private closed = false;
  /** Synced batches so far: tests of durability count them. */
  syncedBatches = 0;

  get(key: Uint8Array): Uint8Array | undefined {
    this.requireOpen();
    return this.values.get(toHex(key))?.slice();
  }

  async batch(changes: readonly StoreChange[], options?: { readonly sync?: boolean }): Promise<void> {
    this.requireOpen();
    for (const { key, value } of changes) {
      if (value === undefined) this.values.delete(toHex(key));
      else this.values.set(toHex(key), value.slice());
    }
    if (options?.sync === true) this.syncedBatches += 1;
  }

  /** The entries as they are now, whatever is written while they are walked. */
  range({ from, to, reverse, limit }: StoreRange): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    this.requireOpen();
    const [low, high] = [toHex(from), toHex(to)];
    const keys = [...this.values.keys()].filter((key) => key >= low && key < high).sort();
    if (reverse === true) keys.reverse();
    // A write puts another array in the place of a value and never changes one.
    const entries = keys.slice(0, limit ?? keys.length).map((key) => [key, this.values.get(key)!] as const);
    return walk(entries);
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  /** A copy as a crash would leave it: everything written so far. */
  copy(): MemoryStore {
    const copy = new MemoryStore();
    for (const [key, value] of this.values) copy.values.set(key, value.slice());
    return copy;
  }

  private requireOpen(): void {
    if (this.closed)
      throw new ConsiliumError("STORE_CLOSED", "The store is closed; open the data folder again.");
  }
}

async function* walk(entries: readonly (readonly [string, Uint8Array])[]) {
  for (const [key, value] of entries) yield [fromHex(key), value.slice()] as const;
}
