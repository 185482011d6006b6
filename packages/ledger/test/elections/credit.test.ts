import { creditBounds, proposerOfView, proposerOrder, viewWindowHeights } from "@consilium/consensus";
import { type Certificate, toView, VoteKind } from "@consilium/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { queries } from "../../src/index.js";
import { Alliance } from "../support/alliance.js";
import type { BlockExtra } from "../support/chain.js";

const window = viewWindowHeights(4);
const { notarize, nullify, finalize } = VoteKind;
const zero = new Uint8Array(32);

let alliance: Alliance;

beforeEach(async () => {
  alliance = await Alliance.start({ stakes: [100, 90, 80, 70], lengthHeights: 20 });
});

const block = (facts: Certificate[], extra: BlockExtra = {}) =>
  alliance.chain.block([], 1_000, { facts, ...extra });
const pass = async (heights: number): Promise<void> => {
  for (let each = 0; each < heights; each++) await alliance.chain.block();
};
const tally = (letter: string) => queries.creditTally(alliance.chain.state, alliance.hospital(letter).key);
const nullification = (letters: string, view: number, epoch = 0): Certificate =>
  alliance.fact(letters, { kind: nullify, view, epoch });

describe("the facts of blocks", () => {
  it("count a vote once its view's window is over, and a vote that never came as missed", async () => {
    await block([alliance.fact("ABC")]);
    await pass(window - 1);
    expect(tally("A")).toBeUndefined();
    await pass(1);
    expect(tally("A")).toMatchObject({ votesIncluded: 1, votesMissed: 0 });
    expect(tally("D")).toMatchObject({ votesIncluded: 0, votesMissed: 1 });
    expect(queries.openViews(alliance.chain.state)).toEqual({ closedUpTo: { epoch: 0, view: 1 }, open: [] });
  });

  it("count a late vote of any kind in any block of the window", async () => {
    await block([alliance.fact("ABC")]);
    await pass(window - 2);
    await block([alliance.fact("D", { kind: finalize })]);
    await pass(1);
    expect(tally("D")).toMatchObject({ votesIncluded: 1, votesMissed: 0 });
  });

  it("count a late vote that stands before the certificate that opens its view", async () => {
    await block([alliance.fact("D", { kind: finalize }), alliance.fact("ABC")]);
    await pass(window);
    expect(tally("D")).toMatchObject({ votesIncluded: 1, votesMissed: 0 });
  });

  it("count nothing once the window is over", async () => {
    await block([alliance.fact("ABC")]);
    await pass(window);
    await block([alliance.fact("ABCD")]);
    await pass(window);
    expect(tally("D")).toMatchObject({ votesIncluded: 0, votesMissed: 1 });
    expect(tally("A")).toMatchObject({ votesIncluded: 1, votesMissed: 0 });
  });

  it("charge the proposer of a view that was nullified, and nobody's silence in it", async () => {
    await block([nullification("ABC", 5)]);
    await pass(window);
    const set = queries.validatorSet(alliance.chain.state, 0)!;
    const order = proposerOrder(alliance.chain.id, 4);
    const proposer = set[proposerOfView(order, toView(5))]!.nodeId;
    expect(queries.creditTallies(alliance.chain.state)).toMatchObject([
      { node: proposer, viewsNullified: 1, votesMissed: 0 },
    ]);
  });

  it("charge no proposer whose view was notarized as well", async () => {
    await block([nullification("ABC", 5), alliance.fact("ABD", { kind: notarize, view: 5 })]);
    await pass(window);
    expect(queries.creditTallies(alliance.chain.state).map(({ viewsNullified }) => viewsNullified)).toEqual([
      0, 0, 0, 0,
    ]);
  });

  it("count across the boundary under the set and the order of their own epoch", async () => {
    while (alliance.chain.height < 20) await alliance.chain.block();
    await block([alliance.fact("ABC", { epoch: 0, view: 9 }), nullification("ABD", 8)]);
    await pass(window);
    expect(tally("A")).toMatchObject({ votesIncluded: 1 });
    const set = queries.validatorSet(alliance.chain.state, 0)!;
    const failed = set[proposerOfView(proposerOrder(alliance.chain.id, 4), toView(8))]!.nodeId;
    expect(queries.creditTally(alliance.chain.state, failed)!.viewsNullified).toBe(1);
  });

  it("say nothing of epochs to come or long past, of views no quorum speaks of, or with a bad bitmap", async () => {
    const before = alliance.chain.meaning();
    const future = { ...alliance.fact("ABC"), epoch: 1 };
    const unknown = { ...alliance.fact("ABC"), epoch: 9 };
    const few = alliance.fact("AB", { view: 2 ** 40 });
    const long = { ...alliance.fact("ABC"), bitmap: new Uint8Array(4).fill(255) };
    const stray = { ...alliance.fact("ABC"), bitmap: Uint8Array.of(0xf0) };
    const none = { ...alliance.fact("ABC"), bitmap: new Uint8Array(0) };
    const { events } = await block([future, unknown, few, long, stray, none]);
    expect(events).toEqual([]);
    expect(alliance.chain.meaning()).toBe(before);
  });

  it("change at most two values of the state in a block, whatever they are", async () => {
    const facts = Array.from({ length: 8 }, (_, index) => alliance.fact("ABC", { view: index + 1 }));
    const author = alliance.hospital("A").key;
    const written = async (made: BlockExtra): Promise<number> => {
      const next = alliance.chain.makeBlock([], 1_000, made);
      const { changes } = await alliance.chain.app.applyBlock(alliance.chain.state, next);
      return changes.filter(({ key }) => key[0]! < 0x70).length;
    };
    // The third is the tip.
    expect(await written({ facts, author })).toBe(3);
    await block(facts, { author });
    await pass(window - 1);
    expect(await written({ author })).toBe(3);
    expect(await written({})).toBe(3);
  });
});

describe("credit", () => {
  it("rises with blocks that became final and votes that were included, once the epoch ends", async () => {
    const node = alliance.hospital("A").key;
    for (let view = 1; view < 20; view++) {
      const facts = view < 12 ? [alliance.fact("ABC", { view })] : [];
      await block(facts, { author: node });
    }
    expect(queries.credit(alliance.chain.state, node)!.credit).toBe(creditBounds.start);
    expect(tally("A")).toMatchObject({ proposalsFinalized: 19, votesIncluded: 11 });
    await block([], { author: node });
    const credits = [..."ABCD"].map(
      (letter) => queries.credit(alliance.chain.state, alliance.hospital(letter).key)!.credit,
    );
    // Twenty for its blocks, eleven of twenty votes; the others vote or stay silent as often.
    expect(credits).toEqual([531, 511, 511, 467]);
    expect(queries.creditTallies(alliance.chain.state)).toEqual([]);
  });

  it("of the finished epoch weighs in the election that its boundary block is the snapshot of", async () => {
    const close = await Alliance.start({ stakes: [100, 90, 80, 71, 70], lengthHeights: 20 });
    const { key } = close.hospital("D");
    for (let view = 1; view <= 20; view++) {
      const facts = view < 12 ? [close.fact("ABC", { view })] : [];
      await close.chain.block([], 1_000, { facts });
    }
    expect(queries.credit(close.chain.state, key)!.credit).toBe(467);
    await close.chain.block();
    expect(close.set(2)).toBe("ABCE");
  });

  it("is nobody's for a block of a stranger", async () => {
    await block([], { author: zero });
    expect(queries.creditTallies(alliance.chain.state)).toEqual([]);
  });
});
