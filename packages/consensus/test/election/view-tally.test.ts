import { encodeVoteBitmap } from "@consilium/crypto";
import type { Certificate, VoteSubject } from "@consilium/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addFact,
  addFacts,
  type ClosedView,
  closeViews,
  creditDelta,
  emptyCreditTally,
  emptyViewTally,
  openViewsMax,
  type ValidatorSet,
  type ViewTally,
} from "../../src/index.js";
import { blockOf, finalize, notarize, nullify } from "../engine/harness.js";

const setOfSize = (count: number): ValidatorSet =>
  Array.from({ length: count }, (_, index) => ({
    nodeId: new Uint8Array(32).fill(index),
    voteKey: new Uint8Array(48).fill(index),
  }));
/** Four validators in every epoch but 9, which nobody knows, and 5, which has seven. */
const setOf = (epoch: number): ValidatorSet | undefined =>
  epoch === 9 ? undefined : setOfSize(epoch === 5 ? 7 : 4);
const fact = (subject: VoteSubject, signers: number[], epoch = 0, count = 4): Certificate => ({
  ...subject,
  epoch,
  bitmap: encodeVoteBitmap(count, signers),
  signature: new Uint8Array(96),
});
const notarized = (view: number, ...signers: number[]): Certificate =>
  fact(notarize(view, blockOf(view), 0), signers);
const nullified = (view: number, ...signers: number[]): Certificate => fact(nullify(view), signers);
const at = (height: number, epoch = 0) => ({ height, epoch, setOf });

/** Applies blocks of facts at their heights, closing after each, and everything empty in between. */
function run(blocks: Record<number, Certificate[]>, until: number, epochOf = (_height: number) => 0) {
  let tally = emptyViewTally();
  const closed: ClosedView[] = [];
  for (let height = 1; height <= until; height++) {
    const added = addFacts(tally, blocks[height] ?? [], at(height, epochOf(height)));
    const step = closeViews(added, at(height));
    tally = step.tally;
    closed.push(...step.closed);
  }
  return { tally, closed };
}
const view = (number: number, voted: number[], missed: number[], proposerFailed = false, epoch = 0) => ({
  epoch,
  view: number,
  voted,
  missed,
  proposerFailed,
});

describe("a view that the chain heard of", () => {
  it("counts its voters 2n heights after the block that opened it", () => {
    const blocks = { 2: [notarized(1, 0, 1, 2)] };
    expect(run(blocks, 9).closed).toEqual([]);
    expect(run(blocks, 10).closed).toEqual([view(1, [0, 1, 2], [3])]);
    expect(run(blocks, 40).closed).toHaveLength(1);
  });

  it("counts a late vote that a block includes up to its last height", () => {
    const opened = [notarized(1, 0, 1, 2)];
    expect(run({ 2: opened, 10: [notarized(1, 3)] }, 10).closed).toEqual([view(1, [0, 1, 2, 3], [])]);
    expect(run({ 2: opened, 11: [notarized(1, 3)] }, 40).closed).toEqual([view(1, [0, 1, 2], [3])]);
  });

  it("counts a vote of any kind", () => {
    const votes = [notarized(1, 0, 1, 2), nullified(1, 3)];
    expect(run({ 2: votes }, 10).closed).toEqual([view(1, [0, 1, 2, 3], [])]);
    const final = fact(finalize(1, blockOf(1), 0), [3]);
    expect(run({ 2: [notarized(1, 0, 1, 2)], 3: [final] }, 10).closed).toEqual([view(1, [0, 1, 2, 3], [])]);
  });

  it("counts the late votes of its own block, whichever fact stands first", () => {
    const votes = [nullified(1, 3), notarized(1, 0, 1, 2)];
    expect(run({ 2: votes }, 10).closed).toEqual([view(1, [0, 1, 2, 3], [])]);
  });

  it("costs its proposer credit when it was nullified, and nobody a vote", () => {
    expect(run({ 2: [nullified(1, 0, 1, 2)] }, 10).closed).toEqual([view(1, [], [], true)]);
  });

  it("costs its proposer nothing when a notarization stands beside the nullification, however late", () => {
    const blocks = { 2: [nullified(1, 0, 1, 2)], 10: [notarized(1, 1, 2, 3)] };
    expect(run(blocks, 10).closed).toEqual([view(1, [0, 1, 2, 3], [])]);
  });

  it("is notarized too when its finalization is what stands on chain", () => {
    const blocks = { 2: [fact(finalize(1, blockOf(1), 0), [0, 1, 2]), nullified(1, 3)] };
    expect(run(blocks, 10).closed).toEqual([view(1, [0, 1, 2, 3], [])]);
  });

  it("needs a quorum's notarization: single votes do not clear its proposer", () => {
    const blocks = { 2: [nullified(1, 0, 1, 2)], 3: [notarized(1, 3)] };
    expect(run(blocks, 10).closed).toEqual([view(1, [], [], true)]);
  });
});

