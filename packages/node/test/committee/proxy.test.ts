import { type CryptoPool, createCryptoPool, openFragment, recordId, toHex } from "@consilium/crypto";
import { verifyFragment } from "@consilium/crypto/curve";
import { queries } from "@consilium/ledger";
import { AccessOpen, decodeStrict, FragmentRequest, Purpose, SignedTransaction } from "@consilium/protocol";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Actor } from "../../../ledger/test/support/actors.js";
import {
  addGrant,
  addRecord,
  indexEntry,
  makeWorld,
  sendIndex,
  type World,
} from "../../../ledger/test/support/people.js";
import { ProxyService } from "../../src/committee/index.js";
import { secureRandom } from "../../src/keys/index.js";
import { heldShares } from "../support/held-shares.js";
import { LedgerChain, nodeKeysOf, RecordedLog } from "../support/ledger-chain.js";

const MEMBER = 2;
let world: World;
let pool: CryptoPool;
let log: RecordedLog;
let nowMs: number;
let proxy: ProxyService;
/** Requests of one person take the request keys `request NAME 0`, `request NAME 1`, … */
let opened = 0;

beforeAll(async () => {
  world = await makeWorld();
  pool = await createCryptoPool();
});

beforeEach(() => {
  nowMs = world.chain.timeMs;
  log = new RecordedLog();
  proxy = new ProxyService({
    chain: new LedgerChain(world.chain),
    pool,
    secrets: heldShares(world, MEMBER),
    node: nodeKeysOf(world.chain.member(MEMBER - 1)).node,
    clock: { nowMs: () => nowMs, setTimer: () => ({ cancel() {} }) },
    random: secureRandom,
    log,
  });
});

const ask = (requestId: Uint8Array): Promise<Uint8Array> =>
  proxy.serve("relay", FragmentRequest.serialize({ requestId }));

/** A finalized access of the clinician to one record; returns its request id. */
async function openRecord(overrides: Partial<AccessOpen> = {}, grant?: Uint8Array, record?: Uint8Array) {
  const { owner, clinician, chain } = world;
  const grantId = grant ?? (await addGrant(world, owner, clinician));
  const id = record ?? (await addRecord(world, owner));
  const transaction = clinician.open(grantId, [id], overrides);
  const requestSecret = new Actor(`request ${clinician.name} ${opened++}`).exchangeSecret;
  expect(await chain.send(transaction)).toBe("OK");
  nowMs = chain.timeMs;
  const { payload } = decodeStrict(SignedTransaction, transaction, "transaction").transaction;
  const { requestKey } = decodeStrict(AccessOpen, payload, "access");
  const access = queries.accessesOfRecipient(chain.state, clinician.id)[0]!;
  expect(access.requestKey).toEqual(requestKey);
  return { requestId: access.requestId, requestSecret, grantId, record: id };
}

function openSealed(sealed: Uint8Array, requestId: Uint8Array, requestSecret: Uint8Array) {
  const committee = queries.activeCommittee(world.chain.state, Purpose.proxy)!;
  const context = {
    chain: world.chain.id,
    requestId,
    generation: { keyNo: 1, shareEpoch: 1 },
    index: MEMBER,
    verificationKey: committee.verificationKeys[MEMBER - 1]!,
  };
  const nodeKey = world.chain.member(MEMBER - 1).key;
  const { plaintext } = openFragment({ context, sealed, records: 1, nodeKey, requestSecret });
  return { context, plain: plaintext };
}

describe("a proxy", () => {
  it("answers a finalized access with a fragment that verifies, sealed to the request", async () => {
    const { requestId, requestSecret, record } = await openRecord();
    const { context, plain } = openSealed(await ask(requestId), requestId, requestSecret);
    const u1 = [queries.record(world.chain.state, record)!.capsule.slice(0, 48)];
    expect(verifyFragment(world.chain.curve, { context, u1, plain })).toHaveLength(1);
    expect(log.events("fragment.served")).toHaveLength(1);
  });

  it("gives the same sealed bytes to a repeated request", async () => {
    const { requestId } = await openRecord();
    expect(await ask(requestId)).toEqual(await ask(requestId));
  });

  it("refuses a repeated request once the grant is revoked", async () => {
    const { requestId, grantId } = await openRecord();
    await ask(requestId);
    expect(await world.chain.send(world.owner.revoke(grantId))).toBe("OK");
    nowMs = world.chain.timeMs;
    await expect(ask(requestId)).rejects.toMatchObject({ code: "GRANT_INACTIVE" });
    expect(log.events("fragment.refused")[0]).toMatchObject({
      code: "GRANT_INACTIVE",
      request: toHex(requestId),
    });
  });

  it("refuses what its own clock says has expired, though the chain stands still", async () => {
    const expiryMs = world.chain.timeMs + 6_000;
    const grant = await addGrant(world, world.owner, world.clinician, { expiryMs });
    const { requestId } = await openRecord({}, grant);
    nowMs = expiryMs;
    await expect(ask(requestId)).rejects.toMatchObject({ code: "GRANT_INACTIVE" });
  });

  it("refuses an access that is not final here", async () => {
    await expect(ask(new Uint8Array(32).fill(7))).rejects.toMatchObject({ code: "REQ_UNKNOWN" });
  });

  it("uses no share while its finalized tip is three heartbeats old", async () => {
    const { requestId } = await openRecord();
    nowMs += 3 * world.chain.genesis.parameters.heartbeatMs;
    await expect(ask(requestId)).rejects.toMatchObject({ code: "TIP_STALE" });
  });

  it("refuses a request addressed to another proxy", async () => {
    const { requestId } = await openRecord({ addressee: MEMBER + 1 });
    await expect(ask(requestId)).rejects.toMatchObject({ code: "REQ_NOT_ADDRESSED" });
  });

  it("refuses a record whose capsule was taken from another record", async () => {
    const { chain, owner } = world;
    const author = chain.member(0);
    const first = await addRecord(world, owner);
    const nonce = queries.nextNonces(chain.state, author.account(chain.id)).record;
    const { capsule } = queries.record(chain.state, first)!;
    expect(
      await chain.send(sendIndex(chain, author, indexEntry(chain, author, owner, nonce, { capsule }))),
    ).toBe("OK");
    const { requestId } = await openRecord({}, undefined, recordId(chain.id, author.key, nonce));
    await expect(ask(requestId)).rejects.toMatchObject({ code: "CAPSULE_INVALID" });
  });

  it("tells lies only when a demonstration asks for them: the signature holds, the proof does not", async () => {
    const { requestId, requestSecret, record } = await openRecord();
    proxy.setLying(true);
    const { context, plain } = openSealed(await ask(requestId), requestId, requestSecret);
    const u1 = [queries.record(world.chain.state, record)!.capsule.slice(0, 48)];
    expect(() => verifyFragment(world.chain.curve, { context, u1, plain })).toThrow(
      expect.objectContaining({ code: "FRAGMENT_BAD_PROOF" }),
    );
    proxy.setLying(false);
    const honest = openSealed(await ask(requestId), requestId, requestSecret);
    expect(verifyFragment(world.chain.curve, { context, u1, plain: honest.plain })).toHaveLength(1);
  });
});
