import { CandidateReady, TransactionKind } from "@consilium/protocol";
import { standingCandidate } from "../elections/candidates.js";
import { changeCandidate } from "../elections/governance.js";
import { ensure, type Rule } from "../rules.js";

/** A candidate's node is up in this epoch: only then may the snapshot at its end elect it. */
export const candidateReady: Rule<CandidateReady> = {
  kind: TransactionKind.candidateReady,
  payload: CandidateReady,
  sender: "member",

  async check({ payload, state, sender, epoch }) {
    const candidate = standingCandidate(state, sender!.member);
    ensure(payload.epoch === epoch, "EPOCH_NOT_PRESENT");
    ensure(candidate.readyEpoch !== epoch, "EPOCH_REPEATED");
  },

  async apply({ state, sender, epoch, emit }) {
    changeCandidate(state, sender!.member, { readyEpoch: epoch });
    emit({ type: "candidate-ready", node: sender!.member, epoch });
    return "OK";
  },
};
