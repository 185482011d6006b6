import {
  type Candidate,
  type CreditTally,
  creditBounds,
  electSet,
  emptyCreditTally,
  nextCredit,
  type ValidatorSet,
} from "@consilium/consensus";
import { faultBound } from "@consilium/protocol";
import type { SeededRandom } from "../../random.js";

/** How a bad member behaves while it has a seat; outside it nobody sees a difference. */
export type Misconduct =
  /** Answers to "are you up?" and then misses most of its duties. */
  | "fails"
  /** Proposes blocks that no voter accepts, and votes as it should. */
  | "lies"
  /** Lies, and all bad members give their stake votes to each other alone. */
  | "colludes";

export interface ElectionModelOptions {
  readonly members: number;
  readonly seats: number;
  readonly epochs: number;
  readonly lengthHeights: number;
  /** Members that are bad. */
  readonly bad: number;
  readonly misconduct: Misconduct;
  /** Without it everybody's credit stays where it starts. */
  readonly credit: boolean;
  readonly random: SeededRandom;
  /** Bad members hold the greatest stakes instead of any. */
  readonly badAreGreat?: boolean;
}

export interface EpochOfModel {
  readonly epoch: number;
  /** Seats that bad members hold. */
  readonly badSeats: number;
  readonly seats: number;
  /** Share of the epoch's views that ended without a block. */
  readonly failedViews: number;
  /** More than f seats are bad: the chain need not go on, and with liars it is no longer safe. */
  readonly overBudget: boolean;
  /** Mean credit of the bad and of the good. */
  readonly badCredit: number;
  readonly goodCredit: number;
}

interface Member {
  readonly nodeId: Uint8Array;
  readonly bad: boolean;
  readonly bond: number;
  votes: number;
  credit: number;
  epochsServed: number;
  /** Consecutive epochs with a seat up to now, and the longest such run. */
  seatedFor: number;
}

/** What an honest member's machine misses. */
const HONEST_MISS = 0.02;
const FAILING_MISS = 0.7;
const STAKE_VOTES = 16;

/**
 * Elections epoch by epoch with the production functions `electSet` and `nextCredit`: no messages, only what the chain
 * would include of each epoch's conduct. As on the chain, the set of epoch e + 2 follows from the state after epoch e.
 */
export function runElections(options: ElectionModelOptions): EpochOfModel[] {
  const { epochs, random } = options;
  const members = makeMembers(options);
  let current = firstSet(members, options.seats);
  let next = current;
  const story: EpochOfModel[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    story.push(live(members, current, epoch, options, random));
    const elected = elect(members, options.seats, epoch, next);
    [current, next] = [next, elected];
  }
  return story;
}

function makeMembers({
  members: count,
  bad,
  misconduct,
  random,
  badAreGreat,
}: ElectionModelOptions): Member[] {
  const bonds = Array.from({ length: count }, () => Math.round(random.logNormal(100, 0.6)));
  if (badAreGreat) bonds.sort((left, right) => right - left);
  const chosen = badAreGreat ? bonds.map((_, index) => index) : random.shuffle([...bonds.keys()]);
  const badOnes = new Set(chosen.slice(0, bad));
  const members = bonds.map((bond, index) => ({
    ...{ nodeId: idOf(index), bad: badOnes.has(index), bond, votes: 0 },
    ...{ credit: creditBounds.start as number, epochsServed: 0, seatedFor: 0 },
  }));
  for (const member of members) giveVotes(member, members, misconduct === "colludes", random);
  return members;
}

/** Members trust those that many trust already: votes go to others in proportion to their bonds. */
function giveVotes(voter: Member, members: readonly Member[], collude: boolean, random: SeededRandom): void {
  const choice = collude && voter.bad ? members.filter(({ bad }) => bad) : members;
  const [most] = [...choice].sort((left, right) => right.bond - left.bond);
  const share = Math.floor(voter.bond / STAKE_VOTES);
  for (let vote = 0; vote < STAKE_VOTES; vote++) {
    let candidate = random.pick(choice);
    while (random.next() * most!.bond > candidate.bond) candidate = random.pick(choice);
    candidate.votes += vote === 0 ? voter.bond - share * (STAKE_VOTES - 1) : share;
  }
}

