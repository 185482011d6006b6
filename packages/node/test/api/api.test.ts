import { sha256, toHex, utf8 } from "@consilium/crypto";
import { ExtractRequest, limits } from "@consilium/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiHarness } from "../support/api-harness.js";

let api: ApiHarness;
beforeAll(async () => {
  api = await ApiHarness.start();
});
afterAll(() => api.api.stop());

const attest = {
  signKey: "11".repeat(32),
  exchangeKey: "22".repeat(32),
  role: "owner",
};
const body = (value: unknown): Uint8Array => utf8(JSON.stringify(value));

describe("public routes", () => {
  it("need no signature", async () => {
    const { status, json } = await api.send("/v1/status");
    expect(status).toBe(200);
    expect(json).toMatchObject({
      node: toHex(api.world.chain.member(0).key),
      keyCentreIndex: 1,
      proxyIndex: 1,
    });
  });

  it("show committees, ceremonies and accounts as the chain has them", async () => {
    const committees = (await api.send("/v1/committees")).json;
    expect(committees.keyCentre.members).toHaveLength(4);
    expect(committees.proxy.publicKey).toHaveLength(96);
    const { ceremonies } = (await api.send("/v1/ceremonies")).json;
    expect(ceremonies.map(({ state }: { state: string }) => state)).toEqual(["SERVING", "SERVING"]);
    const account = (await api.send(`/v1/accounts/${toHex(api.world.owner.id)}`)).json;
    expect(account).toMatchObject({ role: "owner", ownerKeyNo: 1 });
  });

  it("answer for what does not exist with its code", async () => {
    expect(await api.send(`/v1/accounts/${"00".repeat(32)}`)).toMatchObject({
      status: 404,
      json: { error: { code: "UNKNOWN_ACCOUNT" } },
    });
    expect(await api.send(`/v1/transactions/${"00".repeat(32)}`)).toMatchObject({
      json: { state: "unknown" },
    });
  });

  it("take a signed transaction, tell when it is final, and refuse a stale one", async () => {
    const transaction = toHex(api.world.owner.closeLabel(new Uint8Array(32).fill(1)));
    const accepted = await api.json("/v1/transactions", { transaction });
    expect(accepted.status).toBe(200);
    await api.alliance.produce();
    const { json } = await api.send(`/v1/transactions/${accepted.json.id}`);
    expect(json).toMatchObject({ state: "final", code: null });
    const again = await api.json("/v1/transactions", { transaction });
    expect(again.json.error.code).toBe("TX_STALE_NONCE");
  });

  it("give metrics to Prometheus", async () => {
    const { status, bytes } = await api.send("/metrics");
    expect(status).toBe(200);
    expect(Buffer.from(bytes).toString()).toMatch(/consilium_finalized_height\{chain="alliance"\} \d+/);
  });
});

describe("signed routes", () => {
  const audit = "/v1/audit";
  const enrol = "/v1/enrolments";

  it("answer the role they are for", async () => {
    expect((await api.send(audit, { signer: api.user(api.world.owner) })).status).toBe(200);
    expect((await api.json(enrol, attest, api.admin)).json.attestation).toHaveLength(128);
  });

  it("refuse a request without a signature", async () => {
    expect(await api.send(audit)).toMatchObject({ status: 401, json: { error: { code: "AUTH_MISSING" } } });
  });

  it("refuse a signature of another key", async () => {
    const { owner, otherOwner } = api.world;
    const signer = { ...api.user(otherOwner), keyId: toHex(owner.id) };
    expect(await api.send(audit, { signer })).toMatchObject({
      status: 401,
      json: { error: { code: "AUTH_BAD_SIGNATURE" } },
    });
  });

  it("refuse a key that nobody registered", async () => {
    const signer = { ...api.user(api.world.owner), keyId: "00".repeat(32) };
    expect((await api.send(audit, { signer })).json.error.code).toBe("AUTH_UNKNOWN_KEY");
  });

  it("refuse a user on the administrator's routes, and the administrator on users' routes", async () => {
    const user = api.user(api.world.owner);
    expect(await api.json(enrol, attest, user)).toMatchObject({
      status: 403,
      json: { error: { code: "ROLE_REQUIRED" } },
    });
    expect(await api.send(audit, { signer: api.admin })).toMatchObject({
      status: 403,
      json: { error: { code: "ROLE_REQUIRED" } },
    });
  });

  it.each([-61_000, 62_000])("refuse a date %d ms from the server's clock", async (offsetMs) => {
    const answer = await api.send(audit, { signer: api.user(api.world.owner), nowMs: api.nowMs + offsetMs });
    expect(answer).toMatchObject({ status: 401, json: { error: { code: "AUTH_EXPIRED" } } });
  });

  it("refuse the same signed request a second time", async () => {
    const first = await api.send(audit, { signer: api.user(api.world.owner) });
    expect(first.status).toBe(200);
    const replay = await api.send(audit, { headers: first.sentHeaders });
    expect(replay).toMatchObject({ status: 401, json: { error: { code: "AUTH_REPLAYED" } } });
  });

  it("refuse a request that was signed for another node", async () => {
    const answer = await api.send(audit, { signer: api.user(api.world.owner), host: "other.example:9001" });
    expect(answer.json.error.code).toBe("AUTH_WRONG_AUTHORITY");
  });

  it("refuse a body that is not the one that was signed", async () => {
    const sent = body({ ...attest, role: "recipient" });
    const answer = await api.send(enrol, { body: body(attest), sent, signer: api.admin });
    expect(answer).toMatchObject({ status: 401, json: { error: { code: "AUTH_BAD_DIGEST" } } });
  });

  it("refuse a path that was changed after signing", async () => {
    const first = await api.send(audit, { signer: api.user(api.world.owner) });
    const moved = await api.send("/v1/requests", { headers: first.sentHeaders });
    expect(moved.json.error.code).toBe("AUTH_BAD_SIGNATURE");
  });
});

