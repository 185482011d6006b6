import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { codeOf, concat, recordId, requestId as requestIdOf, sha256, utf8 } from "@consilium/crypto";
import { MemoryStore } from "@consilium/driver/testing";
import { createRecordLedger, queries } from "@consilium/ledger";
import {
  BodyChunkRequest,
  BodyChunkResponse,
  bodyRequestSigningBytes,
  RecordHeader,
  RecordPut,
  TransactionKind,
  ZERO_32,
} from "@consilium/protocol";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Actor } from "../../../ledger/test/support/actors.js";
import { TestChain } from "../../../ledger/test/support/chain.js";
import {
  addGrant,
  indexEntry,
  makeWorld,
  type Person,
  sendIndex,
  type World,
} from "../../../ledger/test/support/people.js";
import { BlobIndex, BodyService, privateGenesisOf } from "../../src/records/index.js";
import { openFileBlobStore } from "../../src/storage/index.js";
import { LedgerChain, RecordedLog } from "../support/ledger-chain.js";

/** A ciphertext file of one chunk, and its digest. */
const file = concat(utf8("CSP1"), Uint8Array.of(1, 16), new Uint8Array(16), new Uint8Array(978).fill(7));
const digest = sha256(file);
const header = RecordHeader.serialize({ version: 1, log2ChunkBytes: 16, chunkDigests: [digest] });

let world: World;
let hospital: Actor;
let bodies: BodyService;
let nowMs: number;
/** A record of the owner that the hospital sealed, put and indexed. */
let record: Uint8Array;
let log: RecordedLog;

beforeAll(async () => {
  world = await makeWorld();
  hospital = world.chain.member(0);
  const own = await TestChain.start(createRecordLedger, privateGenesisOf(world.chain.genesis, hospital.key));
  record = recordId(world.chain.id, hospital.key, 0);
  const entry = indexEntry(world.chain, hospital, world.owner, 0, { digest });
  const { owner, label, kgcKeyNo, ownerKeyNo, commitment, capsule, lengthBytes, dateBucket } = entry;
  const put = {
    ...{ recordId: record, recordNonce: 0, owner, label, kgcKeyNo, ownerKeyNo, header, lengthBytes },
    ...{ digest, commitment, capsule, dateBucket },
  };
  const putter = own.member(0);
  expect(await own.send(putter.transaction(own.id, TransactionKind.recordPut, RecordPut, put))).toBe("OK");
  expect(await world.chain.send(sendIndex(world.chain, hospital, entry))).toBe("OK");
  const blobs = new BlobIndex(
    await openFileBlobStore(mkdtempSync(join(tmpdir(), "consilium-bodies-"))),
    new MemoryStore(),
  );
  await blobs.put(digest, pieces(file));
  log = new RecordedLog();
  bodies = new BodyService({
    alliance: new LedgerChain(world.chain),
    private: new LedgerChain(own),
    blobs,
    nodeKey: hospital.key,
    clock: { nowMs: () => nowMs, setTimer: () => ({ cancel() {} }) },
    log,
  });
});

beforeEach(() => {
  nowMs = world.chain.timeMs;
});

async function* pieces(bytes: Uint8Array) {
  yield bytes;
}

interface Question {
  readonly by: Person;
  readonly recordId?: Uint8Array;
  readonly requestId?: Uint8Array;
  readonly chunk?: number;
  readonly timeMs?: number;
  readonly signer?: Actor;
  readonly signedFor?: Uint8Array;
}

function ask({ by, chunk = 0, signer = by, timeMs = nowMs, ...ids }: Question): Promise<Uint8Array> {
  const request = { recordId: ids.recordId ?? record, requestId: ids.requestId ?? ZERO_32, timeMs };
  const signed = bodyRequestSigningBytes(world.chain.id, {
    ...request,
    recordId: ids.signedFor ?? request.recordId,
  });
  const message = { ...request, account: by.id, chunk, signature: signer.sign(signed) };
  return bodies.serve("relay", BodyChunkRequest.serialize(message));
}

const refusalOf = (question: Question): Promise<string> => ask(question).then(() => "served", codeOf);

