import type * as views from "@consilium/client";
import { memberName, WAIT_MS_MAX } from "@consilium/client";
import { equalBytes, fromHex, toHex } from "@consilium/crypto";
import { ProposalStatus, queries } from "@consilium/ledger";
import { limits, ProposalAction, type StateReader } from "@consilium/protocol";
import type { ApiPorts } from "./ports.js";
import { fieldOf, type Handlers, idOf, malformed, numberOf } from "./router.js";

type MemberRoute = "members" | "proposals" | "memberAct";
type Member = ReturnType<typeof queries.members>[number];
type Proposal = ReturnType<typeof queries.proposals>[number];

const PROPOSALS_MAX = 1_000;

const actionNames: Readonly<Record<number, views.ProposalActionName>> = {
  [ProposalAction.admit]: "admit",
  [ProposalAction.expel]: "expel",
  [ProposalAction.setStake]: "set-stake",
  [ProposalAction.setSeats]: "set-seats",
  [ProposalAction.reinstate]: "reinstate",
};
const statusNames: Readonly<Record<number, views.ProposalView["status"]>> = {
  [ProposalStatus.open]: "open",
  [ProposalStatus.passed]: "passed",
  [ProposalStatus.applied]: "applied",
  [ProposalStatus.lapsed]: "lapsed",
  [ProposalStatus.failed]: "failed",
};

/** Who the members are, what they decide, and what this one says. */
export function memberHandlers({ alliance, memberActs, clock }: ApiPorts): Pick<Handlers, MemberRoute> {
  return {
    members: async () => {
      const state = alliance.state();
      return { members: queries.members(state).map((member) => memberView(state, member)) };
    },
    proposals: async () => {
      const state = alliance.state();
      const proposals = queries.proposals(state, { limit: PROPOSALS_MAX });
      return { proposals: proposals.map((proposal) => proposalView(state, proposal)) };
    },
    memberAct: async ({ body }) => {
      const waitMs = numberOf(fieldOf(body, "waitMs"), "waitMs", 0, WAIT_MS_MAX);
      const { transaction, done } = await memberActs.submit(actOf(fieldOf(body, "act")));
      let timer: { cancel(): void } | undefined;
      const late = new Promise<undefined>((resolve) => {
        timer = clock.setTimer(waitMs, () => resolve(undefined));
      });
      const result = waitMs === 0 ? undefined : await Promise.race([done, late]);
      timer?.cancel();
      return { transaction: toHex(result?.id ?? transaction), height: result?.height ?? null };
    },
  };
}

function memberView(state: StateReader, member: Member): views.MemberDetailView {
  const entry = queries.candidate(state, member.nodeKey);
  const standing = entry?.standing === 1 ? "standing" : "resigned";
  return {
    name: new TextDecoder().decode(member.name),
    node: toHex(member.nodeKey),
    account: toHex(member.account),
    exchangeKey: toHex(member.exchangeKey),
    stake: member.stake,
    keyCentre: member.keyCentre === 1,
    joinedHeight: member.joinedHeight,
    candidacy: entry === undefined ? "none" : entry.bannedHeight > 0 ? "banned" : standing,
    votes: queries
      .stakeVotes(state, member.nodeKey)
      .map(({ candidate, stake }) => ({ candidate: toHex(candidate), stake })),
  };
}

function proposalView(state: StateReader, proposal: Proposal): views.ProposalView {
  const { action, subject, newcomer, approvals } = proposal;
  const members = queries.members(state);
  const stakeOf = (of: readonly Member[]) => of.reduce((sum, { stake }) => sum + stake, 0);
  const approving = members.filter(({ nodeKey }) => approvals.some((each) => equalBytes(each, nodeKey)));
  const named = (node: Uint8Array) => ({ node: toHex(node), name: memberName(state, node) });
  const hasStake = action === ProposalAction.admit || action === ProposalAction.setStake;
  const about =
    newcomer === null
      ? named(subject)
      : { node: toHex(newcomer.nodeKey), name: new TextDecoder().decode(newcomer.name) };
  return {
    id: toHex(proposal.id),
    action: actionNames[action]!,
    subject: action === ProposalAction.setSeats ? null : about,
    stake: hasStake ? proposal.stake : null,
    seats: action === ProposalAction.setSeats ? proposal.seats : null,
    approvals: approvals.map(named),
    approvedStake: stakeOf(approving),
    wholeStake: stakeOf(members),
    status: statusNames[proposal.status]!,
    epoch: proposal.epoch,
    height: proposal.height,
    closedHeight: proposal.closedHeight === 0 ? null : proposal.closedHeight,
  };
}

/** @throws ConsiliumError `REQUEST_MALFORMED`. */
function actOf(body: unknown): views.MemberAct {
  const act = fieldOf(body, "act");
  switch (act) {
    case "vote":
      return { act, votes: votesOf(fieldOf(body, "votes")) };
    case "register":
    case "resign":
    case "reset-safety-record":
      return { act };
    case "propose":
      return { act, proposal: proposalOf(fieldOf(body, "proposal")) };
    case "approve":
      return { act, proposal: hexId(body, "proposal") };
    default:
      throw malformed('"act" must be vote, register, resign, reset-safety-record, propose or approve.');
  }
}

function votesOf(votes: unknown): { candidate: string; stake: number }[] {
  if (!Array.isArray(votes) || votes.length > limits.stakeVotesPerMember)
    throw malformed(`"votes" must be a list of at most ${limits.stakeVotesPerMember}.`);
  return votes.map((vote) => ({ candidate: hexId(vote, "candidate"), stake: stakeField(vote) }));
}

function proposalOf(body: unknown): views.ProposalBody {
  const action = fieldOf(body, "action");
  switch (action) {
    case "admit":
      return { action, newcomer: newcomerOf(fieldOf(body, "newcomer")), stake: stakeField(body) };
    case "set-stake":
      return { action, member: hexId(body, "member"), stake: stakeField(body) };
    case "expel":
    case "reinstate":
      return { action, member: hexId(body, "member") };
    case "set-seats":
      return { action, seats: numberOf(fieldOf(body, "seats"), "seats", 1, limits.validators) };
    default:
      throw malformed('"action" must be admit, expel, set-stake, set-seats or reinstate.');
  }
}

function newcomerOf(body: unknown): views.NewcomerBody {
  const name = fieldOf(body, "name");
  const sizeBytes = typeof name === "string" ? new TextEncoder().encode(name).length : 0;
  if (sizeBytes === 0 || sizeBytes > limits.nameBytes)
    throw malformed(`"name" must be text of 1 to ${limits.nameBytes} bytes.`);
  return {
    name: String(name),
    nodeId: hexId(body, "nodeId"),
    exchangeKey: hexId(body, "exchangeKey"),
    voteKey: bytesField(body, "voteKey", 48),
    votePossession: bytesField(body, "votePossession", 96),
  };
}

const stakeField = (body: unknown): number =>
  numberOf(fieldOf(body, "stake"), "stake", 0, Number.MAX_SAFE_INTEGER);

const hexId = (body: unknown, name: string): string => toHex(idOf(String(fieldOf(body, name)), name));

function bytesField(body: unknown, name: string, sizeBytes: number): string {
  const value = fieldOf(body, name);
  if (typeof value === "string" && /^[0-9a-f]+$/.test(value) && value.length === 2 * sizeBytes)
    return toHex(fromHex(value));
  throw malformed(`"${name}" must be ${sizeBytes} bytes in lower-case hexadecimal.`);
}
