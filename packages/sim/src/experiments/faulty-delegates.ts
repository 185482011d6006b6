import { seededRandom } from "../random.js";
import { type ChainElectionsOptions, runChainElections } from "./chain-elections.js";
import { type Experiment, mean, pointsOf, type Row, rounded } from "./experiment.js";
import {
  type ElectionModelOptions,
  type EpochOfModel,
  type Misconduct,
  runElections,
} from "./models/elections.js";

const MEMBERS = 500;
const SEATS = 21;
const BAD_SHARES = [0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5] as const;
const SHOWN_SHARE = 0.3;
const MISCONDUCTS: readonly Misconduct[] = ["fails", "lies", "colludes"];
const LENGTH_HEIGHTS = 400;
const CHAIN = { members: 7, seats: 5, bad: 1, lengthHeights: 24 } as const;

/** What elections weighed by credit do when many members misbehave, beside elections by stake votes alone. */
export const faultyDelegates: Experiment = {
  name: "faulty-delegates",
  about: "Bad delegates with and without credit",
  async run({ quick, seed, progress }) {
    const [epochs, repeats] = quick ? [12, 1] : [60, 10];
    const rows: Row[] = [];
    for (const misconduct of MISCONDUCTS) {
      for (const credit of [true, false]) {
        for (const share of quick ? [0, SHOWN_SHARE] : BAD_SHARES) {
          progress(`model of ${MEMBERS}: ${share} ${misconduct}, ${credit ? "with" : "without"} credit`);
          const options = { misconduct, credit, share, epochs, seed, repeats };
          rows.push(...modelRows(options));
        }
      }
    }
    const chain: ChainElectionsOptions = { ...CHAIN, seed, epochs: quick ? 4 : 14 };
    rows.push(...(await compareChain(chain, progress)));
    return {
      parameters: {
        ...{ members: MEMBERS, seats: SEATS, epochs, repeats, lengthHeights: LENGTH_HEIGHTS, chain },
        honestMiss: 0.02,
        failingMiss: 0.7,
        bonds: "log-normal, median 100, sigma 0.6",
        stakeVotes: "16 shares of the own bond, to members drawn by their bonds",
      },
      assumptions: [
        "The model runs the production functions electSet and nextCredit epoch by epoch with 500 members; conduct is drawn, no message is sent.",
        "Bad members are drawn by lot, always say that they are up, and nobody is convicted: evidence would ban liars who sign contradictions at once.",
        "Voters never change their stake votes: what is shown is credit alone, without anybody reacting to it.",
        "The chain is seven whole production nodes with five seats; the member with the greatest stake never proposes.",
      ],
      rows,
      panels: [
        ...MISCONDUCTS.map((misconduct) => sharePanel(rows, misconduct)),
        epochPanel(rows),
        chainPanel(rows),
      ],
    };
  },
};

interface ModelPoint {
  readonly misconduct: Misconduct;
  readonly credit: boolean;
  readonly share: number;
  readonly epochs: number;
  readonly seed: number;
  readonly repeats: number;
}

/** One row for the second half of the run, when credit has settled; for one share also a row an epoch. */
function modelRows({ misconduct, credit, share, epochs, seed, repeats }: ModelPoint): Row[] {
  const stories = Array.from({ length: repeats }, (_, repeat) =>
    runElections({
      ...{ members: MEMBERS, seats: SEATS, epochs, lengthHeights: LENGTH_HEIGHTS },
      ...{ bad: Math.round(share * MEMBERS), misconduct, credit },
      // With and without credit see the same members.
      random: seededRandom(`faulty delegates ${seed} ${repeat} ${share} ${misconduct}`),
    } satisfies ElectionModelOptions),
  );
  const name = { source: "model", misconduct, credit: credit ? "with" : "without", "bad members": share };
  const settled = stories.flatMap((story) => story.slice(epochs / 2));
  const rows: Row[] = [{ ...name, ...summary(settled) }];
  if (share !== SHOWN_SHARE) return rows;
  for (let epoch = 0; epoch < epochs; epoch++) {
    rows.push({ ...name, epoch, ...summary(stories.map((story) => story[epoch]!)) });
  }
  return rows;
}

function summary(epochs: readonly EpochOfModel[]): Row {
  const bad = epochs.map(({ badCredit }) => badCredit).filter((each) => !Number.isNaN(each));
  return {
    "bad seats": rounded(mean(epochs.map(({ badSeats, seats }) => badSeats / seats))),
    "failed views": rounded(mean(epochs.map(({ failedViews }) => failedViews))),
    "epochs over budget": rounded(mean(epochs.map(({ overBudget }) => (overBudget ? 1 : 0)))),
    "bad credit": bad.length === 0 ? undefined : rounded(mean(bad)),
    "good credit": rounded(mean(epochs.map(({ goodCredit }) => goodCredit))),
  };
}

/** The chain beside the model of the same size and conduct. */
async function compareChain(
  chain: ChainElectionsOptions,
  progress: (sentence: string) => void,
): Promise<Row[]> {
  progress(`whole chain of ${chain.members} members, ${chain.epochs} epochs`);
  const run = await runChainElections(chain);
  return run.map(({ epoch, seats, badSeats, badCredit }) => ({
    ...{ source: "chain", misconduct: "silent proposer", credit: "with" },
    "bad members": rounded(chain.bad / chain.members),
    epoch,
    "bad seats": badSeats / seats,
    "bad credit": rounded(badCredit),
  }));
}

const SENTENCES: Readonly<Record<Misconduct, string>> = {
  fails: "members that miss 70 % of their duties",
  lies: "members whose every proposal is refused",
  colludes: "such members that vote for each other",
};

function sharePanel(rows: readonly Row[], misconduct: Misconduct) {
  const line = (credit: string, column: string) =>
    pointsOf(
      rows,
      "bad members",
      column,
      (row) =>
        row.source === "model" &&
        row.misconduct === misconduct &&
        row.credit === credit &&
        row.epoch === undefined,
    );
  return {
    title: `500 members: ${SENTENCES[misconduct]}`,
    xLabel: "share of members that are bad",
    yLabel: "share",
    series: [
      { name: "seats held by the bad, with credit", points: line("with", "bad seats") },
      {
        name: "seats held by the bad, stake votes alone",
        points: line("without", "bad seats"),
        dashed: true,
      },
      { name: "views that fail, with credit", points: line("with", "failed views") },
      { name: "views that fail, stake votes alone", points: line("without", "failed views"), dashed: true },
    ],
  };
}

function epochPanel(rows: readonly Row[]) {
  return {
    title: `500 members, ${100 * SHOWN_SHARE} % of them bad, with credit`,
    xLabel: "epoch",
    yLabel: "share of seats held by the bad",
    series: MISCONDUCTS.map((misconduct) => ({
      name: SENTENCES[misconduct],
      points: pointsOf(
        rows,
        "epoch",
        "bad seats",
        (row) => row.source === "model" && row.misconduct === misconduct && row.credit === "with",
      ),
    })),
  };
}

function chainPanel(rows: readonly Row[]) {
  const scaled = pointsOf(rows, "epoch", "bad credit", ({ source }) => source === "chain").map(
    ([epoch, credit]) => [epoch, credit / 1_000] as const,
  );
  return {
    title: "Whole chain: 7 members, 5 seats, 1 silent proposer",
    xLabel: "epoch",
    yLabel: "share",
    series: [
      {
        name: "seats held by the silent proposer",
        points: pointsOf(rows, "epoch", "bad seats", ({ source }) => source === "chain"),
      },
      { name: "its credit / 1000", points: scaled },
    ],
  };
}
