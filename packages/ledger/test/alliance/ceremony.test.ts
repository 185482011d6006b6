import { toHex } from "@consilium/crypto";
import { CeremonyEk, Purpose, TransactionKind } from "@consilium/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { plannedCeremony, queries } from "../../src/index.js";
import { CeremonyActors } from "../support/ceremony.js";
import { TestChain } from "../support/chain.js";

const phaseOf = (chain: TestChain, purpose: Purpose): string =>
  new TextDecoder().decode(queries.lastCeremony(chain.state, purpose)!.phase);
const reasonOf = (chain: TestChain, purpose: Purpose): string =>
  new TextDecoder().decode(queries.lastCeremony(chain.state, purpose)!.reason);

describe.each([
  ["the key centre's key", Purpose.keyCentre],
  ["the proxies' key", Purpose.proxy],
])("a ceremony for %s", (_, purpose) => {
  let chain: TestChain;
  let actors: CeremonyActors;

  beforeEach(async () => {
    chain = await TestChain.start();
    actors = new CeremonyActors(chain, purpose);
  });

  it("ends in a serving committee with one key, its members and their verification keys", async () => {
    await actors.complete();
    const committee = queries.activeCommittee(chain.state, purpose)!;
    expect(committee.members.map(toHex)).toEqual(chain.members.map(({ key }) => toHex(key)));
    expect(committee.verificationKeys).toHaveLength(4);
    expect(committee.threshold).toBe(3);
    expect([committee.keyNo, committee.shareEpoch]).toEqual([1, 1]);
    expect(committee.publicKey).toHaveLength(purpose === Purpose.keyCentre ? 96 : 48);
    expect(queries.publicKeyOf(chain.state, purpose, 1)).toEqual(committee.publicKey);
    expect(committee.servingHeight).toBe(chain.height);
    expect(queries.openCeremony(chain.state, purpose)).toBeUndefined();
  });

  it("registers the confirmed dealing keys only when the run is active", async () => {
    await actors.announceRun();
    const first = queries.dealingKey(chain.state, purpose, chain.member(0).key)!;
    expect(first).toEqual(actors.dealingKey(1).slice(0, 48));
    await chain.block(actors.all((member) => actors.sendDeal(member)));
    await chain.block();
    await chain.block([actors.sendConfirm(1)]);
    expect(queries.dealingKey(chain.state, purpose, chain.member(0).key)).toEqual(first);
    await chain.block([2, 3, 4].map((member) => actors.sendConfirm(member)));
    expect(phaseOf(chain, purpose)).toBe("ACTIVE");
    expect(queries.dealingKey(chain.state, purpose, chain.member(0).key)).toEqual(
      actors.dealingKey(1, 1).slice(0, 48),
    );
  });

  it("disqualifies a dealer whose share a member disputes, and completes without it", async () => {
    await actors.announceRun();
    const bad = actors.sendDeal(2, actors.deal(2, 0, [3]));
    const deals = [1, 3, 4].map((member) => actors.sendDeal(member));
    expect((await chain.block([bad, ...deals])).codes).toEqual(["OK", "OK", "OK", "OK"]);
    await chain.block();
    const dispute = actors.sendDispute(3, actors.dispute(3, 2));
    const { codes, events } = await chain.block([dispute]);
    expect(codes).toEqual(["OK"]);
    expect(events).toContainEqual(
      expect.objectContaining({ type: "ceremony-message", code: "DISPUTE_UPHELD" }),
    );
    expect(actors.run().slashedDealers).toEqual([2]);
    await chain.block(actors.all((member) => actors.sendConfirm(member)));
    expect(await chain.send(actors.sendSwitch(4))).toBe("OK");
    expect(queries.activeCommittee(chain.state, purpose)?.members).toHaveLength(4);
  });

  it("convicts a member that disputes a right share, keeps the code, and lets it speak no more", async () => {
    await actors.announceRun();
    await chain.block(actors.all((member) => actors.sendDeal(member)));
    await chain.block();
    expect(await chain.send(actors.sendDispute(4, actors.dispute(4, 1)))).toBe("DISPUTE_REJECTED");
    expect(actors.run().slashedMembers).toEqual([4]);
    expect(await chain.refused(actors.sendConfirm(4))).toBe("DKG_SLASHED");
    expect(await chain.refused(actors.sendDispute(4, actors.dispute(4, 2)))).toBe("DKG_SLASHED");
  });

  it("convicts a member whose dispute proves nothing", async () => {
    await actors.announceRun();
    await chain.block(actors.all((member) => actors.sendDeal(member)));
    await chain.block();
    const forged = actors.dispute(2, 1);
    forged[forged.length - 1] = forged[forged.length - 1]! ^ 1;
    expect(await chain.send(actors.sendDispute(2, forged))).toBe("DISPUTE_BAD_PROOF");
    expect(actors.run().slashedMembers).toEqual([2]);
  });

  it("keeps a dealer's first deal and convicts it for a second, different one", async () => {
    await actors.announceRun();
    const first = actors.deal(1);
    expect(await chain.send(actors.sendDeal(1, first))).toBe("OK");
    expect(await chain.refused(actors.sendDeal(1, first))).toBe("DKG_DUPLICATE_DEAL");
    expect(await chain.send(actors.sendDeal(1, actors.deal(1, 1)))).toBe("DKG_DUPLICATE_DEAL");
    expect(actors.run().slashedDealers).toEqual([1]);
    expect(actors.run().deals.map(({ body }) => toHex(body))).toEqual([toHex(first)]);
  });

  it("aborts when too few dealt, and retries with everyone while too few would remain otherwise", async () => {
    await actors.announceRun();
    const { startHeight } = actors.run().params;
    const firstSession = actors.run().sid;
    await chain.block([1, 2].map((member) => actors.sendDeal(member)));
    await chain.advanceTo(startHeight + 20);
    expect([phaseOf(chain, purpose), reasonOf(chain, purpose)]).toEqual(["ABORTED", "DKG_TOO_FEW_DEALS"]);
    expect(await chain.send(actors.announce())).toBe("OK");
    expect(actors.run().params.attempt).toBe(2);
    expect(actors.run().params.members).toHaveLength(4);
    expect(toHex(actors.run().sid)).not.toBe(toHex(firstSession));
    await chain.block(actors.all((member) => actors.sendDeal(member)));
    await chain.block();
    await chain.block(actors.all((member) => actors.sendConfirm(member)));
    expect(await chain.send(actors.sendSwitch(1))).toBe("OK");
    expect(queries.ceremonies(chain.state, purpose)).toHaveLength(2);
  });

  it("leaves the decision to governance after three attempts", async () => {
    await actors.announceRun();
    for (let attempt = 1; attempt <= 3; attempt++) {
      await chain.advanceTo(actors.run().params.startHeight + 20);
      expect(phaseOf(chain, purpose)).toBe("ABORTED");
      const code = await chain.send(actors.announce());
      expect(code).toBe(attempt < 3 ? "OK" : "CEREMONY_NOT_DUE");
    }
  });

  it("aborts for want of confirmations, and becomes active with n − f of them", async () => {
    await actors.announceRun();
    await chain.block(actors.all((member) => actors.sendDeal(member)));
    await chain.block();
    await chain.block([1, 2].map((member) => actors.sendConfirm(member)));
    const { startHeight } = actors.run().params;
    await chain.advanceTo(startHeight + 60);
    expect(reasonOf(chain, purpose)).toBe("DKG_TOO_FEW_CONFIRMS");
    expect(await chain.send(actors.announce())).toBe("OK");
    await chain.block(actors.all((member) => actors.sendDeal(member)));
    await chain.block();
    await chain.block([1, 2, 3].map((member) => actors.sendConfirm(member)));
    expect(phaseOf(chain, purpose)).toBe("DISPUTE");
    await chain.advanceTo(actors.run().params.startHeight + 60);
    expect(phaseOf(chain, purpose)).toBe("ACTIVE");
  });

  it("refuses deals that are early, late, foreign, short, of another run, or badly proven", async () => {
    await chain.block(actors.all((member) => actors.ek(member)));
    const plan = plannedCeremony(chain.state, purpose, chain.height + 1);
    if (!plan.due) throw new Error(plan.code);
    const early = actors.sendDeal(1, actors.deal(1, 0, [], plan.params));
    const { codes } = await chain.block([actors.announce(2), early]);
    expect(codes).toEqual(["OK", "DKG_WRONG_PHASE"]);

    const deal = actors.deal(1);
    expect(await chain.refused(actors.sendDeal(2, deal))).toBe("DKG_UNKNOWN_SENDER");
    expect(await chain.refused(actors.sendDeal(1, deal.slice(0, -1)))).toBe("BAD_LENGTH");
    expect(await chain.refused(actors.sendDeal(1, deal.slice(0, 20)))).toBe("BAD_LENGTH");
    const otherRun = deal.slice();
    otherRun[10] = otherRun[10]! ^ 1;
    expect(await chain.refused(actors.sendDeal(1, otherRun))).toBe("DKG_WRONG_SID");
    const unproven = deal.slice();
    unproven[deal.length - 1] = unproven[deal.length - 1]! ^ 1;
    expect(await chain.refused(actors.sendDeal(1, unproven))).toBe("DKG_BAD_POK");
    const asDispute = actors.message(1, TransactionKind.ceremonyDispute, deal);
    expect(await chain.refused(asDispute)).toBe("BAD_ENCODING");

    await chain.block([2, 3, 4].map((member) => actors.sendDeal(member)));
    await chain.advanceTo(actors.run().params.startHeight + 20);
    expect(await chain.refused(actors.sendDeal(1, deal))).toBe("DKG_WRONG_PHASE");
  });

  it("refuses a dispute of a deal that was never made, or whose dealer is out already", async () => {
    await actors.announceRun();
    await chain.block(
      [1, 2, 3].map((member) => actors.sendDeal(member, actors.deal(member, 0, member === 2 ? [3] : []))),
    );
    await chain.advanceTo(actors.run().params.startHeight + 20);
    const body = actors.dispute(3, 2);
    const never = body.slice();
    never[35] = 4;
    expect(await chain.refused(actors.sendDispute(3, never))).toBe("DKG_NO_SUCH_DEAL");
    // Three deals are the least there may be: the dispute ends the run.
    expect(await chain.send(actors.sendDispute(3, body))).toBe("OK");
    expect(reasonOf(chain, purpose)).toBe("DKG_TOO_FEW_QUALIFIED");
    expect(queries.lastCeremony(chain.state, purpose)!.offenders).toEqual([2]);
    expect(await chain.refused(actors.announce())).toBe("DKG_BAD_PARAMS");
  });

  it("refuses a confirm that is copied, of another transcript, or counted already", async () => {
    await actors.announceRun();
    await chain.block(actors.all((member) => actors.sendDeal(member)));
    await chain.block();
    expect(await chain.refused(actors.sendConfirm(1, new Uint8Array(244).fill(0x33)))).toBe("DKG_WRONG_SID");
    const confirm = actors.confirm(1);
    expect(await chain.refused(actors.sendConfirm(2, confirm))).toBe("DKG_UNKNOWN_SENDER");
    const asOther = confirm.slice();
    asOther[35] = 2;
    expect(await chain.refused(actors.sendConfirm(2, asOther))).toBe("DKG_BAD_EK");
    const otherTranscript = actors.confirm(1, new Uint8Array(32));
    expect(await chain.refused(actors.sendConfirm(1, otherTranscript))).toBe("DKG_WRONG_TRANSCRIPT");
    const unproven = confirm.slice();
    unproven[120] = unproven[120]! ^ 1;
    expect(await chain.refused(actors.sendConfirm(1, unproven))).toBe("DKG_BAD_CONFIRM");
    expect(await chain.send(actors.sendConfirm(1, confirm))).toBe("OK");
    expect(await chain.refused(actors.sendConfirm(1, confirm))).toBe("DKG_DUPLICATE_CONFIRM");
  });

  it("is announced only as the state derives it, by a member, once all dealing keys stand", async () => {
    await chain.block([1, 2, 3].map((member) => actors.ek(member)));
    expect(await chain.refused(actors.announce())).toBe("CEREMONY_EK_MISSING");
    await chain.block([actors.ek(4)]);
    for (const other of [{ keyNo: 2 }, { shareEpoch: 2 }, { attempt: 2 }, { mode: 1 }]) {
      expect(await chain.refused(actors.announce(1, other))).toBe("CEREMONY_NOT_ANNOUNCED");
    }
    expect(await chain.refused(actors.announce(1, { purpose: 3 }))).toBe("CEREMONY_BAD_PURPOSE");
    expect(await chain.send(actors.announce())).toBe("OK");
    expect(await chain.refused(actors.announce())).toBe("CEREMONY_NOT_DUE");
  });

  it("refuses a dealing key of another node, of another purpose, or for no purpose", async () => {
    const { ceremonyEk } = TransactionKind;
    const send = (payload: CeremonyEk): Promise<string> =>
      chain.refused(chain.member(0).transaction(chain.id, ceremonyEk, CeremonyEk, payload));
    expect(await send({ purpose, message: actors.dealingKey(2) })).toBe("DKG_BAD_EK");
    expect(await send({ purpose: 3 - purpose, message: actors.dealingKey(1) })).toBe("DKG_BAD_EK");
    expect(await send({ purpose: 3, message: actors.dealingKey(1) })).toBe("CEREMONY_BAD_PURPOSE");
    expect(await send({ purpose, message: actors.dealingKey(1).slice(1) })).toBe("BAD_LENGTH");
  });

  it("serves from the switch on: only after ACTIVE, only with a test that holds, only once", async () => {
    await actors.announceRun();
    await chain.block(actors.all((member) => actors.sendDeal(member)));
    await chain.block();
    await chain.block(actors.all((member) => actors.sendConfirm(member)));
    expect(queries.activeCommittee(chain.state, purpose)).toBeUndefined();
    const body = actors.switchBody([1, 3, 4]);
    const wrong = body.slice();
    wrong[wrong.length - 1] = wrong[wrong.length - 1]! ^ 1;
    expect(await chain.refused(actors.sendSwitch(1, wrong))).toBe("SWITCH_BAD_TEST");
    expect(await chain.send(actors.sendSwitch(1, body))).toBe("OK");
    expect(await chain.refused(actors.sendSwitch(1, body))).toBe("SWITCH_NOT_DUE");
    expect(await chain.refused(actors.announce())).toBe("CEREMONY_NOT_DUE");
  });

  it("does not switch in the block in which the run became active", async () => {
    await actors.announceRun();
    await chain.block(actors.all((member) => actors.sendDeal(member)));
    await chain.block();
    const confirms = actors.all((member) => actors.sendConfirm(member));
    const scout = await TestChain.start();
    for (const block of chain.blocks) await scout.applyBlock(block);
    await scout.block(confirms);
    const body = new CeremonyActors(scout, purpose).switchBody();
    const { codes } = await chain.block([...confirms, actors.sendSwitch(1, body)]);
    expect(codes.at(-1)).toBe("SWITCH_NOT_DUE");
  });
});

