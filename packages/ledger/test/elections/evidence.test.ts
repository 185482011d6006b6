import { limits, ProposalAction, type Vote, VoteKind, type VoteSubject } from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { createAllianceLedger, queries, stakeLostOf } from "../../src/index.js";
import { Alliance } from "../support/alliance.js";
import { TestChain } from "../support/chain.js";

const { notarize, nullify, finalize } = VoteKind;
const zero = new Uint8Array(32);
const block = (fill: number): Uint8Array => zero.map(() => fill);
const one = { kind: notarize, digest: block(1) };
const day = 24 * 3_600_000;

let alliance: Alliance;
let chain: TestChain;

beforeAll(async () => {
  alliance = await Alliance.start({ stakes: [100, 90, 80, 70, 60], lengthHeights: 1_000 });
  chain = alliance.chain;
});

describe("evidence/consensus", () => {
  it.each<[string, Partial<VoteSubject>, Partial<VoteSubject>]>([
    ["two notarize votes for two blocks", one, { kind: notarize, digest: block(2) }],
    ["two notarize votes on two parents", one, { ...one, parentView: 1 }],
    ["two finalize votes", { ...one, kind: finalize }, { kind: finalize, digest: block(2) }],
    ["finalize after nullify", { kind: nullify, parentView: 0, digest: zero }, { ...one, kind: finalize }],
    ["nullify after finalize", { ...one, kind: finalize }, { kind: nullify, parentView: 0, digest: zero }],
  ])("convicts of %s of one view", async (_, first, second) => {
    const fresh = await Alliance.start({ stakes: [100, 90, 80, 70] });
    const votes = [first, second].map((each) => fresh.signedVote("B", { ...each, view: 7 }));
    const outcome = await fresh.chain.block([fresh.evidence("A", votes[0]!, votes[1]!)]);
    expect(outcome.codes).toEqual(["OK"]);
    const node = fresh.hospital("B").key;
    expect(outcome.events).toEqual([{ type: "validator-convicted", node, epoch: 0, view: 7, stakeLost: 9 }]);
    const { state } = fresh.chain;
    expect(queries.memberOf(state, node)!.stake).toBe(81);
    expect(queries.credit(state, node)!.class).toBe("banned");
    expect(queries.convictions(state)).toEqual([queries.conviction(state, node, 0)]);
    expect(queries.convictionsOfMember(state, node)).toHaveLength(1);
    expect(queries.conviction(state, node, 0)).toMatchObject({
      ...{ view: 7, firstKind: first.kind, secondKind: second.kind, stakeLost: 9, height: 1 },
      reporter: fresh.hospital("A").key,
    });
    expect(fresh.set(0)).toBe("ABCD");
  });

  it.each<[string, Partial<VoteSubject>, Partial<VoteSubject>]>([
    ["notarize, then nullify", one, { kind: nullify, parentView: 0, digest: zero }],
    ["notarize and finalize of one block", one, { ...one, kind: finalize }],
    ["notarize of one block and finalize of another", one, { kind: finalize, digest: block(2) }],
    ["the same vote twice", one, one],
    [
      "two nullify votes",
      { kind: nullify, parentView: 0, digest: zero },
      { kind: nullify, parentView: 0, digest: zero },
    ],
    [
      "two votes that differ in what a nullify vote does not sign",
      { kind: nullify, parentView: 0, digest: zero },
      { kind: nullify, parentView: 0, digest: block(1) },
    ],
    ["votes of a kind that there is not", { ...one, kind: 4 }, { kind: 4, digest: block(2) }],
  ])("does not convict of %s", async (_, first, second) => {
    const signable = (subject: Partial<VoteSubject>): Vote =>
      subject.kind === 4
        ? { ...alliance.signedVote("B", { ...subject, kind: notarize }), kind: 4 }
        : alliance.signedVote("B", subject);
    const evidence = alliance.evidence("A", signable(first), signable(second));
    expect(await chain.refused(evidence)).toBe("EVIDENCE_NO_CONTRADICTION");
  });

  it("does not convict of votes of two views, two epochs or two validators", async () => {
    const first = alliance.signedVote("B", one);
    const other = { kind: notarize, digest: block(2) };
    const send = (second: Vote) => chain.refused(alliance.evidence("A", first, second));
    expect(await send(alliance.signedVote("B", { ...other, view: 4 }))).toBe("EVIDENCE_NO_CONTRADICTION");
    expect(await send(alliance.signedVote("B", { ...other, epoch: 1 }))).toBe("EVIDENCE_NO_CONTRADICTION");
    expect(await send(alliance.signedVote("C", other))).toBe("EVIDENCE_NO_CONTRADICTION");
    const nobody = { ...first, validator: 9 };
    expect(await chain.refused(alliance.evidence("A", nobody, { ...nobody, digest: block(2) }))).toBe(
      "EVIDENCE_NO_CONTRADICTION",
    );
  });

  it("does not convict of votes that the validator did not sign", async () => {
    const first = alliance.signedVote("B", one);
    const altered = { ...first, digest: block(2) };
    expect(await chain.refused(alliance.evidence("A", first, altered))).toBe("EVIDENCE_BAD_SIGNATURE");
    const { signature } = alliance.signedVote("C", { kind: notarize, digest: block(2) });
    const framed = { ...altered, signature };
    expect(await chain.refused(alliance.evidence("C", first, framed))).toBe("EVIDENCE_BAD_SIGNATURE");
    const garbage = { ...altered, signature: new Uint8Array(96).fill(7) };
    expect(await chain.refused(alliance.evidence("C", garbage, first))).toBe("EVIDENCE_BAD_SIGNATURE");
  });

  it("does not convict of an epoch that has not begun, whatever is signed for it", async () => {
    const evidence = alliance.doubleVote("A", "B", 1);
    expect(await chain.refused(evidence)).toBe("EVIDENCE_UNKNOWN_EPOCH");
  });

  it("convicts once for one epoch, and of another epoch again", async () => {
    const fresh = await Alliance.start({ stakes: [100, 90, 80, 70, 60] });
    expect(await fresh.chain.send(fresh.doubleVote("A", "B"))).toBe("OK");
    expect(await fresh.chain.refused(fresh.doubleVote("C", "B", 0, 4))).toBe("EVIDENCE_REPEATED");
    await fresh.finishEpoch([], "");
    // It sits in epoch 1 still, and does it again.
    expect(await fresh.chain.send(fresh.doubleVote("A", "B", 1))).toBe("OK");
    const node = fresh.hospital("B").key;
    expect(queries.convictionsOfMember(fresh.chain.state, node).map(({ epoch }) => epoch)).toEqual([1, 0]);
    expect(queries.memberOf(fresh.chain.state, node)!.stake).toBe(90 - 9 - 8);
  });

  it("judges votes under the key that the epoch's set had, whatever key was registered since", async () => {
    const fresh = await Alliance.start({ stakes: [100, 90, 80, 70, 60] });
    const votes = [1, 2].map((fill) => fresh.signedVote("B", { digest: block(fill) }));
    expect(await fresh.chain.send(fresh.register("B", 1))).toBe("OK");
    expect(await fresh.chain.refused(fresh.doubleVote("A", "B"))).toBe("EVIDENCE_BAD_SIGNATURE");
    expect(await fresh.chain.send(fresh.evidence("A", votes[0]!, votes[1]!))).toBe("OK");
  });

  it("convicts a member that was expelled, while its bond is locked", async () => {
    const fresh = await Alliance.start({ stakes: [100, 90, 80, 70, 60] });
    await fresh.finishEpoch(fresh.decide("ACDE", fresh.about(ProposalAction.expel, "B")), "");
    expect(await fresh.chain.send(fresh.doubleVote("A", "B"))).toBe("OK");
    expect(queries.memberOf(fresh.chain.state, fresh.hospital("B").key)!.stake).toBe(81);
  });

  it("keeps a banned candidate from standing until the members lift it", async () => {
    const fresh = await Alliance.start({ stakes: [100, 90, 80, 70, 60], lengthHeights: 100 });
    await fresh.chain.block([fresh.doubleVote("A", "B")]);
    expect(await fresh.chain.refused(fresh.ready("B"))).toBe("CANDIDATE_BANNED");
    expect(await fresh.chain.refused(fresh.register("B", 1))).toBe("CANDIDATE_BANNED");
    expect(await fresh.chain.refused(fresh.resign("B"))).toBe("CANDIDATE_BANNED");
    expect(await fresh.chain.refused(fresh.vote("A", { B: 1 }))).toBe("CANDIDATE_BANNED");
  });

  it("counts for four epochs however long they last", async () => {
    const fresh = await Alliance.start({ stakes: [100, 90, 80, 70, 60] });
    for (let epoch = 0; epoch < 4; epoch++) await fresh.finishEpoch([], "");
    expect(await fresh.chain.send(fresh.doubleVote("A", "B"), 400 * day)).toBe("OK");
  });

  it("counts for thirty days however many epochs they hold, and no longer", async () => {
    const fresh = await Alliance.start({ stakes: [100, 90, 80, 70, 60] });
    for (let epoch = 0; epoch < 6; epoch++) await fresh.finishEpoch([], "");
    // Epoch 0 ended with block 4, and block 25 is the next: twenty seconds are over.
    expect(await fresh.chain.send(fresh.doubleVote("A", "B"), 30 * day - 20_000)).toBe("OK");
    expect(await fresh.chain.refused(fresh.doubleVote("A", "C"), 1)).toBe("EVIDENCE_TOO_OLD");
  });

  it("forgets the sets of epochs that are past it, and no others", async () => {
    const fresh = await Alliance.start({ stakes: [100, 90, 80, 70, 60] });
    for (let epoch = 0; epoch < 3; epoch++) await fresh.finishEpoch([], "");
    await fresh.chain.block([], 40 * day);
    for (let epoch = 3; epoch < 8; epoch++) await fresh.finishEpoch([], "");
    expect(queries.electionState(fresh.chain.state).oldestEpoch).toBe(3);
    expect([0, 1, 2].map((epoch) => fresh.set(epoch))).toEqual([undefined, undefined, undefined]);
    expect([3, 4, 5, 6, 7, 8].map((epoch) => fresh.set(epoch))).not.toContain(undefined);
    expect(queries.epochEntry(fresh.chain.state, 2)).toBeUndefined();
    expect(queries.epochEntry(fresh.chain.state, 3)).toBeDefined();
    expect(await fresh.chain.send(fresh.doubleVote("A", "B"))).toBe("EVIDENCE_TOO_OLD");
  });

  it("fills no block with curve work: a member has few that are costly in each, refused ones counted", async () => {
    const fresh = await Alliance.start({ stakes: [100, 90, 80, 70] });
    const first = fresh.signedVote("B", one);
    const count = limits.costlyTransactionsPerMemberPerBlock;
    const bad = Array.from({ length: count + 1 }, (_, fill) =>
      fresh.evidence("A", first, { ...first, digest: block(fill + 2) }),
    );
    const others = [fresh.ready("B"), fresh.evidence("B", first, { ...first, digest: block(2) })];
    const context = { height: 1, timestampMs: fresh.chain.timeMs + 1 };
    const { app, state } = fresh.chain;
    const built = await app.buildPayload(state, [...bad, ...others], context);
    expect(built.transactions).toEqual([...bad.slice(0, count), ...others]);
    expect((await app.checkPayload(state, fresh.chain.makeBlock(built.transactions))).kind).toBe("valid");
    const verdict = await app.checkPayload(state, fresh.chain.makeBlock(bad));
    expect(verdict).toMatchObject({ kind: "fault", code: "TX_QUOTA" });
  });

  it("costs a tenth of the bond, and at least one unit of it", () => {
    expect([0, 1, 5, 10, 19, 20, 1_000].map(stakeLostOf)).toEqual([0, 1, 1, 1, 1, 2, 100]);
  });

  it("is not judged by a ledger that was given nothing to verify votes with", async () => {
    const make: typeof createAllianceLedger = (genesis, pool) => createAllianceLedger(genesis, pool);
    const blind = await TestChain.start(make, chain.genesis, chain.members);
    const evidence = blind.makeBlock([]);
    const fresh = await Alliance.start({ stakes: [100, 90, 80, 70, 60], lengthHeights: 1_000 });
    const transactions = [fresh.doubleVote("A", "B")];
    const withEvidence = { ...evidence, payload: { transactions, facts: [] } };
    await expect(blind.app.applyBlock(blind.state, withEvidence)).rejects.toMatchObject({
      code: "LEDGER_NO_VERIFIER",
    });
  });
});
