import { toHex } from "@consilium/crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Candidate,
  type CreditTally,
  type Election,
  electSet,
  emptyCreditTally,
  nextCredit,
  type ValidatorSet,
  validatorSetRoot,
} from "../../src/index.js";

const SNAPSHOT_EPOCH = 6;

/** Candidate number `id`, ready and unblemished: 100 bonded, 100 votes, so a weight of 50 at the start's credit. */
const candidate = (id: number, change: Partial<Candidate> = {}): Candidate => ({
  nodeId: new Uint8Array(32).fill(id & 0xff).fill(id >> 8, 0, 1),
  voteKey: new Uint8Array(48).fill(id & 0xff).fill(id >> 8, 0, 1),
  bond: 100,
  votes: 100,
  credit: 500,
  epochsServed: 0,
  banned: false,
  resigned: false,
  readyEpoch: SNAPSHOT_EPOCH,
  ...change,
});
const numberOf = (id: Uint8Array): number => (id[0]! === id[1]! ? id[1]! : (id[0]! << 8) | id[1]!);
const setOf = (...ids: number[]): ValidatorSet =>
  ids.map((id) => ({ nodeId: candidate(id).nodeId, voteKey: candidate(id).voteKey! }));
const elect = (candidates: readonly Candidate[], seats: number, current: ValidatorSet): Election =>
  electSet({ seats, snapshotEpoch: SNAPSHOT_EPOCH, candidates, current });
const idsOf = (set: readonly { nodeId: Uint8Array }[]): number[] => set.map(({ nodeId }) => numberOf(nodeId));
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

type Row = {
  title: string;
  /** Changes to the candidates 1 … count. */
  count: number;
  changes?: Record<number, Partial<Candidate>>;
  seats: number;
  current?: number[];
  expected: number[];
  refused?: Election["refused"];
};

