/** Validators, candidates, credit, governance and convictions, as the state has them. */
import { emptyViewTally, type ValidatorSet, type ViewTally } from "@consilium/consensus";
import { equalBytes } from "@consilium/crypto";
import { boundaryHeightOf, StakeVote, type StateReader, ValidatorList } from "@consilium/protocol";
import * as election from "../state/election-values.js";
import { convictionKey, epochKey, keyOf, prefixes } from "../state/keys.js";
import { type Page, readCounter, readList, readValue } from "../state/read.js";
import { chainInfo, isMember, memberOf, presentEpoch } from "./chain.js";

const NONE = new Uint8Array(0);

/**
 * The validators of an epoch in order of their vote indices: of epochs 0 and 1 from genesis on, of e + 1 once the first
 * block of e is applied. Undefined for epochs that are not elected yet, and for those past the evidence window.
 */
export const validatorSet = (state: StateReader, epoch: number): ValidatorSet | undefined =>
  readValue(state, epochKey(prefixes.validatorSet, epoch), ValidatorList);

/** Node ids of the validators of an epoch, in order of their vote indices; none for an epoch without a known set. */
export const validators = (state: StateReader, epoch: number): Uint8Array[] =>
  validatorSet(state, epoch)?.map(({ nodeId }) => nodeId) ?? [];

/** Whether other nodes should talk to this one: a member, or still seated in the present epoch's set or the next. */
export function isPeer(state: StateReader, nodeKey: Uint8Array): boolean {
  const present = presentEpoch(state);
  const seats = [...validators(state, present), ...validators(state, present + 1)];
  return isMember(state, nodeKey) || seats.some((node) => equalBytes(node, nodeKey));
}

/** Seats and window of elections. */
export const electionState = (state: StateReader): election.ElectionState =>
  readValue(state, keyOf(prefixes.election), election.ElectionState) ?? { seats: 0, oldestEpoch: 0 };

/** How an epoch began; undefined before its first block is applied and once it is past the evidence window. */
export const epochEntry = (state: StateReader, epoch: number): election.EpochEntry | undefined =>
  readValue(state, epochKey(prefixes.epoch, epoch), election.EpochEntry);

export interface EpochInfo {
  readonly epoch: number;
  /** L. */
  readonly lengthHeights: number;
  readonly firstHeight: number;
  readonly boundaryHeight: number;
  /** N: seats that elections fill now. */
  readonly seats: number;
  /** Node ids in order of vote indices. */
  readonly validators: readonly Uint8Array[];
  /** Those of the next epoch; undefined until this epoch's first block is applied. */
  readonly nextValidators: readonly Uint8Array[] | undefined;
  /** What this epoch's first block wrote; undefined before. `refusal` speaks of the next epoch's set. */
  readonly entry: election.EpochEntry | undefined;
}

/** The epoch at work, or another one of which the state still knows. */
export function epochInfo(state: StateReader, epoch: number = presentEpoch(state)): EpochInfo {
  const lengthHeights = chainInfo(state)?.epochLengthHeights ?? 1;
  return {
    epoch,
    lengthHeights,
    firstHeight: epoch * lengthHeights + 1,
    boundaryHeight: boundaryHeightOf(epoch, lengthHeights),
    seats: electionState(state).seats,
    validators: validators(state, epoch),
    nextValidators: validatorSet(state, epoch + 1)?.map(({ nodeId }) => nodeId),
    entry: epochEntry(state, epoch),
  };
}

/** One candidate by its node id, also one that resigned. */
export const candidate = (state: StateReader, node: Uint8Array): election.CandidateEntry | undefined =>
  readValue(state, keyOf(prefixes.candidate, node), election.CandidateEntry);

/** Who registered a vote key (48 bytes) first; undefined for a key that nobody did. */
export const voteKeyOwner = (state: StateReader, voteKey: Uint8Array): Uint8Array | undefined =>
  state.get(keyOf(prefixes.voteKeyOwner, voteKey));

/** How a member spreads its stake; a member that never voted gives it all to itself. */
export function stakeVotes(state: StateReader, node: Uint8Array): StakeVote["votes"] {
  const own = readValue(state, keyOf(prefixes.stakeVotes, node), StakeVote);
  return own?.votes ?? [{ candidate: node, stake: memberOf(state, node)?.stake ?? 0 }];
}

/** What a node did in the running epoch; undefined when the chain has not told of it yet. */
export const creditTally = (state: StateReader, node: Uint8Array): election.TallyEntry | undefined =>
  creditTallies(state).find((tally) => equalBytes(tally.node, node));

/** The running epoch's tallies, in order of node ids. */
export const creditTallies = (state: StateReader): election.CreditTallies =>
  readValue(state, keyOf(prefixes.creditTallies), election.CreditTallies) ?? [];

/** Views of which late votes still count, and the floor below which none do. */
export const openViews = (state: StateReader): ViewTally =>
  readValue(state, keyOf(prefixes.openViews), election.OpenViews) ?? emptyViewTally();

/** A proposal of governance by its id, the transaction id of member/propose. */
export const proposal = (state: StateReader, id: Uint8Array): election.ProposalEntry | undefined =>
  readValue(state, keyOf(prefixes.proposal, id), election.ProposalEntry);

/** Proposals of governance, newest first. */
export const proposals = (state: StateReader, page?: Page): election.ProposalEntry[] =>
  readList(state, prefixes.proposals, NONE, page).flatMap((id) => proposal(state, id) ?? []);

/** Proposals that are open, or passed and not applied yet, oldest first. */
export const openProposals = (state: StateReader): election.ProposalEntry[] =>
  (readValue(state, keyOf(prefixes.openProposals), election.OpenProposals) ?? []).flatMap(
    (id) => proposal(state, id) ?? [],
  );

/**
 * The epoch in which a member's newest safety/reset became part of the chain: its vote key may sign from the epoch
 * after that one. Undefined when it never sent one.
 */
export const safetyResetEpoch = (state: StateReader, node: Uint8Array): number | undefined =>
  state.get(keyOf(prefixes.safetyReset, node)) && readCounter(state, keyOf(prefixes.safetyReset, node));

/** The conviction of a node for an epoch's votes. */
export const conviction = (
  state: StateReader,
  node: Uint8Array,
  epoch: number,
): election.ConvictionEntry | undefined =>
  readValue(state, convictionKey(node, epoch), election.ConvictionEntry);

/** All convictions, newest first. */
export const convictions = (state: StateReader, page?: Page): election.ConvictionEntry[] =>
  readConvictions(state, readList(state, prefixes.convictions, NONE, page));

/** Convictions of one node, newest first. */
export const convictionsOfMember = (
  state: StateReader,
  node: Uint8Array,
  page?: Page,
): election.ConvictionEntry[] =>
  readConvictions(state, readList(state, prefixes.convictionsOfMember, node, page));

/** Lists hold the state keys of convictions. */
const readConvictions = (state: StateReader, keys: readonly Uint8Array[]): election.ConvictionEntry[] =>
  keys.flatMap((key) => readValue(state, key, election.ConvictionEntry) ?? []);
