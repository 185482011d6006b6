import { recordId, toHex } from "@consilium/crypto";
import { ChainKind, RecordHeader, RecordPut, TransactionKind } from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { createRecordLedger, queries } from "../../src/index.js";
import { makeGenesis, TestChain } from "../support/chain.js";

const allianceChainId = new Uint8Array(32).fill(0xa1);
let chain: TestChain;

beforeAll(async () => {
  const { members } = makeGenesis();
  const genesis = makeGenesis({
    kind: ChainKind.private,
    members: members.slice(0, 1),
    seats: 1,
    keyCentre: [],
    allianceChainId,
  });
  chain = await TestChain.start(createRecordLedger, genesis);
});

const header = (chunks: number, overrides: Partial<RecordHeader> = {}): Uint8Array =>
  RecordHeader.serialize({
    version: 1,
    log2ChunkBytes: 16,
    chunkDigests: Array.from({ length: chunks }, (_, index) => new Uint8Array(32).fill(index)),
    ...overrides,
  });

function entry(recordNonce: number, overrides: Partial<RecordPut> = {}): RecordPut {
  return {
    recordId: recordId(allianceChainId, chain.member(0).key, recordNonce),
    recordNonce,
    owner: new Uint8Array(32).fill(1),
    label: new Uint8Array(32).fill(2),
    kgcKeyNo: 1,
    ownerKeyNo: 1,
    header: header(2),
    lengthBytes: 22 + 65_536 + 16 + 500,
    digest: new Uint8Array(32).fill(3),
    commitment: new Uint8Array(32).fill(4),
    capsule: new Uint8Array(192).fill(5),
    dateBucket: 19_700,
    ...overrides,
  };
}

const put = (payload: RecordPut): Uint8Array =>
  chain.member(0).transaction(chain.id, TransactionKind.recordPut, RecordPut, payload);

describe("record/put", () => {
  it("keeps the whole entry with its header under the alliance's record id", async () => {
    const payload = entry(0);
    const { codes, events } = await chain.block([put(payload)]);
    expect(codes).toEqual(["OK"]);
    expect(events).toEqual([{ type: "record-put", recordId: payload.recordId }]);
    const stored = queries.recordPut(chain.state, payload.recordId)!;
    expect(stored.header).toEqual(payload.header);
    expect(stored.author).toEqual(chain.member(0).key);
    expect(queries.recordPuts(chain.state).map((each) => toHex(each.recordId))).toEqual([
      toHex(payload.recordId),
    ]);
    expect(queries.recordPutCount(chain.state)).toBe(1);
    expect(queries.nextNonces(chain.state, chain.member(0).account(chain.id)).record).toBe(1);
  });

  it("takes a record id once", async () => {
    expect(await chain.send(put(entry(5)))).toBe("OK");
    expect(await chain.refused(put(entry(5)))).toBe("RECORD_ID_USED");
  });

  it("takes no record id but the one that derives from the author's key and nonce", async () => {
    const { recordId: other } = entry(9);
    expect(await chain.refused(put(entry(8, { recordId: other })))).toBe("RECORD_BAD_ID");
    const onPrivateChain = recordId(chain.id, chain.member(0).key, 8);
    expect(await chain.refused(put(entry(8, { recordId: onPrivateChain })))).toBe("RECORD_BAD_ID");
  });

  it.each([
    ["is no header", { header: new Uint8Array(3) }],
    ["has another version", { header: header(2, { version: 2 }) }],
    ["has chunks of a size that streams do not have", { header: header(2, { log2ChunkBytes: 15 }) }],
    ["has too few chunk digests", { header: header(1) }],
    ["has too many chunk digests", { header: header(3) }],
  ])("refuses a header that %s", async (_, overrides) => {
    expect(await chain.refused(put(entry(20, overrides)))).toBe("RECORD_BAD_HEADER");
  });

  it("counts chunks as the stream does, at both sides of a chunk's end", async () => {
    const oneFullChunk = 22 + 65_536 + 16;
    expect(await chain.send(put(entry(30, { lengthBytes: oneFullChunk, header: header(1) })))).toBe("OK");
    expect(await chain.send(put(entry(31, { lengthBytes: oneFullChunk + 17, header: header(2) })))).toBe(
      "OK",
    );
    expect(await chain.send(put(entry(32, { lengthBytes: 38, header: header(1) })))).toBe("OK");
    expect(await chain.refused(put(entry(33, { lengthBytes: 37, header: header(1) })))).toBe(
      "RECORD_BAD_LENGTH",
    );
  });

  it("knows no kind of the alliance chain", async () => {
    const { chainAnchor } = TransactionKind;
    const anchor = chain.member(0).rawTransaction(chain.id, chainAnchor, new Uint8Array(72), { nonce: 99 });
    expect(await chain.verdict(anchor)).toBe("fault TX_KIND_NOT_HERE");
  });
});