describe("a view that costs nothing", () => {
  it("is one that no fact speaks about", () => {
    expect(run({ 2: [notarized(1, 0, 1, 2)], 3: [notarized(3, 0, 1, 2)] }, 40).closed).toEqual([
      view(1, [0, 1, 2], [3]),
      view(3, [0, 1, 2], [3]),
    ]);
  });

  it("is one that fewer than a quorum speak of, else one liar could invent views", () => {
    const blocks = { 2: [nullified(1_000_000, 3), notarized(2_000_000, 2, 3)] };
    expect(run(blocks, 40)).toEqual({ tally: emptyViewTally(), closed: [] });
  });

  it("is one that was closed before: replaying its certificate opens nothing", () => {
    const again = [notarized(1, 0, 1, 2)];
    expect(run({ 2: again, 20: again }, 60).closed).toHaveLength(1);
  });

  it("is an older one that turns up after a newer one closed", () => {
    const blocks = { 2: [notarized(5, 0, 1, 2, 3)], 11: [notarized(4, 0, 1, 2)] };
    expect(run(blocks, 60).closed).toEqual([view(5, [0, 1, 2, 3], [])]);
  });

  it("is the newest closed one again, though an older one closed after it", () => {
    const both = [notarized(9, 0, 1, 2), notarized(3, 0, 1, 2)];
    const { closed } = run({ 2: both, 12: [notarized(9, 0, 1, 2)] }, 60);
    expect(closed.map((each) => each.view)).toEqual([9, 3]);
  });

  it("is one of an epoch to come, before the last, or whose set is not known", () => {
    const certificate = (epoch: number) => fact(notarize(1, blockOf(1), 0), [0, 1, 2], epoch);
    const present = at(100, 3);
    for (const epoch of [0, 1, 4]) {
      expect(addFact(emptyViewTally(), certificate(epoch), present).open).toEqual([]);
    }
    for (const epoch of [2, 3]) {
      expect(addFact(emptyViewTally(), certificate(epoch), present).open).toHaveLength(1);
    }
    expect(addFact(emptyViewTally(), certificate(9), at(100, 9)).open).toEqual([]);
  });

  it("is one whose bitmap is malformed", () => {
    const good = notarized(1, 0, 1, 2);
    for (const bitmap of [Uint8Array.of(), Uint8Array.of(7, 0), Uint8Array.of(0x17), Uint8Array.of(0)]) {
      expect(addFact(emptyViewTally(), { ...good, bitmap }, at(2)).open).toEqual([]);
    }
  });
});

describe("across a boundary", () => {
  // Epoch 4 ends at height 10; epoch 5 has seven validators.
  const epochOf = (height: number): number => (height <= 10 ? 4 : 5);
  const old = (...signers: number[]) => fact(notarize(30, blockOf(30), 0), signers, 4);
  const fresh = (...signers: number[]) => fact(notarize(1, blockOf(1), 0), signers, 5, 7);

  it("votes of the last views count in blocks of the next epoch, by the old set's numbers", () => {
    const { closed } = run({ 9: [old(0, 1, 2)], 12: [old(3)] }, 17, epochOf);
    expect(closed).toEqual([view(30, [0, 1, 2, 3], [], false, 4)]);
  });

  it("the last view may even open there", () => {
    expect(run({ 11: [old(0, 1, 2)] }, 19, epochOf).closed).toEqual([view(30, [0, 1, 2], [3], false, 4)]);
  });

  it("each view keeps the window of its own set", () => {
    const { closed } = run({ 11: [old(0, 1, 2, 3), fresh(0, 1, 2, 3, 4)] }, 25, epochOf);
    expect(closed.map(({ epoch }) => epoch)).toEqual([4, 5]);
    expect(closed[1]).toEqual(view(1, [0, 1, 2, 3, 4], [5, 6], false, 5));
    expect(run({ 11: [fresh(0, 1, 2, 3, 4)] }, 24, epochOf).closed).toEqual([]);
  });

  it("nothing of the old epoch opens once a view of the new one closed", () => {
    const { closed } = run({ 11: [fresh(0, 1, 2, 3, 4)], 26: [old(0, 1, 2)] }, 60, epochOf);
    expect(closed.map(({ epoch }) => epoch)).toEqual([5]);
  });
});

