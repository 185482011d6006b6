/**
 * Worked examples of elections over whole epochs of four heights. Five hospitals with stakes A 100, B 82, C 80, D 70 and
 * E 60 founded the alliance, which has four seats; credit is 500 throughout, since no block here has an author or facts.
 * An epoch's actions stand in its first block, and the state after its last is the snapshot for the set of the epoch
 * after the next: what happens in epoch 0 shows in the set of epoch 2.
 */
import { limits, ProposalAction } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { ProposalStatus, queries } from "../../src/index.js";
import { Alliance } from "../support/alliance.js";
import { MemoryState } from "../support/memory-state.js";

const stakes = [100, 82, 80, 70, 60];

interface Epoch {
  /** What its first block holds. */
  readonly acts?: (alliance: Alliance) => Uint8Array[];
  /** Who says that it is up; the five founders when absent. Founders count as ready in epoch 0. */
  readonly ready?: string;
}

interface Example {
  readonly title: string;
  readonly epochs: readonly Epoch[];
  /** Sets of the epochs 0, 1, 2, … after that. */
  readonly sets: readonly string[];
}

const quiet: Epoch = {};
const { setStake, setSeats, expel, reinstate } = ProposalAction;

const examples: Example[] = [
  {
    title: "keeps the four with the most stake while nothing happens",
    epochs: [quiet, quiet, quiet],
    sets: ["ABCD", "ABCD", "ABCD", "ABCD", "ABCD"],
  },
  {
    title: "seats a newcomer once it was admitted, and was up for an epoch",
    epochs: [
      { acts: (alliance) => alliance.decide("ABC", alliance.admission("F", 200)) },
      { ready: "ABCDEF" },
      { ready: "ABCDEF" },
    ],
    sets: ["ABCD", "ABCD", "ABCD", "ABCF", "ABCF"],
  },
  {
    title: "does not seat a newcomer that never says it is up",
    epochs: [{ acts: (alliance) => alliance.decide("ABC", alliance.admission("F", 200)) }, quiet, quiet],
    sets: ["ABCD", "ABCD", "ABCD", "ABCD", "ABCD"],
  },
  {
    title: "gives the seat of a candidate that resigned to the next, until it registers again",
    epochs: [
      { acts: (alliance) => [alliance.resign("D")] },
      { acts: (alliance) => [alliance.register("D")] },
    ],
    sets: ["ABCD", "ABCD", "ABCE", "ABCD"],
  },
  {
    title: "passes over a candidate that was not up in the epoch before the snapshot",
    epochs: [quiet, { ready: "ABCE" }, quiet],
    sets: ["ABCD", "ABCD", "ABCD", "ABCE", "ABCD"],
  },
  {
    title: "counts stake where it was voted to",
    epochs: [{ acts: (alliance) => [alliance.vote("A", { A: 60, E: 40 })] }],
    sets: ["ABCD", "ABCD", "BCDE"],
  },
  {
    title: "lets a later vote stand in place of the one before",
    epochs: [
      { acts: (alliance) => [alliance.vote("A", { E: 100 })] },
      { acts: (alliance) => [alliance.vote("A", { A: 100 })] },
    ],
    sets: ["ABCD", "ABCD", "BCDE", "ABCD"],
  },
  {
    title: "counts nothing of a member that abstains",
    epochs: [{ acts: (alliance) => [alliance.vote("A", {})] }],
    sets: ["ABCD", "ABCD", "BCDE"],
  },
  {
    title: "counts the stake of a bond that shrank only once, in the order of its votes",
    epochs: [
      { acts: (alliance) => [alliance.vote("A", { E: 28, A: 72 })] },
      { acts: (alliance) => alliance.decide("ABC", alliance.about(setStake, "A", 30)) },
    ],
    sets: ["ABCD", "ABCD", "ABCE", "BCDE"],
  },
  {
    title: "bans a validator that was convicted, without touching the sets that sit or are elected",
    epochs: [{ acts: (alliance) => [alliance.doubleVote("A", "B")] }, { ready: "ACDE" }],
    sets: ["ABCD", "ABCD", "ACDE", "ACDE"],
  },
  {
    title: "seats a convicted validator again once the members lifted its ban and it was up",
    epochs: [
      { acts: (alliance) => [alliance.doubleVote("A", "D")] },
      { acts: (alliance) => alliance.decide("ABC", alliance.about(reinstate, "D")), ready: "ABCE" },
      { acts: (alliance) => alliance.decide("ABC", alliance.about(setStake, "D", 90)) },
      quiet,
    ],
    sets: ["ABCD", "ABCD", "ABCE", "ABCE", "ABCD", "ABCD"],
  },
  {
    title: "drops an expelled member from the next snapshot on",
    epochs: [{ acts: (alliance) => alliance.decide("BCDE", alliance.about(expel, "A")) }, { ready: "BCDE" }],
    sets: ["ABCD", "ABCD", "BCDE", "BCDE"],
  },
  {
    title: "follows a member's stake, which only the members move",
    epochs: [{ acts: (alliance) => alliance.decide("ABC", alliance.about(setStake, "D", 59)) }],
    sets: ["ABCD", "ABCD", "ABCE"],
  },
  {
    title: "fills as many seats as the members set",
    epochs: [
      { acts: (alliance) => alliance.decide("ABC", { action: setSeats, seats: 5 }) },
      { acts: (alliance) => alliance.decide("ABC", { action: setSeats, seats: 4 }) },
    ],
    sets: ["ABCD", "ABCD", "ABCDE", "ABCD"],
  },
  {
    title: "keeps the old set when fewer than four are up",
    epochs: [quiet, { ready: "ABC" }, { ready: "ABCE" }],
    sets: ["ABCD", "ABCD", "ABCD", "ABCD", "ABCE"],
  },
];

