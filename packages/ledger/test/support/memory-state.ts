import { toHex } from "@consilium/crypto";
import type { StateReader, StoreChange } from "@consilium/protocol";

/** A state in memory, as a node keeps it on disk. */
export class MemoryState implements StateReader {
  readonly entries = new Map<string, Uint8Array>();

  get(key: Uint8Array): Uint8Array | undefined {
    return this.entries.get(toHex(key));
  }

  apply(changes: readonly StoreChange[]): void {
    for (const { key, value } of changes) {
      if (value === undefined) this.entries.delete(toHex(key));
      else this.entries.set(toHex(key), value);
    }
  }

  /** All values, tree included, as comparable text. */
  dump(): string {
    return [...this.entries]
      .map(([key, value]) => `${key}=${toHex(value)}`)
      .sort()
      .join("\n");
  }
}
