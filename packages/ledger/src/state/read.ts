import { bigintFromBytes, u64 } from "@consilium/crypto";
import type { StateReader, ValueOf } from "@consilium/protocol";
import { keyOf, listItemKey, type Prefix } from "./keys.js";

interface Codec<Value> {
  deserialize(bytes: Uint8Array): Value;
  serialize(value: Value): Uint8Array;
}

/** The value under a key. State bytes are this ledger's own, so they are decoded without a canonicity check. */
export function readValue<Type extends Codec<unknown>>(
  state: StateReader,
  key: Uint8Array,
  type: Type,
): ReturnType<Type["deserialize"]> | undefined {
  const bytes = state.get(key);
  return bytes === undefined ? undefined : (type.deserialize(bytes) as ReturnType<Type["deserialize"]>);
}

export type { ValueOf };

/** A counter, 0 when absent. */
export function readCounter(state: StateReader, key: Uint8Array): number {
  const bytes = state.get(key);
  return bytes === undefined ? 0 : Number(bigintFromBytes(bytes));
}

export const encodeCounter = (value: number): Uint8Array => u64(value);

/** Length of a list. */
export const listLength = (state: StateReader, prefix: Prefix, subject: Uint8Array): number =>
  readCounter(state, keyOf(prefix, subject));

/** Which items of a list to return, newest first. */
export interface Page {
  /** Items to skip, from the newest. */
  readonly skip?: number;
  /** At most this many; 100 when absent. */
  readonly limit?: number;
}

/** The ids of a list, newest first. */
export function readList(
  state: StateReader,
  prefix: Prefix,
  subject: Uint8Array,
  page: Page = {},
): Uint8Array[] {
  const items: Uint8Array[] = [];
  const newest = listLength(state, prefix, subject) - 1 - (page.skip ?? 0);
  for (let index = newest; index >= 0 && items.length < (page.limit ?? 100); index--) {
    const item = state.get(listItemKey(prefix, subject, index));
    if (item !== undefined) items.push(item);
  }
  return items;
}