const worked: Row[] = [
  {
    title: "seats the greatest weights, best first",
    count: 6,
    changes: { 2: { votes: 600 }, 5: { votes: 900 }, 6: { votes: 300 }, 3: { votes: 200 } },
    seats: 4,
    expected: [5, 2, 6, 3],
  },
  {
    title: "caps a total at ten times the own bond",
    count: 5,
    changes: {
      1: { bond: 10, votes: 5_000 },
      2: { votes: 110 },
      3: { votes: 120 },
      4: { votes: 130 },
      5: { votes: 140 },
    },
    seats: 4,
    expected: [5, 4, 3, 2],
  },
  {
    title: "counts a total of exactly ten bonds in full",
    count: 5,
    changes: { 1: { bond: 11, votes: 110 } },
    seats: 4,
    expected: [1, 2, 3, 4],
  },
  {
    title: "counts nothing above ten bonds, not even one vote",
    count: 5,
    changes: { 1: { bond: 10, votes: 102, epochsServed: 1 } },
    seats: 4,
    expected: [2, 3, 4, 5],
  },
  {
    title: "gives no weight to votes for who has bonded nothing",
    count: 5,
    changes: { 1: { bond: 0, votes: 9_000 } },
    seats: 4,
    expected: [2, 3, 4, 5],
  },
  {
    title: "weighs votes by credit",
    count: 5,
    changes: { 1: { votes: 200, credit: 400 }, 2: { votes: 100, credit: 900 }, 5: { credit: 499 } },
    seats: 4,
    expected: [2, 1, 3, 4],
  },
  {
    title: "lets a trusted candidate pass one with more stake behind it",
    count: 5,
    changes: { 1: { votes: 130, credit: 500 }, 5: { votes: 100, credit: 700 } },
    seats: 4,
    expected: [5, 1, 2, 3],
  },
  {
    title: "rounds weights down, so that 1.9 ties with 1",
    count: 5,
    changes: {
      1: { votes: 19, credit: 100, epochsServed: 2 },
      2: { votes: 10, credit: 100, epochsServed: 1 },
      3: { votes: 999, credit: 999 },
      4: { votes: 999, credit: 999 },
      5: { votes: 999, credit: 999 },
    },
    seats: 4,
    expected: [3, 4, 5, 2],
  },
  {
    title: "breaks a tie for the fewest epochs served",
    count: 5,
    changes: {
      1: { epochsServed: 3 },
      2: { epochsServed: 1 },
      3: { epochsServed: 2 },
      4: { epochsServed: 9 },
    },
    seats: 4,
    expected: [5, 2, 3, 1],
  },
  { title: "breaks what is left of a tie by the lower node id", count: 6, seats: 4, expected: [1, 2, 3, 4] },
  {
    title: "prefers weight to fewer epochs served",
    count: 5,
    changes: { 5: { votes: 102, epochsServed: 50 } },
    seats: 4,
    expected: [5, 1, 2, 3],
  },
  {
    title: "leaves probation out while others fill the seats, however great its weight",
    count: 5,
    changes: { 1: { votes: 1_000, credit: 299 } },
    seats: 4,
    expected: [2, 3, 4, 5],
  },
  {
    title: "takes 300 as normal",
    count: 5,
    changes: { 1: { votes: 1_000, credit: 300 } },
    seats: 4,
    expected: [1, 2, 3, 4],
  },
  {
    title: "fills the seats that others leave empty from probation, behind them",
    count: 5,
    changes: { 1: { votes: 1_000, credit: 299 }, 2: { votes: 900, credit: 100 }, 3: { votes: 1 } },
    seats: 4,
    expected: [4, 5, 3, 1],
  },
  {
    title: "seats a candidate of no credit at all when nobody else is left",
    count: 4,
    changes: { 2: { credit: 0, votes: 1_000 } },
    seats: 4,
    expected: [1, 3, 4, 2],
  },
  {
    title: "ranks no votes last among equals in class, but eligible",
    count: 4,
    changes: { 1: { votes: 0 } },
    seats: 4,
    expected: [2, 3, 4, 1],
  },
  {
    title: "never seats the banned, whatever their weight",
    count: 5,
    changes: { 1: { votes: 1_000, credit: 1_000, banned: true } },
    seats: 5,
    expected: [2, 3, 4, 5],
  },
  {
    title: "never seats who was not ready in the snapshot's epoch",
    count: 6,
    changes: { 1: { readyEpoch: SNAPSHOT_EPOCH - 1 }, 2: { readyEpoch: undefined } },
    seats: 5,
    expected: [3, 4, 5, 6],
  },
  {
    title: "never seats who resigned",
    count: 5,
    changes: { 3: { resigned: true } },
    seats: 5,
    expected: [1, 2, 4, 5],
  },
  {
    title: "never seats a member that did not register a vote key",
    count: 5,
    changes: { 4: { voteKey: undefined } },
    seats: 5,
    expected: [1, 2, 3, 5],
  },
  { title: "leaves seats empty when there are fewer candidates", count: 5, seats: 9, expected: range(1, 5) },
  {
    title: "keeps the old set when fewer than four may be elected",
    count: 4,
    changes: { 2: { banned: true } },
    seats: 4,
    current: [1, 2, 3, 4],
    expected: [1, 2, 3, 4],
    refused: "TOO_FEW",
  },
  {
    title: "keeps the old set when nobody may be elected",
    count: 0,
    seats: 7,
    current: range(1, 7),
    expected: range(1, 7),
    refused: "TOO_FEW",
  },
  {
    title: "keeps the old set when the new one is smaller than two thirds of it",
    count: 8,
    seats: 13,
    current: range(1, 13),
    expected: range(1, 13),
    refused: "TOO_SMALL",
  },
  {
    title: "accepts a new set of exactly two thirds of the old",
    count: 6,
    seats: 9,
    current: range(1, 9),
    expected: range(1, 6),
  },
  {
    title: "accepts the next whole number above two thirds",
    count: 9,
    seats: 13,
    current: range(1, 13),
    expected: range(1, 9),
  },
  {
    title: "cuts seats by a third an epoch when the members cut them by more",
    count: 13,
    seats: 4,
    current: range(1, 13),
    expected: range(1, 9),
  },
  {
    title: "reaches the members' number of seats after the next cut",
    count: 13,
    seats: 4,
    current: range(1, 6),
    expected: range(1, 4),
  },
  {
    title: "raises the number of seats at once",
    count: 40,
    seats: 31,
    current: range(1, 4),
    expected: range(1, 31),
  },
  {
    title: "holds no election on a chain of fewer than four seats",
    count: 5,
    changes: { 5: { votes: 1_000 } },
    seats: 3,
    current: [1, 2, 3],
    expected: [1, 2, 3],
  },
  {
    title: "elects in a young alliance whose genesis had too few members for its seats",
    count: 4,
    seats: 4,
    current: [1, 2, 3],
    expected: [1, 2, 3, 4],
  },
  {
    title: "replaces a whole set at once when others outweigh it",
    count: 8,
    changes: Object.fromEntries(range(5, 8).map((id) => [id, { votes: 200 }])),
    seats: 4,
    current: [1, 2, 3, 4],
    expected: [5, 6, 7, 8],
  },
  {
    title: "keeps the numbering of a set whose ranks alone moved",
    count: 4,
    changes: { 4: { votes: 900 } },
    seats: 4,
    current: [2, 1, 4, 3],
    expected: [2, 1, 4, 3],
  },
];

