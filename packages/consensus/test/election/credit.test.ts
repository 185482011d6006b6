import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CreditTally, classOf, creditDelta, emptyCreditTally, nextCredit } from "../../src/index.js";

const tally = (change: Partial<CreditTally>): CreditTally => ({ ...emptyCreditTally(), ...change });
const perfect = tally({ proposalsFinalized: 100, votesIncluded: 400, ceremoniesConfirmed: 1 });
const silent = tally({ viewsNullified: 100, votesMissed: 400 });
/** Credit after so many epochs of one conduct, from epoch 1 on. */
const after = (epochs: number, conduct: CreditTally, start = 500): number => {
  let credit = start;
  for (let epoch = 1; epoch <= epochs; epoch++) credit = nextCredit(credit, conduct, { epoch });
  return credit;
};

describe("what an epoch is worth", () => {
  it.each<[string, Partial<CreditTally>, number]>([
    ["nothing when nothing is on chain", {}, 0],
    ["20 when all own proposals were finalized", { proposalsFinalized: 4 }, 20],
    ["no more for a hundred of them", { proposalsFinalized: 100 }, 20],
    ["less for a few than for four", { proposalsFinalized: 1 }, 5],
    ["60 down when all own views were nullified", { viewsNullified: 9 }, -60],
    ["little down for one nullified view alone", { viewsNullified: 1 }, -15],
    ["nothing when a quarter of the own views failed", { proposalsFinalized: 75, viewsNullified: 25 }, 0],
    ["20 when every vote was included", { votesIncluded: 7_200 }, 20],
    ["60 down when none was", { votesMissed: 7_200 }, -60],
    ["a tenth of that for two votes alone", { votesIncluded: 2 }, 2],
    ["3 down for one missed vote alone", { votesMissed: 1 }, -3],
    ["one short of all for one missed vote in a hundred", { votesIncluded: 99, votesMissed: 1 }, 19],
    ["10 for a confirmed ceremony, and no more for two", { ceremoniesConfirmed: 2 }, 10],
    ["2 for each answered challenge", { challengesAnswered: 3 }, 6],
    ["at most 10 for answered challenges", { challengesAnswered: 400 }, 10],
    ["20 down for each unanswered challenge", { challengesUnanswered: 2 }, -40],
    ["at most 100 down for unanswered challenges", { challengesUnanswered: 50 }, -100],
    ["100 down for an upheld dispute", { disputesUpheld: 1 }, -100],
    ["at most 200 down for upheld disputes", { disputesUpheld: 9 }, -200],
  ])("is %s", (_what, change, points) => {
    expect(creditDelta(tally(change))).toBe(points);
  });

  it("is the same for the same conduct in a short and in a long epoch", () => {
    const short = tally({ proposalsFinalized: 9, viewsNullified: 1, votesIncluded: 36, votesMissed: 4 });
    const long = tally({
      proposalsFinalized: 900,
      viewsNullified: 100,
      votesIncluded: 3_600,
      votesMissed: 400,
    });
    expect(creditDelta(short)).toBe(creditDelta(long));
  });

  it("is an integer between -420 and 60 for any counts", () => {
    const count = fc.nat(100_000);
    const any = fc.record({
      proposalsFinalized: count,
      viewsNullified: count,
      votesIncluded: count,
      votesMissed: count,
      ceremoniesConfirmed: count,
      challengesAnswered: count,
      challengesUnanswered: count,
      disputesUpheld: count,
    });
    fc.assert(
      fc.property(any, (each) => {
        const points = creditDelta(each);
        expect(Number.isInteger(points)).toBe(true);
        expect(points).toBeGreaterThanOrEqual(-420);
        expect(points).toBeLessThanOrEqual(60);
      }),
    );
  });
});

describe("credit over epochs", () => {
  it("makes a newcomer trusted after four perfect epochs", () => {
    expect([3, 4].map((epochs) => classOf(after(epochs, perfect)))).toEqual(["normal", "trusted"]);
  });

  it("puts a silent delegate on probation after two epochs", () => {
    expect([1, 2].map((epochs) => classOf(after(epochs, silent)))).toEqual(["normal", "probation"]);
  });

  it("stays within 0 and 1000", () => {
    expect(after(29, silent)).toBe(0);
    expect(after(29, perfect)).toBe(1000);
  });

  it("halves its distance to 500 at the epochs 30, 60, …, from both sides alike", () => {
    const idle = emptyCreditTally();
    expect(nextCredit(1000, idle, { epoch: 30 })).toBe(750);
    expect(nextCredit(0, idle, { epoch: 30 })).toBe(250);
    expect(nextCredit(503, idle, { epoch: 60 })).toBe(501);
    expect(nextCredit(497, idle, { epoch: 60 })).toBe(499);
    for (const epoch of [0, 1, 29, 31]) expect(nextCredit(1000, idle, { epoch })).toBe(1000);
  });

  it("halves after the epoch's own points", () => {
    expect(nextCredit(600, perfect, { epoch: 30 })).toBe(575);
  });

  it("brings who sits out back from nothing to normal within 60 epochs, and never past the start", () => {
    expect(after(30, emptyCreditTally(), 0)).toBe(250);
    expect(after(60, emptyCreditTally(), 0)).toBe(375);
    expect(after(900, emptyCreditTally(), 0)).toBe(500);
    expect(after(900, emptyCreditTally(), 1000)).toBe(500);
  });
});

describe("the classes", () => {
  it.each([
    [0, "probation"],
    [299, "probation"],
    [300, "normal"],
    [699, "normal"],
    [700, "trusted"],
    [1000, "trusted"],
  ])("of a credit of %i is %s", (credit, expected) => {
    expect(classOf(credit)).toBe(expected);
  });
});
