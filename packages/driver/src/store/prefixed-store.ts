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
    async *range({ from, to, ...rest }) {
      const bounds = { from: concat(prefix, from), to: concat(prefix, to) };
      for await (const [key, value] of whole.range({ ...rest, ...bounds })) {
        yield [key.subarray(prefix.length), value] as const;
      }
    },
    close: async () => {},
  };
}
