import { toHex, u64 } from "@consilium/crypto";
import type { StateReader, StoreChange } from "@consilium/protocol";
import { keyOf, listItemKey, type Prefix } from "./keys.js";
import { listLength } from "./read.js";

/**
 * A write set over a state: reads see the writes. Nothing reaches the state below; {@link StateWriter.changes} says what
 * was written. A writer over a writer is one transaction's part of a block, merged when it succeeds and dropped when
 * it fails, so that a refused transaction leaves no trace.
 */
export class StateWriter implements StateReader {
  private readonly written = new Map<string, StoreChange>();

  constructor(private readonly base: StateReader) {}

  get(key: Uint8Array): Uint8Array | undefined {
    const change = this.written.get(toHex(key));
    return change === undefined ? this.base.get(key) : change.value;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.written.set(toHex(key), { key, value });
  }

  delete(key: Uint8Array): void {
    this.written.set(toHex(key), { key, value: undefined });
  }

  /** Writes a container under a key. */
  putValue<Value>(key: Uint8Array, type: { serialize(value: Value): Uint8Array }, value: Value): void {
    this.put(key, type.serialize(value));
  }

  putCounter(key: Uint8Array, value: number): void {
    this.put(key, u64(value));
  }

  /** Appends an id to a list (`keys.ts`). */
  append(prefix: Prefix, subject: Uint8Array, item: Uint8Array): void {
    const length = listLength(this, prefix, subject);
    this.put(listItemKey(prefix, subject, length), item);
    this.putCounter(keyOf(prefix, subject), length + 1);
  }

  /** Takes over the writes of a writer that was opened on this one. */
  merge(writer: StateWriter): void {
    for (const [name, change] of writer.written) this.written.set(name, change);
  }

  /** What was written, one change a key, in order of keys: the same writes give the same list. */
  changes(): StoreChange[] {
    const names = [...this.written.keys()].sort();
    return names.map((name) => this.written.get(name)!);
  }
}
