import { equalBytes } from "@consilium/crypto";
import { MemberApprove, TransactionKind } from "@consilium/protocol";
import { hasPassed, storeProposal } from "../elections/governance.js";
import * as queries from "../queries.js";
import { ensure, type Rule, refuse } from "../rules.js";
import { type ProposalEntry, ProposalStatus } from "../state/election-values.js";

/** Adds the stake that a member holds to a proposal; an approval stands until the proposal is closed. */
export const memberApprove: Rule<MemberApprove, ProposalEntry> = {
  kind: TransactionKind.memberApprove,
  payload: MemberApprove,
  sender: "member",

  async check({ payload, state, sender }) {
    const proposal = queries.proposal(state, payload.proposalId);
    if (proposal === undefined) refuse("PROPOSAL_UNKNOWN");
    ensure(proposal.status === ProposalStatus.open, "PROPOSAL_CLOSED");
    const isNew = !proposal.approvals.some((member) => equalBytes(member, sender!.member));
    ensure(isNew, "PROPOSAL_APPROVED");
    return proposal;
  },

  async apply({ state, sender, emit }, proposal) {
    const { id, action } = proposal;
    const approvals = [...proposal.approvals, sender!.member];
    const passed = hasPassed(queries.members(state), approvals);
    const status = passed ? ProposalStatus.passed : ProposalStatus.open;
    storeProposal(state, { ...proposal, approvals, status });
    emit({ type: "proposal-approved", id, member: sender!.member });
    if (passed) emit({ type: "proposal-passed", id, action });
    return "OK";
  },
};
