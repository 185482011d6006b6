import { readFileSync } from "node:fs";
import { codeOf } from "@consilium/crypto";
import { beforeAll, describe, expect, it } from "vitest";
import {
  decodeContainer,
  memoryJournal,
  type OwnerClient,
  RECORD_TYPES,
  type RecipientClient,
  splitBundle,
} from "../../src/index.js";
import { enrolOwner, enrolRecipient, type Story, startStory } from "../helpers/story.js";

const bundle = readFileSync(new URL("../../fixtures/synthetic-bundle.json", import.meta.url));
const day = 86_400_000;
const refusal = (promise: Promise<unknown>) => promise.then(() => "accepted", codeOf);

describe("sharing a record", () => {
  let story: Story;
  let owner: OwnerClient;
  let recipient: RecipientClient;
  let grantId: string;
  const journal = memoryJournal();

  beforeAll(async () => {
    story = await startStory("sharing");
    owner = await enrolOwner(story);
    await owner.collectTypes();
    await owner.leaveCatalogue(story.alliance.node);
    await story.hospital.importBundle({ bundle, owner: owner.account, journal });
    recipient = await enrolRecipient(story);
    const given = await owner.grant({
      ...{ recipient: recipient.account, type: "laboratory", purpose: "TREAT", durationMs: day },
    });
    grantId = given.grantId;
    // Twenty types from four key-centre nodes and sixteen sealed records: seconds, minutes on a busy machine.
  }, 240_000);

  it("gives the recipient byte for byte what was imported", async () => {
    const opened = await recipient.openRecords(grantId);
    expect(opened.type).toBe("laboratory");
    expect(opened.records).toHaveLength(1);
    const [record] = opened.records;
    const imported = splitBundle(bundle).records.find(({ type }) => type === "laboratory")!;
    expect(record).toMatchObject({ bytes: imported.plaintext });
    expect(decodeContainer((record as { bytes: Uint8Array }).bytes).items).toHaveLength(9);
  });

  it("collected a key for every type of the catalogue, and none twice", async () => {
    const { typeKeys } = owner.session.wallet.content;
    expect(typeKeys.map(({ type }) => type)).toEqual([...RECORD_TYPES]);
    expect(typeKeys.every(({ decryptionKey }) => decryptionKey !== null)).toBe(true);
    expect((await owner.collectTypes()).collected).toEqual([]);
  });

  it("shows the owner the request, which nobody else can read", async () => {
    const question = { owner: owner.account, type: "laboratory", purpose: "TREAT", note: "before surgery" };
    await recipient.requestAccess(question);
    const [entry] = await owner.inbox();
    expect(entry).toMatchObject({ type: "laboratory", purpose: "TREAT", note: "before surgery" });
    expect(entry!.requester).toBe(recipient.account);
    expect(story.alliance.requests[0]!.sealed).not.toContain(Buffer.from("laboratory").toString("hex"));
  });

  it("tells of a request that does not open instead of failing the inbox", async () => {
    const garbled = { ...story.alliance.requests[0]!, id: "ee".repeat(32), requester: "ab".repeat(32) };
    story.alliance.requests.push(garbled);
    const inbox = await owner.inbox();
    story.alliance.requests.pop();
    expect(inbox.map((entry) => ("code" in entry ? entry.code : entry.type))).toEqual([
      "laboratory",
      "HPKE_OPEN_FAILED",
    ]);
  });

  it("names a proxy that lies, and opens from the others", async () => {
    story.alliance.faults.lyingProxies.add(2);
    const opened = await recipient.openRecords(grantId, { checkAll: true });
    story.alliance.faults.lyingProxies.clear();
    expect(opened.records[0]).toHaveProperty("bytes");
    expect(opened.proxies.map(({ index, outcome, code }) => [index, outcome, code])).toEqual([
      [1, "good", undefined],
      [2, "lied", "FRAGMENT_BAD_PROOF"],
      [3, "good", undefined],
      [4, "good", undefined],
    ]);
  });

  it.each([1, 2, 3, 4])("names proxy %i as the liar, whichever place it has", async (index) => {
    story.alliance.faults.lyingProxies.add(index);
    const opened = await recipient.openRecords(grantId, { checkAll: true });
    story.alliance.faults.lyingProxies.clear();
    expect(opened.records[0]).toHaveProperty("bytes");
    expect(opened.proxies.filter(({ outcome }) => outcome === "lied").map((each) => each.index)).toEqual([
      index,
    ]);
  });

  it("opens while one proxy is down, and says so", async () => {
    story.alliance.faults.deadProxies.add(1);
    const opened = await recipient.openRecords(grantId);
    story.alliance.faults.deadProxies.clear();
    expect(opened.records[0]).toHaveProperty("bytes");
    expect(opened.proxies[0]).toMatchObject({ index: 1, outcome: "refused", code: "PROXY_NO_SHARE" });
  });

  it("does not open with two proxies down, nor with one down and one that lies", async () => {
    story.alliance.faults.deadProxies.add(1).add(2);
    expect(await refusal(recipient.openRecords(grantId))).toBe("PROXY_NO_SHARE");
    story.alliance.faults.deadProxies.delete(2);
    story.alliance.faults.lyingProxies.add(3);
    expect(await refusal(recipient.openRecords(grantId))).toMatch(/^(TOO_FEW_SHARES|PROXY_NO_SHARE)$/);
    story.alliance.faults.deadProxies.clear();
    story.alliance.faults.lyingProxies.clear();
  });

  it("refuses a ciphertext that was changed", async () => {
    story.alliance.faults.flipChunk = true;
    const opened = await recipient.openRecords(grantId);
    story.alliance.faults.flipChunk = false;
    expect(opened.records[0]).toMatchObject({ code: "PAYLOAD_DIGEST" });
  });

  it("finds a capsule that was replayed under another record void", async () => {
    const { alliance } = story;
    const original = alliance.records.find(({ label }) => label === alliance.grants[0]!.label)!;
    const replayed = { ...original, recordId: "cc".repeat(32) };
    alliance.records.push(replayed);
    const opened = await recipient.openRecords(grantId);
    alliance.records.pop();
    expect(opened.records.map((record) => ("code" in record ? record.code : "opened"))).toEqual([
      "opened",
      "CAPSULE_INVALID",
    ]);
  });

  it("lets the owner open the own record", async () => {
    const records = await owner.records();
    const medication = records.find(({ type }) => type === "medication")!;
    const imported = splitBundle(bundle).records.find(({ type }) => type === "medication")!;
    expect(await owner.openRecord(medication)).toEqual(imported.plaintext);
  });

  it("leaves an audit trail in plain words", async () => {
    const audit = await owner.audit();
    expect(audit.length).toBeGreaterThan(0);
    expect(audit[0]).toMatchObject({
      recipient: recipient.account,
      type: "laboratory",
      purpose: "TREAT",
      grantId,
    });
  });

  it("keeps another recipient out: it has no such grant, and the chain refuses its access", async () => {
    const other = await enrolRecipient(story, "other");
    expect(await refusal(other.openRecords(grantId))).toBe("GRANT_UNKNOWN");
    const [grant] = story.alliance.grants;
    const { recordId } = story.alliance.records.find(({ label }) => label === grant!.label)!;
    const attempt = other.submitAccess({ grantId, scope: grant!.scope, recordIds: [recordId] });
    expect(await refusal(attempt)).toBe("GRANT_INACTIVE");
  });

  it("keeps another type out: the grant does not show it, and the chain refuses its access", async () => {
    const { recordId } = (await owner.records()).find(({ type }) => type === "medication")!;
    expect(await refusal(recipient.openRecords(grantId, { recordIds: [recordId] }))).toBe("RECORD_UNKNOWN");
    const { scope } = story.alliance.grants.find((grant) => grant.grantId === grantId)!;
    const attempt = recipient.submitAccess({ grantId, scope, recordIds: [recordId] });
    expect(await refusal(attempt)).toBe("REQ_LABEL");
  });

  it("refuses a grant whose signature is not the owner's", async () => {
    const given = await owner.grant({
      ...{ recipient: recipient.account, type: "allergy", purpose: "TREAT", durationMs: day },
    });
    const grant = story.alliance.grants.find((each) => each.grantId === given.grantId)!;
    const signature = grant.signature;
    grant.signature = story.alliance.grants[0]!.signature;
    expect(await refusal(recipient.openGrant(given.grantId))).toBe("SIG_INVALID");
    grant.signature = signature;
    expect((await recipient.openGrant(given.grantId)).type).toBe("allergy");
  });

  it("refuses a grant of a type that the catalogue does not have", async () => {
    const request = { recipient: recipient.account, type: "horoscope", purpose: "TREAT", durationMs: day };
    expect(await refusal(owner.grant(request))).toBe("TYPE_UNKNOWN");
  });

  it("refuses a grant to an account that nobody registered", async () => {
    const request = { recipient: "99".repeat(32), type: "laboratory", purpose: "TREAT", durationMs: day };
    expect(await refusal(owner.grant(request))).toBe("GRANT_UNKNOWN_RECIPIENT");
  });

  it("opens nothing after the owner revoked", async () => {
    await owner.revoke(grantId);
    expect(await refusal(recipient.openRecords(grantId))).toBe("GRANT_INACTIVE");
    const states = Object.fromEntries((await owner.grants()).map((grant) => [grant.grantId, grant.state]));
    expect(states[grantId]).toBe("revoked");
  });
});
