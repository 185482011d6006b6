import { ed25519CheckKey, equalBytes, x25519CheckKey } from "@consilium/crypto";
import { limits, MemberPropose, TransactionKind } from "@consilium/protocol";
import { checkDecision, hasPassed, storeOpenProposals, storeProposal } from "../elections/governance.js";
import * as queries from "../queries.js";
import { ensure, type Rule } from "../rules.js";
import { openProposalsReserved, ProposalStatus } from "../state/election-values.js";
import { prefixes } from "../state/keys.js";

const NONE = new Uint8Array(0);

/** Open proposals of one member while the list has room: nobody fills it alone. */
export const openProposalsPerMember = 8;

/** A decision for the members to take together; the proposer's own approval is in it. */
export const memberPropose: Rule<MemberPropose> = {
  kind: TransactionKind.memberPropose,
  payload: MemberPropose,
  sender: "member",
  costly: true,

  async check({ payload, state, sender, pool }) {
    const open = queries.openProposals(state);
    const own = open.filter(({ approvals }) => equalBytes(approvals[0]!, sender!.member));
    const hasRoom = open.length < limits.openProposals && own.length < openProposalsPerMember;
    // A few members together could fill the list for ever, and so keep the others from expelling them.
    ensure(hasRoom || own.length < openProposalsReserved, "PROPOSAL_TOO_MANY");
    checkDecision(state, payload);
    const { newcomer } = payload;
    if (newcomer === null) return;
    ed25519CheckKey(newcomer.nodeKey);
    x25519CheckKey(newcomer.exchangeKey);
    const { voteKey: publicKey, votePossession: proof } = newcomer;
    ensure(await pool.run("voteCheckPossession", { publicKey, proof }), "CANDIDATE_BAD_KEY");
  },

  async apply({ payload, state, sender, id, block, epoch, emit }) {
    const approvals = [sender!.member];
    const passed = hasPassed(queries.members(state), approvals);
    const status = passed ? ProposalStatus.passed : ProposalStatus.open;
    const open = queries.openProposals(state).map((proposal) => proposal.id);
    const times = { epoch, height: block.height, closedHeight: 0 };
    storeProposal(state, { ...payload, id, approvals, status, ...times });
    storeOpenProposals(state, [...open, id]);
    state.append(prefixes.proposals, NONE, id);
    const { action } = payload;
    emit({ type: "proposal-made", id, action, member: sender!.member });
    if (passed) emit({ type: "proposal-passed", id, action });
    return "OK";
  },
};
