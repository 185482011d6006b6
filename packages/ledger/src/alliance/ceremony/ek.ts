import { CeremonyEk, Purpose, TransactionKind } from "@consilium/protocol";
import { ensure, type Rule } from "../../rules.js";
import { dealingKeyKey } from "../../state/keys.js";

/** A node's dealing key for a purpose: others seal its sub-shares to it. A later one replaces it for runs not announced yet. */
export const ceremonyEk: Rule<CeremonyEk, Uint8Array> = {
  kind: TransactionKind.ceremonyEk,
  payload: CeremonyEk,
  sender: "member",
  costly: true,

  async check({ payload, sender, chain, pool }) {
    const { purpose, message } = payload;
    if (purpose !== Purpose.keyCentre && purpose !== Purpose.proxy) {
      ensure(false, "CEREMONY_BAD_PURPOSE");
    }
    const owner = { chain: chain.chainId, purpose: purpose as Purpose, nodeId: sender!.member };
    return pool.run("dkgCheckEncryptionKey", { owner, message });
  },

  async apply({ payload, sender, state, emit }, key) {
    const node = sender!.member;
    state.put(dealingKeyKey(payload.purpose, node), key);
    emit({ type: "dealing-key", purpose: payload.purpose, node });
    return "OK";
  },
};
