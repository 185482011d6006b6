import { ChainKind, limits } from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { createRecordLedger, queries } from "../../src/index.js";
import { Alliance } from "../support/alliance.js";
import { TestChain } from "../support/chain.js";

let alliance: Alliance;
let chain: TestChain;

beforeAll(async () => {
  alliance = await Alliance.start({ stakes: [100, 90, 80, 70, 60], lengthHeights: 1_000 });
  chain = alliance.chain;
});

describe("stake/vote", () => {
  it("spreads no more than the member's bond, over candidates that stand, each once", async () => {
    const { key } = alliance.hospital("A");
    expect(queries.stakeVotes(chain.state, key)).toEqual([{ candidate: key, stake: 100 }]);
    expect(await chain.refused(alliance.vote("A", { B: 60, C: 41 }))).toBe("STAKE_OVERSPENT");
    expect(await chain.refused(alliance.vote("A", { B: Number.MAX_SAFE_INTEGER, C: 1 }))).toBe(
      "STAKE_OVERSPENT",
    );
    expect(await chain.refused(alliance.vote("A", { B: 0 }))).toBe("STAKE_BAD_VOTES");
    expect(await chain.refused(alliance.vote("A", { Z: 1 }))).toBe("CANDIDATE_UNKNOWN");
    expect(await chain.send(alliance.vote("A", { B: 60, C: 40 }))).toBe("OK");
    expect(queries.stakeVotes(chain.state, key)).toEqual([
      { candidate: alliance.hospital("B").key, stake: 60 },
      { candidate: alliance.hospital("C").key, stake: 40 },
    ]);
  });

  it("names no candidate twice, and no more than sixteen", async () => {
    const twice = [1, 2].map((stake) => ({ candidate: alliance.hospital("B").key, stake }));
    expect(await chain.refused(alliance.voteList("A", twice))).toBe("STAKE_BAD_VOTES");
    const many = Array.from({ length: limits.stakeVotesPerMember }, (_, index) => ({
      candidate: new Uint8Array(32).fill(index + 1),
      stake: 1,
    }));
    expect(await chain.refused(alliance.voteList("A", many))).toBe("CANDIDATE_UNKNOWN");
  });
});

describe("a candidate", () => {
  it("says once an epoch that it is up, and of no other epoch", async () => {
    expect(await chain.refused(alliance.ready("B"))).toBe("EPOCH_REPEATED");
    expect(await chain.refused(alliance.ready("B", 1))).toBe("EPOCH_NOT_PRESENT");
    const turning = await Alliance.start({ stakes: [100, 90, 80, 70] });
    await turning.finishEpoch([], "");
    expect(await turning.chain.send(turning.ready("B", 0))).toBe("EPOCH_NOT_PRESENT");
    expect(await turning.chain.send(turning.ready("B"))).toBe("OK");
    expect(await turning.chain.refused(turning.ready("B"))).toBe("EPOCH_REPEATED");
    expect(queries.candidate(turning.chain.state, turning.hospital("B").key)!.readyEpoch).toBe(1);
  });

  it("resigns once, in the present epoch, and stands again when it registers", async () => {
    expect(await chain.refused(alliance.resign("C", 1))).toBe("EPOCH_NOT_PRESENT");
    expect(await chain.send(alliance.resign("C"))).toBe("OK");
    expect(await chain.refused(alliance.resign("C"))).toBe("CANDIDATE_RESIGNED");
    expect(await chain.refused(alliance.ready("C"))).toBe("CANDIDATE_RESIGNED");
    expect(await chain.refused(alliance.vote("A", { C: 1 }))).toBe("CANDIDATE_RESIGNED");
    expect(await chain.send(alliance.register("C"))).toBe("OK");
    expect(queries.candidate(chain.state, alliance.hospital("C").key)!.standing).toBe(1);
  });

  it("proves its vote key, which nobody else has registered, ever", async () => {
    const { voteKey } = alliance.hospital("B");
    const votePossession = alliance.possession("B");
    expect(await chain.refused(alliance.registerKey("D", { voteKey, votePossession }))).toBe(
      "CANDIDATE_BAD_KEY",
    );
    expect(await chain.send(alliance.register("B", 1))).toBe("OK");
    expect(await chain.refused(alliance.registerKey("D", { voteKey, votePossession }))).toBe(
      "CANDIDATE_BAD_KEY",
    );
    const own = alliance.hospital("D").makeSecret(1);
    const fresh = { voteKey: alliance.suite.publicKey(own), votePossession };
    expect(await chain.refused(alliance.registerKey("D", fresh))).toBe("CANDIDATE_BAD_KEY");
    const junk = { voteKey: new Uint8Array(48), votePossession: new Uint8Array(96) };
    expect(await chain.refused(alliance.registerKey("D", junk))).toBe("CANDIDATE_BAD_KEY");
  });
});

describe("safety/reset", () => {
  it("keeps the epoch in which it became final, once an epoch", async () => {
    const turning = await Alliance.start({ stakes: [100, 90, 80, 70] });
    const { key } = turning.hospital("B");
    const resetEpoch = () => turning.chain.app.safetyResetEpoch!(turning.chain.state, key);
    expect(resetEpoch()).toBeUndefined();
    expect(await turning.chain.refused(turning.reset("B", 1))).toBe("EPOCH_NOT_PRESENT");
    expect((await turning.chain.block([turning.reset("B")])).events).toEqual([
      { type: "safety-reset", node: key, epoch: 0 },
    ]);
    expect(resetEpoch()).toBe(0);
    expect(await turning.chain.refused(turning.reset("B"))).toBe("EPOCH_REPEATED");
    while (turning.epoch === 0) await turning.chain.block();
    expect(await turning.chain.send(turning.reset("B"))).toBe("OK");
    expect(resetEpoch()).toBe(1);
  });
});

describe("a private chain", () => {
  it("turns its epochs with the set of its genesis", async () => {
    const genesis = { ...chain.genesis, kind: ChainKind.private, seats: 4 };
    const parameters = { ...genesis.parameters, epochLengthHeights: 2 };
    const own = await TestChain.start(createRecordLedger, { ...genesis, parameters }, chain.members);
    await own.advanceTo(7);
    const set = own.app.validatorSet(own.state, 0)!;
    expect(set).toHaveLength(4);
    for (const epoch of [1, 2, 3, 4]) expect(own.app.validatorSet(own.state, epoch)).toEqual(set);
    expect(own.app.validatorSet(own.state, 5)).toBeUndefined();
    expect(queries.epochEntry(own.state, 3)!.seed).toEqual(own.blocks.at(-1)!.header.parentDigest);
  });
});
