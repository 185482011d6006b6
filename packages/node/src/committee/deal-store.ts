import { concat, fromHex } from "@consilium/crypto";
import type { HexId, Store } from "@consilium/protocol";

const PREFIX = 0x10;

/** Deals of this node by session: public bytes, but the same ones every time, whatever crashes in between. */
export function dealStore(store: Store) {
  const keyOf = (sessionId: HexId): Uint8Array => concat(Uint8Array.of(PREFIX), fromHex(sessionId));
  return {
    get: (sessionId: HexId): Uint8Array | undefined => store.get(keyOf(sessionId)),
    put: (sessionId: HexId, body: Uint8Array): Promise<void> =>
      store.batch([{ key: keyOf(sessionId), value: body }], { sync: true }),
  };
}
