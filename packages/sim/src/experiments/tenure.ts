import {
  type CreditTally,
  creditBounds,
  creditClasses,
  emptyCreditTally,
  nextCredit,
} from "@consilium/consensus";
import { type Experiment, pointsOf, type Row, rounded } from "./experiment.js";

const MISSED_SHARES = [0, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1] as const;
/** How much more capped stake a bad delegate has than the strongest candidate without a seat. */
const LEADS = [1.05, 1.25, 1.5, 2, 3] as const;
const EPOCHS_MAX = 200;
const VIEWS_PER_SEAT = 20;
const VOTES = 400;
const STARTS = [500, 800, 1_000] as const;

/** How long a delegate that misses its duties stays elected: credit must fall until its weight is below its challenger's. */
export const tenure: Experiment = {
  name: "tenure",
  about: "How long a bad delegate stays elected",
  async run({ quick, progress }) {
    const rows: Row[] = [];
    for (const start of quick ? STARTS.slice(0, 1) : STARTS) {
      progress(`credit ${start} at the beginning`);
      for (const lead of LEADS) {
        for (const missed of MISSED_SHARES) rows.push(rowOf(start, lead, missed));
      }
    }
    return {
      parameters: {
        missed: MISSED_SHARES,
        leads: LEADS,
        starts: STARTS,
        epochsMax: EPOCHS_MAX,
        viewsPerSeat: VIEWS_PER_SEAT,
        votes: VOTES,
      },
      assumptions: [
        "Uses the production function nextCredit; an epoch's tally is its expected value, so nothing is random.",
        "The challenger has no seat and the credit that everybody starts with; its stake does not change, and no voter reacts.",
        "Counted are epochs at work, including the two for which a set is elected ahead. Probation (credit below 300) ends a seat whatever the stake, as long as others fill the seats.",
        "A delegate convicted on evidence leaves with the next snapshot: two epochs after the conviction, whatever its stake.",
      ],
      rows,
      panels: (quick ? STARTS.slice(0, 1) : [STARTS[0], STARTS[2]]).map((start) => ({
        title: `Credit ${start} when the misconduct begins`,
        xLabel: "share of duties missed",
        yLabel: `epochs with a seat (${EPOCHS_MAX}: stays)`,
        series: LEADS.map((lead) => ({
          name: `${lead} times the challenger's stake votes`,
          points: pointsOf(
            rows,
            "duties missed",
            "epochs with a seat",
            (row) => row["stake lead"] === lead && row["credit at start"] === start,
          ),
        })),
      })),
    };
  },
};

function rowOf(start: number, lead: number, missed: number): Row {
  const { epochs, credit } = epochsSeated(start, lead, missed);
  return {
    "credit at start": start,
    "stake lead": lead,
    "duties missed": missed,
    "epochs with a seat": epochs,
    stays: epochs >= EPOCHS_MAX ? "yes" : "no",
    "credit at the end": rounded(credit),
  };
}

function epochsSeated(start: number, lead: number, missed: number): { epochs: number; credit: number } {
  let credit: number = start;
  const tally = tallyOf(missed);
  for (let epoch = 1; epoch <= EPOCHS_MAX - 2; epoch++) {
    credit = nextCredit(credit, tally, { epoch });
    const weight = lead * credit;
    // The snapshot after this epoch elects the set of the one after the next: it serves one epoch more.
    if (weight < creditBounds.start || credit < creditClasses.normal) return { epochs: epoch + 1, credit };
  }
  return { epochs: EPOCHS_MAX, credit };
}

function tallyOf(missed: number): CreditTally {
  const viewsNullified = Math.round(missed * VIEWS_PER_SEAT);
  const votesMissed = Math.round(missed * VOTES);
  return {
    ...emptyCreditTally(),
    ...{ viewsNullified, proposalsFinalized: VIEWS_PER_SEAT - viewsNullified },
    ...{ votesMissed, votesIncluded: VOTES - votesMissed },
  };
}
