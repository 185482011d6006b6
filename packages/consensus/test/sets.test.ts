import { type GenesisMember, toEpoch, toHeight, toView } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import {
  electGenesisSet,
  epochContext,
  proposerOfView,
  proposerOrder,
  validatorIndexOf,
  validatorSetRoot,
} from "../src/index.js";

const member = (id: number, stake: number): GenesisMember => ({
  name: Uint8Array.of(65),
  nodeKey: new Uint8Array(32).fill(id),
  exchangeKey: new Uint8Array(32),
  voteKey: new Uint8Array(48).fill(id),
  votePossession: new Uint8Array(96),
  stake,
});
const ids = (members: readonly GenesisMember[], seats: number): number[] =>
  electGenesisSet({ members: [...members], seats }).map(({ nodeId }) => nodeId[0]!);

describe("the genesis election", () => {
  it("seats the members with the most stake", () => {
    expect(ids([member(1, 5), member(2, 50), member(3, 20), member(4, 1)], 3)).toEqual([2, 3, 1]);
  });

  it("breaks ties by id, whatever the order of the members", () => {
    const members = [member(9, 5), member(2, 5), member(4, 5), member(1, 5)];
    expect(ids(members, 4)).toEqual([1, 2, 4, 9]);
    expect(ids(members.toReversed(), 4)).toEqual([1, 2, 4, 9]);
  });

  it("leaves seats empty when there are fewer members", () => {
    expect(ids([member(1, 1)], 4)).toEqual([1]);
  });

  it("refuses a genesis without members or with more seats than validators are allowed", () => {
    expect(() => electGenesisSet({ members: [], seats: 4 })).toThrow(
      expect.objectContaining({ code: "GENESIS_BAD_SEATS" }),
    );
    expect(() => electGenesisSet({ members: [member(1, 1)], seats: 32 })).toThrow(
      expect.objectContaining({ code: "GENESIS_BAD_SEATS" }),
    );
  });
});

describe("the proposer order", () => {
  const seed = new Uint8Array(32).fill(3);

  it("is a permutation of the set that its seed decides", () => {
    const order = proposerOrder(seed, 31);
    expect([...order].sort((left, right) => left - right)).toEqual(
      Array.from({ length: 31 }, (_, index) => index),
    );
    expect(proposerOrder(seed, 31)).toEqual(order);
    expect(proposerOrder(new Uint8Array(32).fill(4), 31)).not.toEqual(order);
  });

  it("gives every validator one view in each round", () => {
    const order = proposerOrder(seed, 4);
    const first = [1, 2, 3, 4].map((view) => proposerOfView(order, toView(view)));
    const second = [5, 6, 7, 8].map((view) => proposerOfView(order, toView(view)));
    expect(second).toEqual(first);
    expect(new Set(first).size).toBe(4);
  });

  it("puts each validator first about equally often over seeds", () => {
    const counts = [0, 0, 0, 0];
    for (let number = 0; number < 400; number++) {
      const first = proposerOrder(new Uint8Array(32).fill(number & 0xff, 0, 16).fill(number >> 8, 16), 4)[0]!;
      counts[first] = counts[first]! + 1;
    }
    for (const count of counts) expect(count).toBeGreaterThan(60);
  });
});

describe("a validator set", () => {
  const set = electGenesisSet({
    members: [member(1, 3), member(2, 2), member(3, 1), member(4, 1)],
    seats: 4,
  });

  it("has a root that depends on members, keys and order", () => {
    const root = validatorSetRoot(set);
    expect(root).toHaveLength(32);
    expect(validatorSetRoot(set.toReversed())).not.toEqual(root);
    expect(validatorSetRoot(set.slice(1))).not.toEqual(root);
  });

  it("numbers its validators, and nobody else", () => {
    expect(validatorIndexOf(set, new Uint8Array(32).fill(3))).toBe(2);
    expect(validatorIndexOf(set, new Uint8Array(32).fill(8))).toBeUndefined();
  });

  it("makes the context of an epoch with node ids in set order", () => {
    const context = epochContext(toEpoch(2), set, new Uint8Array(32), toHeight(1_200));
    expect(context.validators[1]).toBe("02".repeat(32));
    expect(context.proposerOrder).toHaveLength(4);
    expect(context.lastHeight).toBe(1_200);
  });
});