function idOf(index: number): Uint8Array {
  const id = new Uint8Array(32);
  new DataView(id.buffer).setUint32(0, index);
  return id;
}

const keyOf = (nodeId: Uint8Array): Uint8Array => Uint8Array.of(...nodeId, ...nodeId.subarray(0, 16));
const indexOf = (nodeId: Uint8Array): number => new DataView(nodeId.buffer, nodeId.byteOffset).getUint32(0);

/** Genesis knows bonds and nothing else. */
function firstSet(members: readonly Member[], seats: number): ValidatorSet {
  return [...members]
    .sort((left, right) => right.bond - left.bond || indexOf(left.nodeId) - indexOf(right.nodeId))
    .slice(0, seats)
    .map(({ nodeId }) => ({ nodeId, voteKey: keyOf(nodeId) }));
}

function elect(
  members: readonly Member[],
  seats: number,
  epoch: number,
  current: ValidatorSet,
): ValidatorSet {
  const candidates: Candidate[] = members.map(({ nodeId, bond, votes, credit, epochsServed }) => ({
    ...{ nodeId, bond, votes, credit, epochsServed, voteKey: keyOf(nodeId) },
    ...{ banned: false, resigned: false, readyEpoch: epoch },
  }));
  return electSet({ seats, snapshotEpoch: epoch, candidates, current }).set;
}

/** One epoch: each view has a proposer in turn, each validator votes or misses, and at the end credit moves. */
function live(
  members: readonly Member[],
  set: ValidatorSet,
  epoch: number,
  { lengthHeights, misconduct, credit }: ElectionModelOptions,
  random: SeededRandom,
): EpochOfModel {
  const seated = set.map(({ nodeId }) => members[indexOf(nodeId)]!);
  const tallies = seated.map(
    () => ({ ...emptyCreditTally() }) as { -readonly [Name in keyof CreditTally]: number },
  );
  let [views, height] = [0, 0];
  // A set with no honest proposer left would never end its epoch.
  for (; height < lengthHeights && views < 20 * lengthHeights; views++) {
    const proposer = views % seated.length;
    if (random.chance(failing(seated[proposer]!, misconduct))) {
      tallies[proposer]!.viewsNullified += 1;
      continue;
    }
    height += 1;
    tallies[proposer]!.proposalsFinalized += 1;
    for (const [index, member] of seated.entries()) {
      if (random.chance(missing(member, misconduct))) tallies[index]!.votesMissed += 1;
      else tallies[index]!.votesIncluded += 1;
    }
  }
  const badSeats = seated.filter(({ bad }) => bad).length;
  const story = {
    ...{ epoch, badSeats, seats: seated.length, failedViews: (views - height) / views },
    overBudget: badSeats > faultBound(seated.length),
    badCredit: meanCredit(members.filter(({ bad }) => bad)),
    goodCredit: meanCredit(members.filter(({ bad }) => !bad)),
  };
  const tallyOf = new Map(seated.map((member, index) => [member, tallies[index]!]));
  for (const member of members) {
    const tally = tallyOf.get(member);
    if (tally !== undefined) member.epochsServed += 1;
    member.seatedFor = tally === undefined ? 0 : member.seatedFor + 1;
    if (credit) member.credit = nextCredit(member.credit, tally ?? emptyCreditTally(), { epoch });
  }
  return story;
}

function failing({ bad }: Member, misconduct: Misconduct): number {
  if (!bad) return HONEST_MISS;
  return misconduct === "fails" ? FAILING_MISS : 1;
}

const missing = ({ bad }: Member, misconduct: Misconduct): number =>
  bad && misconduct === "fails" ? FAILING_MISS : HONEST_MISS;

const meanCredit = (members: readonly Member[]): number =>
  members.length === 0 ? Number.NaN : members.reduce((sum, { credit }) => sum + credit, 0) / members.length;
