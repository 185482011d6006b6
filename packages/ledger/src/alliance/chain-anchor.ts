import { equalBytes } from "@consilium/crypto";
import { ChainAnchor, TransactionKind } from "@consilium/protocol";
import * as queries from "../queries.js";
import { ensure, type Rule } from "../rules.js";
import { heightKey, keyOf, prefixes } from "../state/keys.js";
import { Anchor } from "../state/values.js";

/** Digest of a finalized block of the member's private chain, so that a member cannot rewrite its own past. */
export const chainAnchor: Rule<ChainAnchor> = {
  kind: TransactionKind.chainAnchor,
  payload: ChainAnchor,
  sender: "member",

  async check({ payload, state, sender, chain }) {
    const member = sender!.member;
    const bound = queries.anchorOfMember(state, member);
    const last = queries.anchorOfChain(state, payload.chainId);
    const sameChain = bound === undefined || equalBytes(bound.chainId, payload.chainId);
    const sameMember = last === undefined || equalBytes(last.member, member);
    const isPrivate = !equalBytes(payload.chainId, chain.chainId);
    ensure(sameChain && sameMember && isPrivate, "ANCHOR_OTHER_CHAIN");
    ensure(last === undefined || payload.height > last.height, "ANCHOR_NOT_RISING");
  },

  async apply({ payload, state, sender, block, emit }) {
    const member = sender!.member;
    const { chainId, height, digest } = payload;
    const anchor = { member, chainId, height, digest, anchoredHeight: block.height };
    state.putValue(keyOf(prefixes.anchor, chainId), Anchor, anchor);
    state.put(keyOf(prefixes.anchorOfMember, member), chainId);
    state.put(heightKey(prefixes.anchorAtHeight, chainId, height), digest);
    emit({ type: "anchored", member, chainId, height });
    return "OK";
  },
};
