import { equalBytes } from "@consilium/crypto";
import { CandidateRegister, type StateReader, TransactionKind } from "@consilium/protocol";
import { writeCandidate } from "../elections/membership.js";
import * as queries from "../queries.js";
import { ensure, type Rule } from "../rules.js";
import { CandidateEntry } from "../state/election-values.js";
import { keyOf, prefixes } from "../state/keys.js";

/**
 * A member stands for election, for the first time or again, or changes its vote key. Sets that sit or are elected keep
 * the key they were elected with. A key stays its first registrant's for ever: votes under it must name one node.
 */
export const candidateRegister: Rule<CandidateRegister> = {
  kind: TransactionKind.candidateRegister,
  payload: CandidateRegister,
  sender: "member",
  costly: true,

  async check({ payload, state, sender, pool }) {
    const { voteKey: publicKey, votePossession: proof } = payload;
    const before = queries.candidate(state, sender!.member);
    ensure(before === undefined || before.bannedHeight === 0, "CANDIDATE_BANNED");
    const owner = queries.voteKeyOwner(state, publicKey);
    const isFree = owner === undefined && !isNewcomers(state, publicKey);
    ensure(isFree || (owner !== undefined && equalBytes(owner, sender!.member)), "CANDIDATE_BAD_KEY");
    ensure(await pool.run("voteCheckPossession", { publicKey, proof }), "CANDIDATE_BAD_KEY");
  },

  async apply({ payload, state, sender, emit }) {
    const node = sender!.member;
    const { voteKey } = payload;
    const before = queries.candidate(state, node);
    if (before === undefined) writeCandidate(state, node, voteKey);
    else {
      state.putValue(keyOf(prefixes.candidate, node), CandidateEntry, { ...before, voteKey, standing: 1 });
      state.put(keyOf(prefixes.voteKeyOwner, voteKey), node);
    }
    emit({ type: "candidate-registered", node, voteKey });
    return "OK";
  },
};

/**
 * A proof of possession can be read by all once a proposal shows it, and would hold for anybody's registration: one
 * member could take the key of every newcomer, and nobody would be admitted any more.
 */
const isNewcomers = (state: StateReader, voteKey: Uint8Array): boolean =>
  queries
    .openProposals(state)
    .some(({ newcomer }) => newcomer !== null && equalBytes(newcomer.voteKey, voteKey));