async function play({ epochs }: Pick<Example, "epochs">): Promise<Alliance> {
  const alliance = await Alliance.start({ stakes });
  for (const [epoch, { acts, ready = epoch === 0 ? "" : "ABCDE" }] of epochs.entries()) {
    await alliance.finishEpoch(acts?.(alliance) ?? [], ready);
  }
  // One block more: the first of an epoch elects the set of the next.
  await alliance.chain.block();
  return alliance;
}

describe("an election", () => {
  it.each(examples)("$title", async (example) => {
    const alliance = await play(example);
    expect(example.sets.map((_, epoch) => alliance.set(epoch))).toEqual(example.sets);
    expect(alliance.set(example.sets.length)).toBeUndefined();
  });

  it("gives the same state root at every height when the chain is replayed", async () => {
    for (const example of examples) {
      const { chain } = await play(example);
      const state = new MemoryState();
      state.apply((await chain.app.genesisChanges()).changes);
      const roots = [queries.stateRoot(state)];
      for (const block of chain.blocks) {
        const { changes, stateRoot } = await chain.app.applyBlock(state, block);
        state.apply(changes);
        roots.push(stateRoot);
      }
      expect(roots).toEqual(chain.roots);
    }
  }, 60_000);

  it("reads nothing of the block that writes its result", async () => {
    const alliance = await Alliance.start({ stakes });
    await alliance.finishEpoch([], "");
    await alliance.chain.block([alliance.vote("A", { E: 100 })]);
    expect(alliance.set(2)).toBe("ABCD");
  });

  it("counts what the boundary block's own transactions say", async () => {
    const alliance = await Alliance.start({ stakes });
    while (alliance.chain.height < 3) await alliance.chain.block();
    const { codes } = await alliance.chain.block([alliance.vote("A", { E: 100 })]);
    expect(codes).toEqual(["OK"]);
    await alliance.chain.block();
    expect(alliance.set(2)).toBe("BCDE");
  });

  it("elects with the vote key of the snapshot, and leaves sets before with the key they had", async () => {
    const alliance = await Alliance.start({ stakes });
    const before = alliance.hospital("A").voteKey;
    await alliance.finishEpoch([alliance.register("A", 1)], "");
    await alliance.chain.block();
    const keyOf = (epoch: number) => {
      const set = queries.validatorSet(alliance.chain.state, epoch)!;
      return set.find(({ nodeId }) => alliance.letterOf(nodeId) === "A")!.voteKey;
    };
    expect([keyOf(0), keyOf(1)]).toEqual([before, before]);
    expect(keyOf(2)).toEqual(alliance.hospital("A").voteKey);
    expect(keyOf(2)).not.toEqual(before);
  });

  it("says loudly that it was refused, and why", async () => {
    const alliance = await play({ epochs: [quiet, { ready: "ABC" }] });
    const events = alliance.chain.blocks.length;
    expect(events).toBe(9);
    const entry = queries.epochInfo(alliance.chain.state).entry!;
    expect(new TextDecoder().decode(entry.refusal)).toBe("TOO_FEW");
    const replayed = await replayLast(alliance);
    expect(replayed).toContainEqual({ type: "election-refused", epoch: 3, reason: "TOO_FEW" });
  });

  it("tells of each epoch's start, seed and seats", async () => {
    const alliance = await play({ epochs: [quiet, quiet] });
    const { state, blocks } = alliance.chain;
    const info = queries.epochInfo(state);
    expect([info.epoch, info.firstHeight, info.boundaryHeight, info.seats]).toEqual([2, 9, 12, 4]);
    expect(info.entry!.seed).toEqual(blocks[8]!.header.parentDigest);
    expect(info.entry!.startedAtMs).toBe(blocks[7]!.header.timestampMs);
    expect(queries.epochEntry(state, 0)!.seed).toEqual(alliance.chain.id);
    expect(info.validators).toHaveLength(4);
    expect(info.nextValidators).toHaveLength(4);
    expect((await replayLast(alliance)).map(({ type }) => type)).toEqual(["epoch-started", "set-elected"]);
  });

  it("counts the epochs that a validator served", async () => {
    const { chain, hospital } = await play({ epochs: [quiet, { ready: "ABCE" }, quiet, quiet] }).then(
      (alliance) => ({ chain: alliance.chain, hospital: (letter: string) => alliance.hospital(letter) }),
    );
    const served = [..."ABCDE"].map(
      (letter) => queries.candidate(chain.state, hospital(letter).key)!.epochsServed,
    );
    expect(served).toEqual([4, 4, 4, 3, 1]);
  });

  it("is not held on a chain of fewer than four seats, until its members set more", async () => {
    const alliance = await Alliance.start({ stakes, seats: 3 });
    await alliance.finishEpoch([alliance.vote("A", { E: 100 })], "");
    await alliance.finishEpoch(alliance.decide("ABC", { action: setSeats, seats: 4 }), "ABCDE");
    await alliance.chain.block();
    expect([0, 1, 2, 3].map((epoch) => alliance.set(epoch))).toEqual(["ABC", "ABC", "ABC", "BCDE"]);
  });

  it("shows how the next one stands, with the reason of those who may not be elected", async () => {
    const alliance = await play({ epochs: [quiet] });
    await alliance.chain.block([...[..."ABCD"].map((letter) => alliance.ready(letter))]);
    const ranking = queries.candidates(alliance.chain.state);
    expect(ranking.map(({ nodeId }) => alliance.letterOf(nodeId)).join("")).toBe("ABCDE");
    expect(ranking.map(({ reason }) => reason ?? "")).toEqual(["", "", "", "", "NOT_READY"]);
    expect(ranking.map(({ weight }) => weight)).toEqual([50, 41, 40, 35, 30]);
    const delegates = queries.delegates(alliance.chain.state, 0);
    expect(delegates.map(({ credit }) => credit?.class)).toEqual(["normal", "normal", "normal", "normal"]);
    expect(delegates.map(({ stake }) => stake)).toEqual([100, 82, 80, 70]);
  });
});

