import type { StateReader, StoreChange } from "@consilium/protocol";
import { Overlay } from "./overlay.js";

/**
 * The state before a block whose changes are about to land: it reads through the store, and remembers what the block
 * replaces. Valid until the next block lands.
 */
export function previousState(
  store: StateReader,
  before: StateReader,
  changes: readonly StoreChange[],
): StateReader {
  return new Overlay(
    store,
    changes.map(({ key }) => ({ key, value: before.get(key) })),
  );
}
