/** How proposals of the members pass, and what they do once an epoch ends. */
import { accountId, toHex } from "@consilium/crypto";
import { type LedgerCode, limits, ProposalAction, type StateReader } from "@consilium/protocol";
import type { BlockEnd } from "../ledger.js";
import * as queries from "../queries.js";
import { ensure, refusalCode, refuse } from "../rules.js";
import {
  CandidateEntry,
  ElectionState,
  OpenProposals,
  ProposalEntry,
  ProposalStatus,
} from "../state/election-values.js";
import { keyOf, prefixes } from "../state/keys.js";
import { Account, AccountStatus, Member } from "../state/values.js";
import type { StateWriter } from "../state/writer.js";
import { writeCandidate, writeMember } from "./membership.js";

/** Epochs after the one in which it was made, before the end of which a proposal passes or lapses. */
export const proposalEpochs = 4;

type Decision = Pick<ProposalEntry, "action" | "subject" | "stake" | "seats" | "newcomer">;

/**
 * Whether a decision can take effect on a state: when it is proposed, and again when it is applied, for others may have
 * come between.
 * @throws ConsiliumError with a ledger code.
 */
export function checkDecision(state: StateReader, decision: Decision): void {
  const { action, stake, seats, newcomer, subject } = decision;
  const used = {
    newcomer: action === ProposalAction.admit,
    stake: action === ProposalAction.admit || action === ProposalAction.setStake,
    seats: action === ProposalAction.setSeats,
    subject: action !== ProposalAction.admit && action !== ProposalAction.setSeats,
  };
  const noOthers =
    (newcomer !== null) === used.newcomer &&
    (used.stake || stake === 0) &&
    (used.seats || seats === 0) &&
    subject.some((byte) => byte !== 0) === used.subject;
  const isKnown = (Object.values(ProposalAction) as number[]).includes(action);
  ensure(isKnown && noOthers, "PROPOSAL_BAD_FIELDS");
  if (newcomer !== null) checkNewcomer(state, newcomer, stake);
  if (used.seats) ensure(seats >= limits.validatorsMin && seats <= limits.validators, "PROPOSAL_BAD_FIELDS");
  if (used.subject) checkSubject(state, decision);
}

function checkSubject(state: StateReader, { action, subject, stake }: Decision): void {
  const member = queries.memberOf(state, subject);
  if (member === undefined) refuse("MEMBER_UNKNOWN");
  ensure(member.leftHeight === 0, "MEMBER_LEFT");
  if (action === ProposalAction.setStake) ensureWholeStake(state, stake - member.stake);
  if (action === ProposalAction.reinstate)
    ensure((queries.candidate(state, subject)?.bannedHeight ?? 0) > 0, "PROPOSAL_BAD_FIELDS");
}

function checkNewcomer(state: StateReader, newcomer: NonNullable<Decision["newcomer"]>, stake: number): void {
  ensure(stake > 0 && newcomer.name.length > 0, "PROPOSAL_BAD_FIELDS");
  const { chainId } = queries.chainInfo(state)!;
  const isNew =
    queries.memberOf(state, newcomer.nodeKey) === undefined &&
    queries.account(state, accountId(chainId, newcomer.nodeKey)) === undefined &&
    queries.voteKeyOwner(state, newcomer.voteKey) === undefined;
  ensure(isNew, "MEMBER_EXISTS");
  ensure(queries.members(state).length < limits.membersMax, "MEMBER_TOO_MANY");
  ensureWholeStake(state, stake);
}

/** The stake of all members together stays a number that every sum of votes can hold. */
function ensureWholeStake(state: StateReader, more: number): void {
  const whole = stakeOf(queries.members(state)) + BigInt(more);
  ensure(whole <= BigInt(Number.MAX_SAFE_INTEGER), "PROPOSAL_BAD_FIELDS");
}

const stakeOf = (members: readonly Member[]): bigint =>
  members.reduce((sum, { stake }) => sum + BigInt(stake), 0n);