/** Events of the chain's last block, applied once more. */
async function replayLast(alliance: Alliance) {
  const { chain } = alliance;
  const state = new MemoryState();
  state.apply((await chain.app.genesisChanges()).changes);
  for (const block of chain.blocks.slice(0, -1))
    state.apply((await chain.app.applyBlock(state, block)).changes);
  return (await chain.app.applyBlock(state, chain.blocks.at(-1)!)).events;
}

describe("a decision of the members", () => {
  it("passes with two thirds of the stake, and takes effect when the epoch ends", async () => {
    const alliance = await Alliance.start({ stakes: [40, 20, 20, 20] });
    const { chain } = alliance;
    const proposal = alliance.propose("A", { action: setSeats, seats: 5 });
    const [made] = [await chain.block([proposal])];
    expect(made.events.map(({ type }) => type)).toEqual(["proposal-made"]);
    expect((await chain.block([alliance.approve("B", proposal)])).events.map(({ type }) => type)).toEqual([
      "proposal-approved",
    ]);
    const passed = await chain.block([alliance.approve("C", proposal)]);
    expect(passed.events.map(({ type }) => type)).toEqual(["proposal-approved", "proposal-passed"]);
    expect(queries.electionState(chain.state).seats).toBe(4);
    const { events } = await chain.block();
    expect(queries.electionState(chain.state).seats).toBe(5);
    expect(events).toMatchObject([{ type: "proposal-closed", status: ProposalStatus.applied, code: "OK" }]);
    expect(queries.openProposals(chain.state)).toEqual([]);
    expect(queries.proposals(chain.state)).toHaveLength(1);
  });

  it("is refused twice from one member, once it passed, and when nobody made it", async () => {
    const alliance = await Alliance.start({ stakes: [40, 20, 20, 20] });
    const { chain } = alliance;
    const proposal = alliance.propose("A", { action: setSeats, seats: 5 });
    await chain.block([proposal]);
    expect(await chain.refused(alliance.approve("A", proposal))).toBe("PROPOSAL_APPROVED");
    expect(await chain.refused(alliance.approveId("B", chain.id))).toBe("PROPOSAL_UNKNOWN");
    expect(
      (await chain.block([alliance.approve("B", proposal), alliance.approve("C", proposal)])).codes,
    ).toEqual(["OK", "OK"]);
    await chain.block();
    expect(await chain.refused(alliance.approve("D", proposal))).toBe("PROPOSAL_CLOSED");
  });

  it("lapses when it has not passed four epochs later, and until then a shrunken whole may still pass it", async () => {
    const alliance = await Alliance.start({ stakes: [40, 20, 20, 20, 20] });
    const { chain } = alliance;
    const slow = alliance.propose("A", { action: setSeats, seats: 6 });
    const waiting = alliance.propose("B", alliance.about(setStake, "E", 7));
    await alliance.finishEpoch([slow, waiting, alliance.approve("A", waiting)], "");
    expect(queries.openProposals(chain.state)).toHaveLength(2);
    // With 60 of 120 it is short of two thirds; without E and C the same 60 are 60 of 80.
    await alliance.finishEpoch(alliance.decide("ABD", alliance.about(expel, "C")), "");
    expect(queries.openProposals(chain.state)).toHaveLength(2);
    await alliance.finishEpoch([], "");
    expect(queries.openProposals(chain.state)).toHaveLength(2);
    await alliance.finishEpoch(alliance.decide("ABD", alliance.about(setStake, "D", 1)), "");
    await alliance.finishEpoch([], "");
    expect(queries.memberOf(chain.state, alliance.hospital("E").key)!.stake).toBe(7);
    const states = queries.proposals(chain.state).map(({ status }) => status);
    const { applied, lapsed } = ProposalStatus;
    expect(states).toEqual([applied, applied, applied, lapsed]);
    expect(queries.openProposals(chain.state)).toEqual([]);
  });

  it("fails whole when the state no longer allows it", async () => {
    const alliance = await Alliance.start({ stakes: [100, 10, 10, 10, 10] });
    const { chain } = alliance;
    const twice = [1, 2].map(() => alliance.propose("A", alliance.about(expel, "E")));
    const outcomes = await alliance.finishEpoch(twice, "");
    const closed = outcomes.at(-1)!.events;
    expect(closed).toMatchObject([
      { type: "proposal-closed", status: ProposalStatus.applied, code: "OK" },
      { type: "proposal-closed", status: ProposalStatus.failed, code: "MEMBER_LEFT" },
    ]);
    expect(queries.members(chain.state)).toHaveLength(4);
  });

  it.each<[string, (alliance: Alliance) => Partial<Parameters<Alliance["propose"]>[1]>, string]>([
    ["an unknown action", () => ({ action: 9 }), "PROPOSAL_BAD_FIELDS"],
    ["fields of another action", () => ({ action: setSeats, seats: 5, stake: 1 }), "PROPOSAL_BAD_FIELDS"],
    ["fewer than four seats", () => ({ action: setSeats, seats: 3 }), "PROPOSAL_BAD_FIELDS"],
    ["more seats than validators may be", () => ({ action: setSeats, seats: 32 }), "PROPOSAL_BAD_FIELDS"],
    ["no newcomer", () => ({ action: ProposalAction.admit, stake: 1 }), "PROPOSAL_BAD_FIELDS"],
    ["a newcomer without stake", (alliance) => alliance.admission("F", 0), "PROPOSAL_BAD_FIELDS"],
    ["a newcomer that is a member", (alliance) => alliance.admission("B", 5), "MEMBER_EXISTS"],
    [
      "a newcomer with the vote key of a member",
      (alliance) => {
        const { newcomer, ...rest } = alliance.admission("F", 5);
        return { ...rest, newcomer: { ...newcomer!, voteKey: alliance.hospital("B").voteKey } };
      },
      "MEMBER_EXISTS",
    ],
    [
      "a newcomer that does not prove its vote key",
      (alliance) => {
        const { newcomer, ...rest } = alliance.admission("F", 5);
        return { ...rest, newcomer: { ...newcomer!, votePossession: alliance.possession("A") } };
      },
      "CANDIDATE_BAD_KEY",
    ],
    ["a member that nobody knows", (alliance) => alliance.about(expel, "F"), "MEMBER_UNKNOWN"],
    ["lifting no ban", (alliance) => alliance.about(reinstate, "B"), "PROPOSAL_BAD_FIELDS"],
    [
      "more stake than can be counted",
      (alliance) => alliance.about(setStake, "B", Number.MAX_SAFE_INTEGER),
      "PROPOSAL_BAD_FIELDS",
    ],
  ])("is refused for %s", async (_, make, code) => {
    const alliance = await Alliance.start({ stakes });
    expect(await alliance.chain.refused(alliance.propose("A", make(alliance)))).toBe(code);
  });

  it("is refused when one member has many open already", async () => {
    const alliance = await Alliance.start({ stakes });
    const many = Array.from({ length: 9 }, () => alliance.propose("A", { action: setSeats, seats: 5 }));
    const { codes } = await alliance.chain.block(many);
    expect(codes.filter((code) => code === "OK")).toHaveLength(8);
    expect(codes.at(-1)).toBe("PROPOSAL_TOO_MANY");
    expect(await alliance.chain.send(alliance.propose("B", { action: setSeats, seats: 5 }))).toBe("OK");
  });
});