describe("electSet, by worked examples", () => {
  it.each(worked)(
    "$title",
    ({ count, changes = {}, seats, current = [91, 92, 93, 94], expected, refused }) => {
      const candidates = range(1, count).map((id) => candidate(id, changes[id]));
      const election = elect(candidates, seats, setOf(...current));
      expect(idsOf(election.set)).toEqual(expected);
      expect(election.refused).toBe(refused);
      expect(election.changed).toBe([...expected].sort().join() !== [...current].sort().join());
    },
  );

  it("fills 31 seats out of 500 members", () => {
    const members = range(1, 500).map((id) => candidate(id, { votes: 101 + ((id * 7) % 500) }));
    const { set, ranking } = elect(members, 31, setOf(1, 2, 3, 4));
    expect(set).toHaveLength(31);
    expect(ranking).toHaveLength(500);
    const least = ranking[30]!.weight;
    expect(ranking.slice(31).every(({ weight, seated }) => weight <= least && !seated)).toBe(true);
  });

  it("never gives more seats than a bitmap has places for", () => {
    expect(
      elect(
        range(1, 60).map((id) => candidate(id)),
        50,
        setOf(1, 2, 3, 4),
      ).set,
    ).toHaveLength(31);
  });

  it("takes up a new vote key of a member that stays", () => {
    const voteKey = new Uint8Array(48).fill(200);
    const candidates = [candidate(1, { voteKey }), candidate(2), candidate(3), candidate(4)];
    const { set, changed } = elect(candidates, 4, setOf(1, 2, 3, 4));
    expect(changed).toBe(true);
    expect(set[0]!.voteKey).toEqual(voteKey);
  });

  it("stays exact where ten bonds, and a total times a credit, pass 2^53", () => {
    const bond = Number.MAX_SAFE_INTEGER;
    const votes = Number.MAX_SAFE_INTEGER - 1;
    const { ranking } = elect([candidate(1, { bond, votes, credit: 999 })], 4, setOf(1, 2, 3, 4));
    expect(ranking[0]!.cappedTotal).toBe(votes);
    expect(BigInt(ranking[0]!.weight)).toBe((BigInt(votes) * 999n) / 1000n);
  });
});

describe("the ranking", () => {
  it("says of everybody where it stands, and why somebody may not be elected", () => {
    const candidates = [
      candidate(1, { credit: 700 }),
      candidate(2, { credit: 100, votes: 60 }),
      candidate(3, { banned: true }),
      candidate(4, { resigned: true }),
      candidate(5, { readyEpoch: 5 }),
      candidate(6, { voteKey: undefined, votes: 0 }),
    ];
    const { ranking, refused } = elect(candidates, 4, setOf(1, 3, 8, 9));
    expect(refused).toBe("TOO_FEW");
    expect(ranking.map(({ nodeId, ...rest }) => ({ id: numberOf(nodeId), ...rest }))).toEqual([
      {
        id: 1,
        cappedTotal: 100,
        weight: 70,
        class: "trusted",
        eligible: true,
        reason: undefined,
        seated: true,
      },
      {
        id: 2,
        cappedTotal: 60,
        weight: 6,
        class: "probation",
        eligible: true,
        reason: undefined,
        seated: false,
      },
      {
        id: 3,
        cappedTotal: 100,
        weight: 50,
        class: "banned",
        eligible: false,
        reason: "BANNED",
        seated: true,
      },
      {
        id: 4,
        cappedTotal: 100,
        weight: 50,
        class: "normal",
        eligible: false,
        reason: "RESIGNED",
        seated: false,
      },
      {
        id: 5,
        cappedTotal: 100,
        weight: 50,
        class: "normal",
        eligible: false,
        reason: "NOT_READY",
        seated: false,
      },
      {
        id: 6,
        cappedTotal: 0,
        weight: 0,
        class: "normal",
        eligible: false,
        reason: "UNREGISTERED",
        seated: false,
      },
    ]);
  });
});