describe("all validators up", () => {
  it("costs an idle chain no credit, though each certificate leaves a validator out", () => {
    const blocks: Record<number, Certificate[]> = {};
    for (let height = 2; height <= 200; height++) {
      const left = height % 4;
      const quorum = [0, 1, 2, 3].filter((index) => index !== left);
      blocks[height] = [notarized(height - 1, ...quorum)];
      // The vote that came late stands in the next block.
      if (height > 2)
        blocks[height]!.push(fact(notarize(height - 2, blockOf(height - 2), 0), [(height - 1) % 4]));
    }
    const { closed } = run(blocks, 200);
    expect(closed).toHaveLength(191);
    expect(closed.every(({ missed, proposerFailed }) => missed.length === 0 && !proposerFailed)).toBe(true);
    const votesIncluded = closed.filter(({ voted }) => voted.includes(3)).length;
    expect(creditDelta({ ...emptyCreditTally(), votesIncluded })).toBe(20);
  });
});

describe("any sequence of facts", () => {
  const anyFact = fc
    .record({
      view: fc.integer({ min: 1, max: 400 }),
      epoch: fc.integer({ min: 0, max: 3 }),
      kind: fc.constantFrom("notarize", "nullify"),
      signers: fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { minLength: 1 }),
    })
    .map(({ view: number, epoch, kind, signers }) => ({
      ...(kind === "nullify" ? nullified(number, ...signers) : notarized(number, ...signers)),
      epoch,
    }));
  const anyBlocks = fc.array(fc.array(anyFact, { maxLength: 8 }), { maxLength: 60 });
  const replay = (
    blocks: Certificate[][],
    visit: (tally: ViewTally, closed: readonly ClosedView[]) => void,
  ) => {
    let tally = emptyViewTally();
    for (const [index, facts] of blocks.entries()) {
      const height = index + 1;
      const step = closeViews(addFacts(tally, facts, at(height, Math.floor(index / 20))), at(height));
      tally = step.tally;
      visit(tally, step.closed);
    }
  };

  it("keeps few views open, closes none twice, and names each validator at most once in one", () => {
    fc.assert(
      fc.property(anyBlocks, (blocks) => {
        const names = new Set<string>();
        replay(blocks, (tally, closed) => {
          expect(tally.open.length).toBeLessThanOrEqual(openViewsMax(4));
          for (const each of closed) {
            const name = `${each.epoch} ${each.view}`;
            expect(names.has(name)).toBe(false);
            names.add(name);
            const everyone = [...each.voted, ...each.missed].sort();
            expect(everyone).toEqual(each.proposerFailed ? [] : [0, 1, 2, 3]);
          }
        });
      }),
    );
  });

  it("gives the same tally whatever the order of a block's facts", () => {
    const shuffled = fc
      .array(anyFact, { maxLength: 8 })
      .chain((facts) =>
        fc.tuple(fc.constant(facts), fc.shuffledSubarray(facts, { minLength: facts.length })),
      );
    const byName = (tally: ViewTally) =>
      [...tally.open].sort((left, right) => left.epoch - right.epoch || left.view - right.view);
    fc.assert(
      fc.property(shuffled, ([left, right]) => {
        const tally = (facts: Certificate[]) => byName(addFacts(emptyViewTally(), facts, at(5, 2)));
        expect(tally(right)).toEqual(tally(left));
      }),
    );
  });
});
