/**
 * Credit: what the chain has seen of a member's conduct, 0 to 1000. It weighs the stake votes for a candidate, so that
 * stake elects but conduct decides how much of it counts. Integer arithmetic on included facts alone; what nobody
 * proved on chain moves nothing.
 *
 * Up to a good and down from a bad epoch are capped per source. Votes and proposals count by their share, not their
 * number: an epoch of 400 heights and one of 7200 then say the same of the same conduct. A perfect epoch with a
 * ceremony gives 50, a silent one takes 120: a newcomer is trusted after four or five good epochs and on probation
 * after two silent ones, and who misses less than a quarter of its duties still rises.
 */

export const creditBounds = { min: 0, start: 500, max: 1000 } as const;

/** Credit from which a class begins. */
export const creditClasses = { trusted: 700, normal: 300 } as const;

/** Points of one epoch; `Max` is the cap of a source, the others are points for each event. */
export const creditPoints = {
  proposalsUpMax: 20,
  proposalsDownMax: 60,
  votesUpMax: 20,
  votesDownMax: 60,
  ceremonyUp: 10,
  ceremoniesUpMax: 10,
  answerUp: 2,
  answersUpMax: 10,
  unansweredDown: 20,
  unansweredDownMax: 100,
  disputeDown: 100,
  disputesDownMax: 200,
} as const;

/** Below this many events a share counts as if the missing ones had been neither good nor bad: little is known yet. */
export const creditSamplesMin = { proposals: 4, votes: 20 } as const;

/** Every so many epochs credit halves its distance to the start: old merit and old guilt both fade. */
export const CREDIT_HALVING_EPOCHS = 30;

export type CreditClass = "trusted" | "normal" | "probation";

/** What one member did in one epoch, as counts of facts on chain. */
export interface CreditTally {
  /** Blocks of the finalized chain that it authored. */
  readonly proposalsFinalized: number;
  /** Own views that were nullified with no notarization of that view among the facts. */
  readonly viewsNullified: number;
  /** Notarized views in which a vote of it, of any kind, was included in time. */
  readonly votesIncluded: number;
  /** Notarized views in which none was. */
  readonly votesMissed: number;
  readonly ceremoniesConfirmed: number;
  readonly challengesAnswered: number;
  readonly challengesUnanswered: number;
  /** Disputes upheld against it. */
  readonly disputesUpheld: number;
}

export const emptyCreditTally = (): CreditTally => ({
  proposalsFinalized: 0,
  viewsNullified: 0,
  votesIncluded: 0,
  votesMissed: 0,
  ceremoniesConfirmed: 0,
  challengesAnswered: 0,
  challengesUnanswered: 0,
  disputesUpheld: 0,
});

/**
 * Credit after an epoch: the tally's points, held within 0 and 1000, and at the end of the epochs 30, 60, 90, … the
 * distance to 500 halved, rounded towards 500. Everybody's credit takes this step each epoch, seated or not.
 */
export function nextCredit(credit: number, tally: CreditTally, { epoch }: { epoch: number }): number {
  const moved = credit + creditDelta(tally);
  const held = Math.min(creditBounds.max, Math.max(creditBounds.min, moved));
  if (epoch === 0 || epoch % CREDIT_HALVING_EPOCHS !== 0) return held;
  return creditBounds.start + Math.trunc((held - creditBounds.start) / 2);
}

/** Points that a tally is worth before the bounds of credit, −420 to 60. */
export function creditDelta(tally: CreditTally): number {
  const { proposalsFinalized, viewsNullified, votesIncluded, votesMissed } = tally;
  const proposals = Math.max(proposalsFinalized + viewsNullified, creditSamplesMin.proposals);
  const votes = Math.max(votesIncluded + votesMissed, creditSamplesMin.votes);
  const points = creditPoints;
  return (
    share(points.proposalsUpMax, proposalsFinalized, proposals) -
    share(points.proposalsDownMax, viewsNullified, proposals) +
    share(points.votesUpMax, votesIncluded, votes) -
    share(points.votesDownMax, votesMissed, votes) +
    Math.min(points.ceremoniesUpMax, points.ceremonyUp * tally.ceremoniesConfirmed) +
    Math.min(points.answersUpMax, points.answerUp * tally.challengesAnswered) -
    Math.min(points.unansweredDownMax, points.unansweredDown * tally.challengesUnanswered) -
    Math.min(points.disputesDownMax, points.disputeDown * tally.disputesUpheld)
  );
}

/** The class of a credit; being banned is not a matter of credit. */
export function classOf(credit: number): CreditClass {
  if (credit >= creditClasses.trusted) return "trusted";
  return credit >= creditClasses.normal ? "normal" : "probation";
}

/** ⌊max · part / whole⌋, exact: counts stay far below 2^53 / 60. */
const share = (max: number, part: number, whole: number): number => Math.floor((max * part) / whole);
