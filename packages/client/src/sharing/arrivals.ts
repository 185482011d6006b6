/** Yields what promises resolve to in the order in which they do. A rejection ends the iteration by throwing. */
export async function* asTheyArrive<Value>(promises: readonly Promise<Value>[]): AsyncGenerator<Value> {
  const pending = new Map(
    promises.map((promise, index) => [index, promise.then((value) => ({ index, value }))] as const),
  );
  // A caller that stops early must not leave an unhandled rejection behind.
  for (const promise of pending.values()) promise.catch(() => undefined);
  while (pending.size > 0) {
    const { index, value } = await Promise.race(pending.values());
    pending.delete(index);
    yield value;
  }
}
