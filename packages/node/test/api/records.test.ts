import { capsuleContext, headerDigest, sha256, toHex, utf8 } from "@consilium/crypto";
import { encapsulateKey, sealCapsule } from "@consilium/crypto/curve";
import { queries } from "@consilium/ledger";
import {
  BodyChunkRequest,
  BodyChunkResponse,
  bodyRequestSigningBytes,
  decodeStrict,
  RecordHeader,
  RecordPut,
  ZERO_32,
} from "@consilium/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addGrant, type Person } from "../../../ledger/test/support/people.js";
import { ApiHarness } from "../support/api-harness.js";

let api: ApiHarness;
let record: RecordPut;
const file = payloadFile();
const octets = { type: "application/octet-stream" };

beforeAll(async () => {
  api = await ApiHarness.start();
  record = await makeRecord();
});
afterAll(() => api.api.stop());

/** A payload file of two chunks of 2^16 bytes and a rest. */
function payloadFile(): Uint8Array {
  const head = Uint8Array.of(...utf8("CSP1"), 1, 16, ...new Uint8Array(16).fill(7));
  const bytes = new Uint8Array(head.length + 2 * (2 ** 16 + 16) + 100).fill(3);
  bytes.set(head);
  return bytes;
}

function chunksOf(bytes: Uint8Array): Uint8Array[] {
  const size = 2 ** 16 + 16;
  const cuts = [0, 22 + size, 22 + 2 * size, bytes.length];
  return [0, 1, 2].map((index) => bytes.slice(cuts[index], cuts[index + 1]));
}

async function makeRecord(): Promise<RecordPut> {
  const { world, admin } = api;
  const { owner, chain } = world;
  const { reserved } = (await api.json("/v1/records/reserve", { count: 1 }, admin)).json;
  const recordId = Uint8Array.from(Buffer.from(reserved[0].recordId, "hex"));
  const header = RecordHeader.serialize({
    version: 1,
    log2ChunkBytes: 16,
    chunkDigests: chunksOf(file).map((chunk) => sha256(chunk)),
  });
  const ownerKey = queries.ownerKey(chain.state, owner.id, 1, 1)!;
  const randomness = chain.member(0).random.scalar();
  const { commitment } = encapsulateKey(chain.curve, { identity: owner.identity, ownerKey, randomness });
  const facts = {
    ...{ chain: chain.id, recordId, author: chain.member(0).key, label: owner.label, kgcKeyNo: 1, ownerKey },
    ...{ headerDigest: headerDigest(header), payloadSizeBytes: file.length, payloadDigest: sha256(file) },
  };
  const capsule = sealCapsule(chain.curve, { randomness, context: capsuleContext(facts, commitment) });
  return {
    ...{ recordId, recordNonce: reserved[0].recordNonce, owner: owner.id, label: owner.label },
    ...{ kgcKeyNo: 1, ownerKeyNo: 1, header, lengthBytes: file.length, digest: sha256(file) },
    ...{ commitment, capsule, dateBucket: 19_700 },
  };
}

const put = (changed: RecordPut) =>
  api.json("/v1/records", { record: toHex(RecordPut.serialize(changed)) }, api.admin);

function askChunk(person: Person, chunk: number, requestId: Uint8Array = ZERO_32) {
  const facts = { recordId: record.recordId, requestId, timeMs: api.nowMs };
  const signature = person.sign(bodyRequestSigningBytes(api.world.chain.id, facts));
  const request = toHex(BodyChunkRequest.serialize({ ...facts, account: person.id, signature, chunk }));
  return api.json(`/v1/bodies/${toHex(record.recordId)}/chunks/${chunk}`, { request }, api.user(person));
}

