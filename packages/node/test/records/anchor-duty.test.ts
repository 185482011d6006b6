import { recordId, toHex } from "@consilium/crypto";
import { createRecordLedger, queries } from "@consilium/ledger";
import { digestOf, RecordHeader, RecordPut, TransactionKind } from "@consilium/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Actor } from "../../../ledger/test/support/actors.js";
import { TestChain } from "../../../ledger/test/support/chain.js";
import { AnchorDuty, privateGenesisOf, TransactionSender } from "../../src/records/index.js";
import { LedgerChain, nodeKeysOf, RecordedLog } from "../support/ledger-chain.js";

const header = RecordHeader.serialize({
  ...{ version: 1, log2ChunkBytes: 16, chunkDigests: [new Uint8Array(32)] },
});

let hospital: Actor;
let alliance: LedgerChain;
let own: LedgerChain;
let sender: TransactionSender;
let duty: AnchorDuty;

beforeEach(async () => {
  alliance = new LedgerChain(await TestChain.start());
  hospital = alliance.ledger.member(0);
  const genesis = privateGenesisOf(alliance.ledger.genesis, hospital.key);
  own = new LedgerChain(await TestChain.start(createRecordLedger, genesis));
  startDuty();
});

afterEach(() => stopDuty());

/** What a start of the node does. */
function startDuty(): void {
  const log = new RecordedLog();
  sender = new TransactionSender(alliance, nodeKeysOf(hospital).node, log);
  duty = new AnchorDuty(alliance, own, sender, hospital.key, log);
  duty.start();
}

function stopDuty(): void {
  duty.stop();
  sender.stop();
}

/** A private block with one record/put. */
async function putRecord(recordNonce: number): Promise<void> {
  const payload: RecordPut = {
    ...{ recordId: recordId(alliance.chainId, hospital.key, recordNonce), recordNonce },
    ...{ owner: new Uint8Array(32).fill(1), label: new Uint8Array(32).fill(2), kgcKeyNo: 1, ownerKeyNo: 1 },
    ...{ header, lengthBytes: 1_000, digest: new Uint8Array(32).fill(3), dateBucket: 19_700 },
    ...{ commitment: new Uint8Array(32).fill(4), capsule: new Uint8Array(192).fill(5) },
  };
  const putter = own.ledger.member(0);
  const encoded = putter.transaction(own.chainId, TransactionKind.recordPut, RecordPut, payload);
  expect(await own.submit(encoded)).toMatchObject({ accepted: true });
  await own.produce();
}

/** Waits for the anchor that `act` causes, and makes it final. */
async function anchoredBy(act: () => Promise<void> | void): Promise<void> {
  const submitted = alliance.submission();
  await act();
  await submitted;
  await alliance.produce();
}

const anchor = () => queries.anchorOfMember(alliance.state(), hospital.key);

/** Transactions that ever became final on the alliance chain: here all of them are anchors. */
const anchorCount = (): number =>
  alliance.ledger.blocks.reduce((sum, { payload }) => sum + payload.transactions.length, 0);

/** The newest anchor is the digest of the private block at its height. */
function expectAnchored(height: number): void {
  expect(anchor()?.height).toBe(height);
  expect(toHex(anchor()!.chainId)).toBe(toHex(own.chainId));
  expect(toHex(anchor()!.digest)).toBe(toHex(digestOf(own.blockAt(height)!.header)));
}

describe("the anchor of a private chain", () => {
  it("follows each block that holds a record, on the alliance chain", async () => {
    await anchoredBy(() => putRecord(0));
    expectAnchored(1);
    await anchoredBy(() => putRecord(1));
    expectAnchored(2);
    expect(anchorCount()).toBe(2);
  });

  it("is not written for blocks that hold nothing", async () => {
    await own.produce();
    await own.produce();
    await anchoredBy(() => putRecord(0));
    expectAnchored(3);
    await own.produce();
    await alliance.produce();
    expect(anchorCount()).toBe(1);
  });

  it("covers with one transaction what came while an earlier one was under way", async () => {
    const submitted = alliance.submission();
    await putRecord(0);
    await submitted;
    await putRecord(1);
    await putRecord(2);
    const next = alliance.submission();
    await alliance.produce();
    expectAnchored(1);
    // The next block of the alliance, which comes by its heartbeat, finds two records that no anchor covers.
    await alliance.produce();
    await next;
    await alliance.produce();
    expectAnchored(3);
    expect(anchorCount()).toBe(2);
  });

  it("is made up after a restart for records that became final unanchored", async () => {
    stopDuty();
    await putRecord(0);
    await own.produce();
    await alliance.produce();
    expect(anchor()).toBeUndefined();
    await anchoredBy(() => startDuty());
    expectAnchored(2);
  });

  it("is not repeated after a restart when nothing is missing", async () => {
    await anchoredBy(() => putRecord(0));
    stopDuty();
    startDuty();
    await own.produce();
    await alliance.produce();
    await anchoredBy(() => putRecord(1));
    expectAnchored(3);
    expect(anchorCount()).toBe(2);
  });
});
