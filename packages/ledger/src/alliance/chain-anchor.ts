import { equalBytes } from "@consilium/crypto";
import { ChainAnchor, TransactionKind } from "@consilium/protocol";
import * as queries from "../queries.js";
import { ensure, type Rule } from "../rules.js";
import { heightKey, keyOf, prefixes } from "../state/keys.js";
import { Anchor } from "../state/values.js";

/**
 * Digest of a finalized block of the member's private chain, so that a member cannot rewrite its own past. Anchors are
 * kept under the member that sent them: a private chain's id is known before its first anchor, and a member that sent
 * another one's id first would otherwise keep that one from ever anchoring.
 */
export const chainAnchor: Rule<ChainAnchor> = {
  kind: TransactionKind.chainAnchor,
  payload: ChainAnchor,
  sender: "member",

  async check({ payload, state, sender, chain }) {
    const member = sender!.member;
    const last = queries.anchorOfMember(state, member);
    const sameChain = last === undefined || equalBytes(last.chainId, payload.chainId);
    const isPrivate = !equalBytes(payload.chainId, chain.chainId);
    ensure(sameChain && isPrivate, "ANCHOR_OTHER_CHAIN");
    ensure(last === undefined || payload.height > last.height, "ANCHOR_NOT_RISING");
  },

  async apply({ payload, state, sender, block, emit }) {
    const member = sender!.member;
    const { chainId, height, digest } = payload;
    const anchor = { member, chainId, height, digest, anchoredHeight: block.height };
    state.putValue(keyOf(prefixes.anchor, member), Anchor, anchor);
    state.put(heightKey(prefixes.anchorAtHeight, member, height), digest);
    emit({ type: "anchored", member, chainId, height });
    return "OK";
  },
};