describe("bad input", () => {
  it.each([
    ["text that is no JSON", utf8("{oops")],
    ["bytes that are no text", Uint8Array.of(0xff, 0xfe)],
    ["JSON of another shape", utf8("[1, 2]")],
    ["a field of another shape", utf8('{"transaction": 7}')],
    ["hex that is no transaction", utf8('{"transaction": "00ff"}')],
  ])("is refused with a code: %s", async (_what, bytes) => {
    const { status, json } = await api.send("/v1/transactions", { body: bytes });
    expect(status).toBe(400);
    expect(json.error.code).toMatch(/^(REQUEST_MALFORMED|BAD_ENCODING)$/);
  });

  it("is refused when it is over the limit", async () => {
    const large = new Uint8Array(limits.apiBodyBytes + 1).fill(0x20);
    expect(await api.send("/v1/transactions", { body: large })).toMatchObject({
      status: 413,
      json: { error: { code: "BODY_TOO_LARGE" } },
    });
  });

  it("is refused in a media type that no route reads", async () => {
    const answer = await api.send("/v1/transactions", { body: utf8("<a/>"), type: "text/xml" });
    expect(answer).toMatchObject({ status: 415, json: { error: { code: "MEDIA_TYPE_UNKNOWN" } } });
  });

  it("is told apart from unknown paths and wrong methods", async () => {
    expect(await api.send("/v1/nothing")).toMatchObject({
      status: 404,
      json: { error: { code: "ROUTE_UNKNOWN" } },
    });
    const wrong = await api.send("/v1/status", { method: "DELETE" });
    expect(wrong).toMatchObject({ status: 405, json: { error: { code: "METHOD_NOT_ALLOWED" } } });
    expect(wrong.headers.allow).toBe("GET");
  });

  it("never brings a stack or an inner reason to the client", async () => {
    const { owner } = api.world;
    const message = { account: owner.id, index: 2, keyNo: 1, shareEpoch: 1, signature: new Uint8Array(64) };
    const request = toHex(ExtractRequest.serialize({ ...message, request: utf8("anything") }));
    const broken = await api.json("/v1/extractions", { request }, api.user(owner));
    expect(broken).toMatchObject({ status: 500, json: { error: { code: "INTERNAL" } } });
    expect(JSON.stringify(broken.json)).not.toMatch(/other node|\.ts|stack/);
  });
});

describe("demonstrations of misbehaviour", () => {
  it("are refused unless the config allows them", async () => {
    expect(await api.json("/v1/demo/lie", { lie: true }, api.admin)).toMatchObject({
      status: 403,
      json: { error: { code: "DEMO_NOT_ALLOWED" } },
    });
  });
});

describe("uploads", () => {
  it("are refused when the path names another digest than was signed", async () => {
    const bytes = utf8("not a payload");
    const path = `/v1/blobs/${"00".repeat(32)}`;
    const type = "application/octet-stream";
    const answer = await api.send(path, { method: "PUT", body: bytes, type, signer: api.admin });
    expect(answer.json.error.code).toBe("PAYLOAD_DIGEST");
  });

  it("are refused when the bytes are no payload file", async () => {
    const bytes = new Uint8Array(64);
    const path = `/v1/blobs/${toHex(sha256(bytes))}`;
    const type = "application/octet-stream";
    const answer = await api.send(path, { method: "PUT", body: bytes, type, signer: api.admin });
    expect(answer.json.error.code).toBe("STREAM_BAD_HEADER");
  });

  it("are refused when other bytes arrive than were signed", async () => {
    const bytes = payloadFile();
    const sent = bytes.slice();
    sent[40] = sent[40]! ^ 1;
    const path = `/v1/blobs/${toHex(sha256(bytes))}`;
    const type = "application/octet-stream";
    const answer = await api.send(path, { method: "PUT", body: bytes, sent, type, signer: api.admin });
    expect(answer.json.error.code).toBe("PAYLOAD_DIGEST");
  });

  it("take a payload file, again and again", async () => {
    const bytes = payloadFile();
    const path = `/v1/blobs/${toHex(sha256(bytes))}`;
    const sending = { method: "PUT", body: bytes, type: "application/octet-stream", signer: api.admin };
    for (let round = 0; round < 2; round++) {
      expect((await api.send(path, sending)).json).toEqual({
        digest: toHex(sha256(bytes)),
        lengthBytes: bytes.length,
      });
    }
  });
});

/** A file of the payload format's shape: head of version 1 with chunks of 2^16 bytes, and two chunks. */
function payloadFile(): Uint8Array {
  const head = Uint8Array.of(...utf8("CSP1"), 1, 16, ...new Uint8Array(16).fill(7));
  const bytes = new Uint8Array(head.length + 2 ** 16 + 16 + 100).fill(3);
  bytes.set(head);
  return bytes;
}
