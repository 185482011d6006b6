import { ConsiliumError, decodeVoteBitmap, encodeVoteBitmap } from "@consilium/crypto";
import { type Certificate, limits, VoteKind, type VoteSubject } from "@consilium/protocol";
import { quorumOfSet, type ValidatorSet } from "../validator-set.js";

/**
 * Which views the chain has heard of, and who voted in them: the pure bookkeeping that turns the facts of included
 * blocks into credit. A view opens with a fact that a quorum signed, so nobody can open a view that was never reached;
 * then any fact of it, one signer's too, adds voters for 2n heights, in blocks of the next epoch as well. Then it
 * closes and is counted once. A view that no fact speaks about costs nobody anything.
 */
export interface ViewTally {
  /** The newest view that was closed: it and all before it never open again. Epoch 0, view 0 before the first. */
  readonly closedUpTo: { readonly epoch: number; readonly view: number };
  /** In the order in which they opened, at most {@link openViewsMax} of a set's size. */
  readonly open: readonly OpenView[];
}

export interface OpenView {
  readonly epoch: number;
  readonly view: number;
  /** Height of the block whose fact opened it. */
  readonly openedHeight: number;
  /** Bitmap over the epoch's set, as certificates have it: whose vote of any kind is included. */
  readonly voters: Uint8Array;
  /** Bit k is set when a fact of vote kind k had a quorum: 2 notarization, 4 nullification, 8 finalization. */
  readonly certified: number;
}

/** What a closed view says of the validators of its epoch's set, by index, ascending. */
export interface ClosedView {
  readonly epoch: number;
  readonly view: number;
  readonly voted: readonly number[];
  readonly missed: readonly number[];
  /** Nullified, and no notarization among the facts: it costs the view's proposer. */
  readonly proposerFailed: boolean;
}

/** Where a fact stands: the block that includes it, and the sets by epoch. */
export interface FactContext {
  readonly height: number;
  readonly epoch: number;
  readonly setOf: (epoch: number) => ValidatorSet | undefined;
}

export const emptyViewTally = (): ViewTally => ({ closedUpTo: { epoch: 0, view: 0 }, open: [] });

/** Heights for which an open view takes votes: two rounds of proposers, most of them honest. */
export const viewWindowHeights = (validatorCount: number): number => 2 * validatorCount;

/** Facts that a block may include, by the size of its epoch's set. */
export const factsMax = (validatorCount: number): number =>
  Math.min(2 * validatorCount, limits.factsPerBlock);

/** Views that may be open at once. What a long partition nullified beyond that is not counted. */
export const openViewsMax = (validatorCount: number): number => 4 * validatorCount;

/** The tally with all facts of a block, in whatever order they stand: a quorum's fact opens a view for the others. */
export const addFacts = (tally: ViewTally, facts: readonly Certificate[], context: FactContext): ViewTally =>
  // Adding a fact twice adds nothing, so the second pass finds open what the first one opened.
  [...facts, ...facts].reduce((sum, fact) => addFact(sum, fact, context), tally);

/**
 * The tally with one included fact. Facts that say nothing (an epoch before the last or after the present, a view
 * closed already or never opened by a quorum, a malformed bitmap) leave it as it is. Signatures were verified by the
 * block's voters ({@link verifyFact}).
 */
export function addFact(tally: ViewTally, fact: Certificate, context: FactContext): ViewTally {
  const set = isTimely(fact, context.epoch) ? context.setOf(fact.epoch) : undefined;
  if (set === undefined || isAfter(tally.closedUpTo, fact)) return tally;
  const signers = signersOrNone(set, fact.bitmap);
  if (signers.length === 0) return tally;
  const certified = signers.length >= quorumOfSet(set) ? 1 << fact.kind : 0;
  const known = tally.open.find(({ epoch, view }) => epoch === fact.epoch && view === fact.view);
  if (known === undefined) {
    if (certified === 0 || tally.open.length >= openViewsMax(set.length)) return tally;
    const opened = { openedHeight: context.height, voters: encodeVoteBitmap(set.length, signers), certified };
    return { ...tally, open: [...tally.open, { epoch: fact.epoch, view: fact.view, ...opened }] };
  }
  const voters = known.voters.map((byte, index) => byte | fact.bitmap[index]!);
  const added = { ...known, voters, certified: known.certified | certified };
  return { ...tally, open: tally.open.map((each) => (each === known ? added : each)) };
}

/**
 * Closes the views whose window ends with the block of this height; call it after the block's facts were added.
 * Views whose set is no longer known close without a word.
 */
export function closeViews(
  tally: ViewTally,
  { height, setOf }: Pick<FactContext, "height" | "setOf">,
): { tally: ViewTally; closed: readonly ClosedView[] } {
  const closed: ClosedView[] = [];
  const open: OpenView[] = [];
  let closedUpTo = tally.closedUpTo;
  for (const each of tally.open) {
    const set = setOf(each.epoch);
    if (set !== undefined && height < each.openedHeight + viewWindowHeights(set.length)) {
      open.push(each);
      continue;
    }
    if (set !== undefined) closed.push(countView(each, set));
    if (isAfter(each, closedUpTo)) closedUpTo = { epoch: each.epoch, view: each.view };
  }
  return { tally: open.length === tally.open.length ? tally : { closedUpTo, open }, closed };
}

/**
 * Votes count in notarized views alone: there every validator that is up has something to sign, however late. A
 * nullification moves validators on before their own timers run out, so their silence says nothing.
 */
function countView({ epoch, view, voters, certified }: OpenView, set: ValidatorSet): ClosedView {
  const notarized = (certified & ((1 << VoteKind.notarize) | (1 << VoteKind.finalize))) !== 0;
  if (!notarized) return { epoch, view, voted: [], missed: [], proposerFailed: true };
  const voted = signersOrNone(set, voters);
  const missed = [...set.keys()].filter((index) => !voted.includes(index));
  return { epoch, view, voted, missed, proposerFailed: false };
}

/** Facts speak of the present epoch, or of the last: its final views are included across the boundary. */
export const isTimely = ({ epoch }: Pick<VoteSubject, "epoch">, present: number): boolean =>
  epoch === present || epoch === present - 1;

type Position = { readonly epoch: number; readonly view: number };

/** Whether `left` is at or after `right`, by epoch, then view. */
const isAfter = (left: Position, right: Position): boolean =>
  left.epoch > right.epoch || (left.epoch === right.epoch && left.view >= right.view);

function signersOrNone(set: ValidatorSet, bitmap: Uint8Array): number[] {
  try {
    return decodeVoteBitmap(set.length, bitmap);
  } catch (error) {
    if (error instanceof ConsiliumError) return [];
    throw error;
  }
}