describe("what a ceremony moves of its members' credit", () => {
  it("counts each confirmation once, an upheld dispute against the dealer, a false one against who made it", async () => {
    const chain = await TestChain.start();
    const actors = new CeremonyActors(chain, Purpose.proxy);
    await actors.announceRun();
    const bad = actors.sendDeal(2, actors.deal(2, 0, [3]));
    await chain.block([bad, ...[1, 3, 4].map((member) => actors.sendDeal(member))]);
    await chain.block();
    await chain.block([actors.sendDispute(3, actors.dispute(3, 2))]);
    await chain.block([actors.sendDispute(4, actors.dispute(4, 1))]);
    const tallyOf = (member: number) => {
      const { key } = chain.member(member - 1);
      const found = queries.creditTallies(chain.state).find(({ node }) => toHex(node) === toHex(key));
      return [found?.ceremoniesConfirmed ?? 0, found?.disputesUpheld ?? 0];
    };
    expect([1, 2, 3, 4].map(tallyOf)).toEqual([
      [0, 0],
      [0, 1],
      [0, 0],
      [0, 1],
    ]);
    await chain.block([1, 3].map((member) => actors.sendConfirm(member)));
    await chain.refused(actors.sendConfirm(1));
    expect([1, 2, 3, 4].map(tallyOf)).toEqual([
      [1, 0],
      [0, 1],
      [1, 0],
      [0, 1],
    ]);
  });
});

describe("ceremonies side by side", () => {
  it("runs both at once, interleaved in the same blocks", async () => {
    const chain = await TestChain.start();
    const both = [Purpose.keyCentre, Purpose.proxy].map((purpose) => new CeremonyActors(chain, purpose));
    const each = (make: (actors: CeremonyActors) => Uint8Array[]) => chain.block(both.flatMap(make));
    await each((actors) => actors.all((member) => actors.ek(member)));
    await each((actors) => [actors.announce()]);
    await each((actors) => actors.all((member) => actors.sendDeal(member)));
    await each(() => []);
    await each((actors) => actors.all((member) => actors.sendConfirm(member)));
    const { codes } = await each((actors) => [actors.sendSwitch(2)]);
    expect(codes).toEqual(["OK", "OK"]);
    for (const purpose of [Purpose.keyCentre, Purpose.proxy]) {
      expect(queries.activeCommittee(chain.state, purpose)?.servingHeight).toBe(chain.height);
    }
  });
});