/** Whether the present members that approve hold two thirds of the present stake. */
export function hasPassed(members: readonly Member[], approvals: readonly Uint8Array[]): boolean {
  const names = new Set(approvals.map(toHex));
  const approved = stakeOf(members.filter(({ nodeKey }) => names.has(toHex(nodeKey))));
  return approved > 0n && 3n * approved >= 2n * stakeOf(members);
}

/** Writes a proposal that is open or has passed; emits nothing. */
export const storeProposal = (state: StateWriter, proposal: ProposalEntry): void =>
  state.putValue(keyOf(prefixes.proposal, proposal.id), ProposalEntry, proposal);

export const storeOpenProposals = (state: StateWriter, ids: Uint8Array[]): void =>
  state.putValue(keyOf(prefixes.openProposals), OpenProposals, ids);

/**
 * At an epoch's end: proposals that the present stake passes take effect in the order in which they were made, those
 * past their time lapse, the others stay open.
 */
export function applyProposals({ state, header, epoch, chain, emit }: BlockEnd): void {
  const open = queries.openProposals(state);
  if (open.length === 0) return;
  const members = queries.members(state);
  const passed = open.map(
    ({ status, approvals }) => status === ProposalStatus.passed || hasPassed(members, approvals),
  );
  const stay: Uint8Array[] = [];
  const { height } = header;
  for (const [index, proposal] of open.entries()) {
    const isLate = epoch - proposal.epoch >= proposalEpochs;
    if (!passed[index] && !isLate) {
      stay.push(proposal.id);
      continue;
    }
    const code = passed[index] ? effect(state, chain.chainId, proposal, height) : undefined;
    const status =
      code === undefined
        ? ProposalStatus.lapsed
        : code === "OK"
          ? ProposalStatus.applied
          : ProposalStatus.failed;
    storeProposal(state, { ...proposal, status, closedHeight: height });
    emit({ type: "proposal-closed", id: proposal.id, action: proposal.action, status, code: code ?? "" });
  }
  if (stay.length < open.length) storeOpenProposals(state, stay);
}

/** The effect of one proposal, whole or not at all, and its code. */
function effect(
  state: StateWriter,
  chainId: Uint8Array,
  proposal: ProposalEntry,
  height: number,
): LedgerCode {
  try {
    checkDecision(state, proposal);
  } catch (error) {
    return refusalCode(error);
  }
  const { action, subject, stake, seats, newcomer } = proposal;
  if (newcomer !== null) {
    writeMember(state, chainId, { ...newcomer, stake, keyCentre: 0, height });
    writeCandidate(state, newcomer.nodeKey, newcomer.voteKey);
  }
  if (action === ProposalAction.expel) expel(state, subject, height);
  if (action === ProposalAction.setStake) changeMember(state, subject, { stake });
  if (action === ProposalAction.setSeats)
    state.putValue(keyOf(prefixes.election), ElectionState, { ...queries.electionState(state), seats });
  if (action === ProposalAction.reinstate) changeCandidate(state, subject, { bannedHeight: 0 });
  return "OK";
}

/** The node leaves, and its account falls silent; bond and sets stay, so that what it signed stays punishable. */
function expel(state: StateWriter, node: Uint8Array, height: number): void {
  const member = changeMember(state, node, { leftHeight: height });
  if (queries.candidate(state, node) !== undefined) changeCandidate(state, node, { standing: 0 });
  const account = queries.account(state, member.account)!;
  const retired = { ...account, status: AccountStatus.retired };
  state.putValue(keyOf(prefixes.account, account.id), Account, retired);
}

/** Changes fields of a member that exists. */
export function changeMember(state: StateWriter, node: Uint8Array, changes: Partial<Member>): Member {
  const member = { ...queries.memberOf(state, node)!, ...changes };
  state.putValue(keyOf(prefixes.member, node), Member, member);
  return member;
}

/** Changes fields of a candidate that exists. */
export function changeCandidate(
  state: StateWriter,
  node: Uint8Array,
  changes: Partial<CandidateEntry>,
): void {
  const candidate = { ...queries.candidate(state, node)!, ...changes };
  state.putValue(keyOf(prefixes.candidate, node), CandidateEntry, candidate);
}