describe("the list of open proposals", () => {
  it("has room for everybody, however many proposals some members make together", async () => {
    const letters = "ABCDEFGHIJ";
    const alliance = await Alliance.start({ stakes: [...letters].map(() => 10), lengthHeights: 1_000 });
    const { chain } = alliance;
    const seats = { action: setSeats, seats: 5 };
    for (const letter of "ABCDEFGH") {
      const own = Array.from({ length: 8 }, () => alliance.propose(letter, seats));
      expect(new Set((await chain.block(own)).codes)).toEqual(new Set(["OK"]));
    }
    expect(queries.openProposals(chain.state)).toHaveLength(limits.openProposals);
    expect(await chain.refused(alliance.propose("A", seats))).toBe("PROPOSAL_TOO_MANY");
    const ofOne = Array.from({ length: 3 }, () => alliance.propose("J", alliance.about(expel, "A")));
    expect((await chain.block(ofOne)).codes).toEqual(["OK", "OK", "PROPOSAL_TOO_MANY"]);
    expect(queries.openProposals(chain.state)).toHaveLength(limits.openProposals + 2);
  });
});

describe("a newcomer's vote key", () => {
  it("is not taken by a member that reads its proof in the proposal", async () => {
    const alliance = await Alliance.start({ stakes });
    const { chain } = alliance;
    const admission = alliance.admission("F", 50);
    expect(await chain.send(alliance.propose("A", admission))).toBe("OK");
    const { voteKey, votePossession } = admission.newcomer!;
    expect(await chain.refused(alliance.registerKey("B", { voteKey, votePossession }))).toBe(
      "CANDIDATE_BAD_KEY",
    );
    const { id } = queries.openProposals(chain.state)[0]!;
    const approvals = [..."CDE"].map((letter) => alliance.approveId(letter, id));
    await alliance.finishEpoch(approvals, "");
    expect(queries.voteKeyOwner(chain.state, voteKey)).toEqual(alliance.hospital("F").key);
    expect(queries.isMember(chain.state, alliance.hospital("F").key)).toBe(true);
  });
});

describe("an expelled member", () => {
  it("sends nothing more, enrols nobody, and stays a peer only while it is seated", async () => {
    const alliance = await Alliance.start({ stakes });
    const { chain } = alliance;
    await alliance.finishEpoch(alliance.decide("BCDE", alliance.about(expel, "A")), "");
    const { key } = alliance.hospital("A");
    expect(queries.isMember(chain.state, key)).toBe(false);
    expect(queries.isPeer(chain.state, key)).toBe(true);
    expect(await chain.verdict(alliance.vote("A", { A: 1 }))).toBe("ignore TX_UNKNOWN_SENDER");
    alliance.hospital("A").nonce--;
    await alliance.finishEpoch([], "BCDE");
    await chain.block();
    expect(queries.isPeer(chain.state, key)).toBe(false);
    expect(queries.members(chain.state)).toHaveLength(4);
    expect(queries.everyMember(chain.state)).toHaveLength(5);
  });
});
