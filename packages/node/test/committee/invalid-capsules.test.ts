import { type CryptoPool, createCryptoPool, openFragment, recordId } from "@consilium/crypto";
import { verifyFragment } from "@consilium/crypto/curve";
import { queries } from "@consilium/ledger";
import { FragmentRequest, Purpose } from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
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

beforeAll(async () => {
  world = await makeWorld();
  pool = await createCryptoPool();
});

const startProxy = (lies: boolean): ProxyService => {
  const proxy = new ProxyService({
    chain: new LedgerChain(world.chain),
    pool,
    secrets: heldShares(world, MEMBER),
    node: nodeKeysOf(world.chain.member(MEMBER - 1)).node,
    clock: { nowMs: () => world.chain.timeMs, setTimer: () => ({ cancel() {} }) },
    random: secureRandom,
    log: new RecordedLog(),
  });
  proxy.setLying(lies);
  return proxy;
};

/** A record whose capsule was made for another one. */
async function addInvalidRecord(): Promise<Uint8Array> {
  const { chain, owner } = world;
  const author = chain.member(1);
  const nonce = queries.nextNonces(chain.state, author.account(chain.id)).record;
  const { capsule } = indexEntry(chain, author, owner, nonce + 100);
  const entry = { ...indexEntry(chain, author, owner, nonce), capsule };
  expect(await chain.send(sendIndex(chain, author, entry))).toBe("OK");
  return recordId(chain.id, author.key, nonce);
}

/** The clinician opens an invalid record and a good one; what comes of it when the proxy is asked. */
async function openBoth(lies: boolean) {
  const { chain, owner, clinician } = world;
  const [good, bad] = [await addRecord(world, owner), await addInvalidRecord()];
  const grantId = await addGrant(world, owner, clinician);
  expect(await chain.send(clinician.open(grantId, [bad, good]))).toBe("OK");
  const { requestId } = queries.accessesOfRecipient(chain.state, clinician.id)[0]!;
  const sealed = await startProxy(lies).serve("relay", FragmentRequest.serialize({ requestId }));
  const committee = queries.activeCommittee(chain.state, Purpose.proxy)!;
  const context = {
    ...{ chain: chain.id, requestId, generation: { keyNo: 1, shareEpoch: 1 }, index: MEMBER },
    verificationKey: committee.verificationKeys[MEMBER - 1]!,
  };
  const requestSecret = new Actor(`request ${clinician.name} ${opened++}`).exchangeSecret;
  const nodeKey = chain.member(MEMBER - 1).key;
  const { plaintext: plain } = openFragment({ context, sealed, records: 1, nodeKey, requestSecret });
  const u1 = [queries.record(chain.state, good)!.capsule.slice(0, 48)];
  return () => verifyFragment(chain.curve, { context, u1, plain });
}

/** Requests of one person take the request keys `request NAME 0`, `request NAME 1`, … */
let opened = 0;

describe("an invalid capsule", () => {
  it("is left out of an answer, which is given for the others", async () => {
    expect((await openBoth(false))()).toHaveLength(1);
  });

  it("is touched by no share, not even for a demonstration's lie", async () => {
    expect(await openBoth(true)).toThrow(expect.objectContaining({ code: "FRAGMENT_BAD_PROOF" }));
  });

  it("alone gets no answer at all", async () => {
    const { chain, owner, clinician } = world;
    const grantId = await addGrant(world, owner, clinician);
    expect(await chain.send(clinician.open(grantId, [await addInvalidRecord()]))).toBe("OK");
    const { requestId } = queries.accessesOfRecipient(chain.state, clinician.id)[0]!;
    for (const lies of [false, true]) {
      const answer = startProxy(lies).serve("relay", FragmentRequest.serialize({ requestId }));
      await expect(answer).rejects.toMatchObject({ code: "CAPSULE_INVALID" });
    }
  });
});