describe("a hospital's records", () => {
  it("have ids that are never handed out twice", async () => {
    const answers = await Promise.all(
      [3, 2].map((count) => api.json("/v1/records/reserve", { count }, api.admin)),
    );
    const ids = answers.flatMap(({ json }) =>
      json.reserved.map(({ recordId }: { recordId: string }) => recordId),
    );
    expect(new Set(ids).size).toBe(5);
    expect(ids).not.toContain(toHex(record.recordId));
  });

  it("are refused before their ciphertext is there", async () => {
    expect(await put(record)).toMatchObject({ status: 409, json: { error: { code: "BLOB_MISSING" } } });
  });

  it("stand on the private chain and in the alliance's index, once, however often they are sent", async () => {
    const path = `/v1/blobs/${toHex(record.digest)}`;
    expect((await api.send(path, { method: "PUT", body: file, ...octets, signer: api.admin })).status).toBe(
      200,
    );
    const [first, second] = await Promise.all([put(record), put(record)]);
    expect(first.status).toBe(200);
    expect(second.json).toEqual(first.json);
    expect((await put(record)).json).toEqual(first.json);
    expect(queries.recordPutCount(api.own.state())).toBe(1);
    const index = queries.record(api.alliance.state(), record.recordId)!;
    expect(index.privateHeight).toBe(first.json.privateHeight);
    const { records } = (await api.send("/v1/hospital/records", { signer: api.admin })).json;
    expect(records).toMatchObject([{ recordNonce: record.recordNonce, indexHeight: index.height }]);
  });

  it("are refused when other bytes come under a used id, or chunk digests are not those of the ciphertext", async () => {
    const other = await put({ ...record, dateBucket: 1 });
    expect(other).toMatchObject({ status: 409, json: { error: { code: "RECORD_ID_USED" } } });
    const header = RecordHeader.serialize({
      version: 1,
      log2ChunkBytes: 16,
      chunkDigests: [ZERO_32, ZERO_32, ZERO_32],
    });
    expect((await put({ ...record, header })).json.error.code).toBe("RECORD_BAD_HEADER");
    const foreign = await put({ ...record, recordNonce: record.recordNonce + 100 });
    expect(foreign.json.error.code).toBe("RECORD_BAD_ID");
  });

  it("are listed for their owner by label", async () => {
    const { owner } = api.world;
    const path = `/v1/records?owner=${toHex(owner.id)}&label=${toHex(owner.label)}`;
    const { records } = (await api.send(path, { signer: api.user(owner) })).json;
    expect(records).toMatchObject([{ recordId: toHex(record.recordId), status: "live" }]);
  });

  it("are listed whole for their owner alone, and by label for whoever was told it", async () => {
    const { owner, clinician } = api.world;
    const whole = `/v1/records?owner=${toHex(owner.id)}`;
    expect((await api.send(whole, { signer: api.user(owner) })).status).toBe(200);
    const foreign = await api.send(whole, { signer: api.user(clinician) });
    expect(foreign).toMatchObject({ status: 403, json: { error: { code: "NOT_YOURS" } } });
    const byLabel = await api.send(`${whole}&label=${toHex(owner.label)}`, { signer: api.user(clinician) });
    expect(byLabel.json.records).toHaveLength(1);
  });
});

describe("ciphertexts", () => {
  it("go to the owner chunk by chunk, the header with the first", async () => {
    const chunks = chunksOf(file);
    for (const [index, expected] of chunks.entries()) {
      const { status, bytes } = await askChunk(api.world.owner, index);
      expect(status).toBe(200);
      const response = decodeStrict(BodyChunkResponse, bytes, "chunk");
      expect(Buffer.from(response.chunk).equals(expected)).toBe(true);
      expect(response.header).toEqual(index === 0 ? record.header : new Uint8Array());
    }
    expect((await askChunk(api.world.owner, chunks.length)).json.error.code).toBe("BODY_MISSING");
  });

  it("go to a recipient only under a finalized access that names the record", async () => {
    const { world } = api;
    expect(await askChunk(world.clinician, 0)).toMatchObject({
      status: 403,
      json: { error: { code: "BODY_NOT_ALLOWED" } },
    });
    const grant = await addGrant(world, world.owner, world.clinician);
    expect(await world.chain.send(world.clinician.open(grant, [record.recordId]))).toBe("OK");
    const { requestId } = queries.accessesOfRecipient(world.chain.state, world.clinician.id)[0]!;
    expect((await askChunk(world.clinician, 0, requestId)).status).toBe(200);
    expect((await askChunk(world.otherClinician, 0, requestId)).json.error.code).toBe("BODY_NOT_ALLOWED");
  });

  it("are refused to a request whose signature is old or another's", async () => {
    const { world } = api;
    const facts = { recordId: record.recordId, requestId: ZERO_32, timeMs: api.nowMs - 60_001 };
    const send = (signature: Uint8Array, timeMs: number) => {
      const fields = { ...facts, timeMs, account: world.owner.id, signature, chunk: 0 };
      const request = toHex(BodyChunkRequest.serialize(fields));
      const path = `/v1/bodies/${toHex(record.recordId)}/chunks/0`;
      return api.json(path, { request }, api.user(world.owner));
    };
    const old = await send(world.owner.sign(bodyRequestSigningBytes(world.chain.id, facts)), facts.timeMs);
    expect(old.json.error.code).toBe("BODY_BAD_REQUEST");
    const fresh = { ...facts, timeMs: api.nowMs };
    const forged = await send(
      world.otherOwner.sign(bodyRequestSigningBytes(world.chain.id, fresh)),
      api.nowMs,
    );
    expect(forged.json.error.code).toBe("BODY_BAD_REQUEST");
  });
});