/** A finalized access of the clinician to a record, by its request id. */
async function openAccess(id: Uint8Array): Promise<Uint8Array> {
  const { owner, clinician, chain } = world;
  const grantId = await addGrant(world, owner, clinician);
  expect(await chain.send(clinician.open(grantId, [id]))).toBe("OK");
  nowMs = chain.timeMs;
  return queries.accessesOfRecipient(chain.state, clinician.id)[0]!.requestId;
}

describe("a custodian's ciphertexts", () => {
  it("go to the owner and to the recipient of a finalized access that names the record", async () => {
    const { chunk, header: sent } = BodyChunkResponse.deserialize(await ask({ by: world.owner }));
    expect([chunk, sent]).toEqual([file, header]);
    const requestId = await openAccess(record);
    expect(await refusalOf({ by: world.clinician, requestId })).toBe("served");
    expect(log.events("body.served").length).toBeGreaterThanOrEqual(2);
  });

  it("go to nobody else: not without an access, not under another's, not under one of another record", async () => {
    const { clinician, otherClinician, otherOwner } = world;
    expect(await refusalOf({ by: clinician })).toBe("BODY_NOT_ALLOWED");
    expect(await refusalOf({ by: otherOwner })).toBe("BODY_NOT_ALLOWED");
    const requestId = await openAccess(record);
    expect(await refusalOf({ by: otherClinician, requestId })).toBe("BODY_NOT_ALLOWED");
    expect(await refusalOf({ by: world.owner, requestId })).toBe("BODY_NOT_ALLOWED");
    const invented = requestIdOf({
      ...{ chain: world.chain.id, gid: record, uid: clinician.id, addressee: 0, nonce: 1 },
      ...{ generation: { keyNo: 1, shareEpoch: 1 }, requestKey: record, recordIds: [record] },
    });
    expect(await refusalOf({ by: clinician, requestId: invented })).toBe("BODY_NOT_ALLOWED");
  });

  it("are not given for a signature of somebody else, for another record, or out of its minute", async () => {
    const { owner, clinician } = world;
    expect(await refusalOf({ by: owner, signer: clinician })).toBe("BODY_BAD_REQUEST");
    expect(await refusalOf({ by: owner, signedFor: sha256(record) })).toBe("BODY_BAD_REQUEST");
    expect(await refusalOf({ by: owner, timeMs: nowMs - 60_001 })).toBe("BODY_BAD_REQUEST");
    expect(await refusalOf({ by: owner, timeMs: nowMs + 60_001 })).toBe("BODY_BAD_REQUEST");
    expect(await refusalOf({ by: owner, timeMs: nowMs - 60_000 })).toBe("served");
  });

  it("are not given to an owner for whom another member indexed the digest under this custodian's name", async () => {
    const { chain, otherOwner } = world;
    const accomplice = chain.member(1);
    const entry = indexEntry(chain, accomplice, otherOwner, 0, { digest, custodian: hospital.key });
    expect(await chain.send(sendIndex(chain, accomplice, entry))).toBe("OK");
    nowMs = chain.timeMs;
    const copied = recordId(chain.id, accomplice.key, 0);
    expect(await refusalOf({ by: otherOwner, recordId: copied })).toBe("RECORD_NOT_HERE");
  });

  it("are not given for a record of another custodian, an unknown record or a chunk that is not there", async () => {
    const { chain, owner } = world;
    const other = chain.member(2);
    expect(await chain.send(sendIndex(chain, other, indexEntry(chain, other, owner, 0, { digest })))).toBe(
      "OK",
    );
    nowMs = chain.timeMs;
    const elsewhere = recordId(chain.id, other.key, 0);
    expect(await refusalOf({ by: owner, recordId: elsewhere })).toBe("RECORD_NOT_HERE");
    expect(await refusalOf({ by: owner, recordId: sha256(record) })).toBe("RECORD_UNKNOWN");
    expect(await refusalOf({ by: owner, chunk: 1 })).toBe("BODY_MISSING");
  });

  it("are refused with a code for bytes that are no request", async () => {
    for (const bytes of [new Uint8Array(), new Uint8Array(177), new Uint8Array(100_000).fill(255)]) {
      expect(await bodies.serve("relay", bytes).then(() => "served", codeOf)).toMatch(
        /^(BAD_ENCODING|RECORD_UNKNOWN)$/,
      );
    }
  });
});
