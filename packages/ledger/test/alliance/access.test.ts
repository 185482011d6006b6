import { fromHex, toHex, utf8 } from "@consilium/crypto";
import { GrantScope, Purpose, TransactionKind } from "@consilium/protocol";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Committee, proxyMayAnswer, queries, RecordEntry, RecordStatus } from "../../src/index.js";
import { committeeKey, keyOf, prefixes } from "../../src/state/keys.js";
import type { TestChain } from "../support/chain.js";
import { addGrant, addRecord, makeWorld, treatment, type World } from "../support/people.js";

let world: World;
let chain: TestChain;
let record: Uint8Array;
let gid: Uint8Array;

beforeAll(async () => {
  world = await makeWorld();
  chain = world.chain;
  record = await addRecord(world, world.owner);
});

beforeEach(async () => {
  gid = await addGrant(world, world.owner, world.clinician);
});

const newestAccess = () => queries.accessesOfOwner(chain.state, world.owner.id)[0]!;

describe("access/open", () => {
  it("is the owner's audit record of who opened what, for what purpose, and when", async () => {
    const second = await addRecord(world, world.owner, chain.member(1));
    const { codes, events } = await chain.block([world.clinician.open(gid, [record, second])]);
    expect(codes).toEqual(["OK"]);
    const access = newestAccess();
    expect(events).toEqual([expect.objectContaining({ type: "access-opened", requestId: access.requestId })]);
    expect(access.recipient).toEqual(world.clinician.id);
    expect(access.recordIds.map(toHex)).toEqual([record, second].map(toHex));
    expect(access.scope).toEqual(treatment);
    expect([access.height, access.timestampMs]).toEqual([chain.height, chain.timeMs]);
    expect(queries.accessesOfRecipient(chain.state, world.clinician.id)[0]).toEqual(access);
    const result = queries.transactionResult(chain.state, access.transactionId)!;
    expect([result.kind, new TextDecoder().decode(result.code)]).toEqual([TransactionKind.accessOpen, "OK"]);
  });

  it("refuses a list that is empty or names a record twice", async () => {
    expect(await chain.refused(world.clinician.open(gid, []))).toBe("REQ_BAD_SIZE");
    expect(await chain.refused(world.clinician.open(gid, [record, record]))).toBe("REQ_DUPLICATE_RECORD");
  });

  it("refuses a grant that is unknown, another's, not begun, over, or revoked", async () => {
    const { clinician, otherClinician, owner } = world;
    expect(await chain.refused(clinician.open(new Uint8Array(32), [record]))).toBe("GRANT_INACTIVE");
    expect(await chain.refused(otherClinician.open(gid, [record]))).toBe("GRANT_INACTIVE");
    expect(await chain.refused(owner.open(gid, [record]))).toBe("GRANT_INACTIVE");
    const later = { notBeforeMs: chain.timeMs + 60_000, expiryMs: chain.timeMs + 90_000 };
    const future = await addGrant(world, owner, clinician, later);
    expect(await chain.refused(clinician.open(future, [record]))).toBe("GRANT_INACTIVE");
    const toStart = later.notBeforeMs - chain.timeMs;
    expect(await chain.send(clinician.open(future, [record]), toStart)).toBe("OK");
    const toEnd = later.expiryMs - chain.timeMs;
    expect(await chain.refused(clinician.open(future, [record]), toEnd)).toBe("GRANT_INACTIVE");
    expect(await chain.send(owner.revoke(gid))).toBe("OK");
    expect(await chain.refused(clinician.open(gid, [record]))).toBe("GRANT_INACTIVE");
  });

  it("refuses what comes after the revocation in the same block, and takes what came before", async () => {
    const { clinician, owner } = world;
    const { codes } = await chain.block([
      clinician.open(gid, [record]),
      owner.revoke(gid),
      clinician.open(gid, [record]),
    ]);
    expect(codes).toEqual(["OK", "OK", "GRANT_INACTIVE"]);
  });

  it("refuses another scope than the grant's", async () => {
    const scope = GrantScope.serialize({ version: 1, flags: 0, purpose: utf8("HRESCH") });
    expect(await chain.refused(world.clinician.open(gid, [record], { scope }))).toBe("REQ_BAD_SCOPE");
  });

  it("refuses an emergency grant", async () => {
    const scope = GrantScope.serialize({ version: 1, flags: 1, purpose: utf8("ETREAT") });
    const emergency = await addGrant(world, world.owner, world.clinician, { scope });
    expect(await chain.refused(world.clinician.open(emergency, [record], { scope }))).toBe("GRANT_INACTIVE");
  });

  it("refuses records that are unknown, another owner's, or under another label", async () => {
    const unknown = new Uint8Array(32).fill(3);
    expect(await chain.refused(world.clinician.open(gid, [record, unknown]))).toBe("REQ_LABEL");
    const other = await addRecord(world, world.otherOwner);
    expect(await chain.refused(world.clinician.open(gid, [other]))).toBe("REQ_LABEL");
  });

  it("refuses a record of another custodial owner, though both have the same key", async () => {
    const { custodialOwner, otherCustodialOwner, clinician } = world;
    const own = await addRecord(world, custodialOwner);
    const foreign = await addRecord(world, otherCustodialOwner);
    const [first, second] = [own, foreign].map((id) => queries.record(chain.state, id)!);
    expect(first!.pi).toEqual(second!.pi);
    const custodialGrant = await addGrant(world, custodialOwner, clinician);
    expect(await chain.refused(clinician.open(custodialGrant, [foreign]))).toBe("REQ_LABEL");
    expect(await chain.send(clinician.open(custodialGrant, [own]))).toBe("OK");
  });

  it("refuses another key generation than the one that serves", async () => {
    expect(await chain.refused(world.clinician.open(gid, [record], { keyNo: 2 }))).toBe(
      "WRONG_KEY_GENERATION",
    );
    expect(await chain.refused(world.clinician.open(gid, [record], { shareEpoch: 2 }))).toBe(
      "WRONG_KEY_GENERATION",
    );
  });

  it("refuses an addressee that the committee does not have", async () => {
    expect(await chain.refused(world.clinician.open(gid, [record], { addressee: 5 }))).toBe(
      "REQ_BAD_ADDRESSEE",
    );
    expect(await chain.send(world.clinician.open(gid, [record], { addressee: 4 }))).toBe("OK");
  });

  it("refuses request keys of low order, and a key that this account used before", async () => {
    const lowOrder = { requestKey: fromHex(`01${"00".repeat(31)}`) };
    expect(await chain.refused(world.clinician.open(gid, [record], lowOrder))).toBe("REQ_BAD_KEY");
    const { exchangeKey: requestKey } = world.otherClinician;
    expect(await chain.send(world.clinician.open(gid, [record], { requestKey }))).toBe("OK");
    const again = { requestKey, nonce: 1 };
    expect(await chain.refused(world.clinician.open(gid, [record], again))).toBe("REQ_KEY_REUSED");
    const otherGrant = await addGrant(world, world.owner, world.otherClinician);
    expect(await chain.send(world.otherClinician.open(otherGrant, [record], again))).toBe("OK");
  });
});

