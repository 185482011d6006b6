import { concat } from "@consilium/crypto";
import type { Store } from "@consilium/protocol";

/**
 * A store inside a store: every key gets `prefix` in front. Two chains share one database this way.
 * Closing the part does nothing: the whole has one owner.
 */
export function prefixedStore(whole: Store, prefix: Uint8Array): Store {
  return {
    get: (key) => whole.get(concat(prefix, key)),
    batch: (changes, options) =>
      whole.batch(
        changes.map(({ key, value }) => ({ key: concat(prefix, key), value })),
        options,
      ),
    range: ({ from, to, ...rest }) => {
      const bounds = { from: concat(prefix, from), to: concat(prefix, to) };
      return strip(whole.range({ ...rest, ...bounds }), prefix.length);
    },
    close: async () => {},
  };
}

async function* strip(entries: AsyncIterable<readonly [Uint8Array, Uint8Array]>, prefixLength: number) {
  for await (const [key, value] of entries) yield [key.subarray(prefixLength), value] as const;
}
