import { toHex } from "@consilium/crypto";
import { StakeVote, type StateReader, TransactionKind } from "@consilium/protocol";
import { standingCandidate } from "../elections/candidates.js";
import * as queries from "../queries.js";
import { ensure, type Rule } from "../rules.js";
import { keyOf, prefixes } from "../state/keys.js";

/** Spreads a member's bonded stake over candidates, in place of its votes before. No votes at all abstain. */
export const stakeVote: Rule<StakeVote> = {
  kind: TransactionKind.stakeVote,
  payload: StakeVote,
  sender: "member",

  async check({ payload, state, sender }) {
    const { votes } = payload;
    const names = new Set(votes.map(({ candidate }) => toHex(candidate)));
    const areDistinct = names.size === votes.length && votes.every(({ stake }) => stake > 0);
    ensure(areDistinct, "STAKE_BAD_VOTES");
    const spent = votes.reduce((sum, { stake }) => sum + BigInt(stake), 0n);
    ensure(spent <= bondOf(state, sender!.member), "STAKE_OVERSPENT");
    for (const { candidate } of votes) standingCandidate(state, candidate);
  },

  async apply({ payload, state, sender, emit }) {
    state.putValue(keyOf(prefixes.stakeVotes, sender!.member), StakeVote, payload);
    emit({ type: "stake-voted", member: sender!.member });
    return "OK";
  },
};

const bondOf = (state: StateReader, member: Uint8Array): bigint =>
  BigInt(queries.memberOf(state, member)!.stake);