const anyCandidates = fc
  .array(
    fc.record({
      bond: fc.integer({ min: 0, max: 40 }),
      votes: fc.integer({ min: 0, max: 300 }),
      credit: fc.integer({ min: 0, max: 1000 }),
      epochsServed: fc.integer({ min: 0, max: 2 }),
      banned: fc.boolean(),
      readyEpoch: fc.constantFrom(undefined, SNAPSHOT_EPOCH, SNAPSHOT_EPOCH, SNAPSHOT_EPOCH),
    }),
    { maxLength: 40 },
  )
  .map((changes) => changes.map((change, index) => candidate(index + 1, change)));

describe("any election", () => {
  it("comes out the same for any order of the candidates, and leaves its input alone", () => {
    const shuffled = anyCandidates.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, fc.integer({ min: 4, max: 31 }), ([candidates, others], seats) => {
        const before = JSON.stringify(others);
        const left = elect(candidates, seats, setOf(1, 2, 3, 4, 5));
        expect(elect(others, seats, setOf(1, 2, 3, 4, 5))).toEqual(left);
        expect(JSON.stringify(others)).toBe(before);
      }),
    );
  });

  it("seats no ineligible newcomer, no one twice, and nobody behind one it leaves out", () => {
    fc.assert(
      fc.property(anyCandidates, fc.integer({ min: 4, max: 31 }), (candidates, seats) => {
        const { set, changed, refused, ranking } = elect(candidates, seats, setOf(1, 2, 3, 4, 5));
        expect(new Set(set.map(({ nodeId }) => toHex(nodeId))).size).toBe(set.length);
        if (refused !== undefined)
          expect(validatorSetRoot(set)).toEqual(validatorSetRoot(setOf(1, 2, 3, 4, 5)));
        if (!changed) return;
        expect(set.length).toBeGreaterThanOrEqual(4);
        expect(ranking.slice(0, set.length).every(({ seated, eligible }) => seated && eligible)).toBe(true);
        expect(ranking.slice(set.length).some(({ seated }) => seated)).toBe(false);
      }),
    );
  });
});

describe("elections over epochs", () => {
  /** Runs elections of 5 candidates with equal stake for 4 seats; the conduct of number 1 while seated is given. */
  const seatsOfFirst = (conduct: CreditTally, epochs: number): boolean[] => {
    let candidates = range(1, 5).map((id) => candidate(id));
    let current = setOf(1, 2, 3, 4);
    return range(1, epochs).map((epoch) => {
      const seated = new Set(idsOf(current));
      candidates = candidates.map((each) => {
        const id = numberOf(each.nodeId);
        const tally = seated.has(id) ? (id === 1 ? conduct : perfect) : emptyCreditTally();
        const epochsServed = each.epochsServed + (seated.has(id) ? 1 : 0);
        return {
          ...each,
          credit: nextCredit(each.credit, tally, { epoch }),
          epochsServed,
          readyEpoch: epoch,
        };
      });
      current = electSet({ seats: 4, snapshotEpoch: epoch, candidates, current }).set;
      return idsOf(current).includes(1);
    });
  };
  const perfect = { ...emptyCreditTally(), proposalsFinalized: 9, votesIncluded: 90 };

  it("take the seat of a silent delegate at the first snapshot that saw it, for as long as others stay up", () => {
    const silent = { ...emptyCreditTally(), viewsNullified: 9, votesMissed: 90 };
    expect(seatsOfFirst(silent, 25)).toEqual(Array(25).fill(false));
  });

  it("keep the seat of a delegate that does its duty", () => {
    expect(seatsOfFirst(perfect, 25)).toEqual(Array(25).fill(true));
  });
});