describe("what the state lets a proxy answer", () => {
  const ask = (overrides: { node?: Uint8Array; nowMs?: number; requestId?: Uint8Array } = {}) => {
    const { requestId, ...context } = { requestId: newestAccess().requestId, ...overrides };
    return proxyMayAnswer(chain.state, requestId, {
      node: chain.member(1).key,
      nowMs: chain.timeMs,
      ...context,
    });
  };
  const codeOfAsking = (overrides: Parameters<typeof ask>[0] = {}): string => {
    const verdict = ask(overrides);
    return verdict.kind === "valid" ? "OK" : verdict.code;
  };

  it("is a finalized access, with all that an answer needs", async () => {
    await chain.send(world.clinician.open(gid, [record]));
    const verdict = ask();
    if (verdict.kind !== "valid") throw new Error(verdict.code);
    expect(verdict.value.index).toBe(2);
    expect(verdict.value.records.map(({ recordId }) => toHex(recordId))).toEqual([toHex(record)]);
    expect(verdict.value.grant.grantId).toEqual(gid);
    expect(verdict.value.committee.threshold).toBe(3);
  });

  it("is nothing before the access is final", () => {
    expect(codeOfAsking({ requestId: new Uint8Array(32) })).toBe("REQ_UNKNOWN");
  });

  it("is nothing once the grant is revoked", async () => {
    await chain.send(world.clinician.open(gid, [record]));
    expect(codeOfAsking()).toBe("OK");
    await chain.send(world.owner.revoke(gid));
    expect(codeOfAsking()).toBe("GRANT_INACTIVE");
  });

  it("is nothing once the grant is over, by block time or by the proxy's own clock", async () => {
    await chain.send(world.clinician.open(gid, [record]));
    const { expiryMs } = queries.grant(chain.state, gid)!;
    expect(codeOfAsking({ nowMs: expiryMs - 1 })).toBe("OK");
    expect(codeOfAsking({ nowMs: expiryMs })).toBe("GRANT_INACTIVE");
    await chain.block([], expiryMs - chain.timeMs);
    expect(codeOfAsking({ nowMs: 0 })).toBe("GRANT_INACTIVE");
  });

  it("is for members of the committee alone, and for the addressed one when there is one", async () => {
    await chain.send(world.clinician.open(gid, [record], { addressee: 2 }));
    expect(codeOfAsking({ node: world.clinician.key })).toBe("REQ_NOT_ADDRESSED");
    expect(codeOfAsking({ node: chain.member(0).key })).toBe("REQ_NOT_ADDRESSED");
    expect(codeOfAsking({ node: chain.member(1).key })).toBe("OK");
  });

  it("outlives a replaced generation by one response window of block time", async () => {
    await chain.send(world.clinician.open(gid, [record]));
    const committee = queries.activeCommittee(chain.state, Purpose.proxy)!;
    const key = committeeKey(Purpose.proxy, 1, 1);
    const replaced = { ...committee, replacedAtMs: chain.timeMs };
    const restore = { key, value: chain.state.get(key) };
    chain.state.apply([{ key, value: Committee.serialize(replaced) }]);
    const windowMs = queries.chainInfo(chain.state)!.responseWindowMs;
    await chain.block([], windowMs - 1);
    expect(codeOfAsking()).toBe("OK");
    await chain.block([], 1);
    expect(codeOfAsking()).toBe("WRONG_KEY_GENERATION");
    chain.state.apply([restore]);
  });

  it("is nothing once one of the records is erased", async () => {
    await chain.send(world.clinician.open(gid, [record]));
    const key = keyOf(prefixes.record, record);
    const restore = { key, value: chain.state.get(key) };
    const erased = { ...queries.record(chain.state, record)!, status: RecordStatus.erased };
    chain.state.apply([{ key, value: RecordEntry.serialize(erased) }]);
    expect(codeOfAsking()).toBe("REQ_LABEL");
    expect(await chain.refused(world.clinician.open(gid, [record]))).toBe("REQ_LABEL");
    chain.state.apply([restore]);
  });
});
