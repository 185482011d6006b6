import { CandidateResign, TransactionKind } from "@consilium/protocol";
import { standingCandidate } from "../elections/candidates.js";
import { changeCandidate } from "../elections/governance.js";
import { ensure, type Rule } from "../rules.js";

/** A candidate stands no more from the next snapshot on; sets that are elected already keep it until they end. */
export const candidateResign: Rule<CandidateResign> = {
  kind: TransactionKind.candidateResign,
  payload: CandidateResign,
  sender: "member",

  async check({ payload, state, sender, epoch }) {
    standingCandidate(state, sender!.member);
    ensure(payload.epoch === epoch, "EPOCH_NOT_PRESENT");
  },

  async apply({ state, sender, emit }) {
    changeCandidate(state, sender!.member, { standing: 0 });
    emit({ type: "candidate-resigned", node: sender!.member });
    return "OK";
  },
};
