import { type CryptoPool, createCryptoPool, openFragment, recordId, verifyFragment } from "@consilium/crypto";
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

const lyingProxy = (): ProxyService => {
  const proxy = new ProxyService({
    chain: new LedgerChain(world.chain),
    pool,
    secrets: heldShares(world, MEMBER),
    node: nodeKeysOf(world.chain.member(MEMBER - 1)).node,
    clock: { nowMs: () => world.chain.timeMs, setTimer: () => ({ cancel() {} }) },
    random: secureRandom,
    log: new RecordedLog(),
  });
  proxy.setLying(true);
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

describe("a proxy that lies for a demonstration", () => {
  it("uses its share on no capsule that is not valid: it is left out of the lie as it would be of an answer", async () => {
    const { chain, owner, clinician } = world;
    const [good, bad] = [await addRecord(world, owner), await addInvalidRecord()];
    const grantId = await addGrant(world, owner, clinician);
    expect(await chain.send(clinician.open(grantId, [bad, good]))).toBe("OK");
    const { requestId } = queries.accessesOfRecipient(chain.state, clinician.id)[0]!;
    const sealed = await lyingProxy().serve("relay", FragmentRequest.serialize({ requestId }));
    const committee = queries.activeCommittee(chain.state, Purpose.proxy)!;
    const context = {
      ...{ chain: chain.id, requestId, generation: { keyNo: 1, shareEpoch: 1 }, index: MEMBER },
      verificationKey: committee.verificationKeys[MEMBER - 1]!,
    };
    const requestSecret = new Actor(`request ${clinician.name} 0`).exchangeSecret;
    const nodeKey = chain.member(MEMBER - 1).key;
    const { plaintext: plain } = openFragment({ context, sealed, records: 1, nodeKey, requestSecret });
    const u1 = [queries.record(chain.state, good)!.capsule.slice(0, 48)];
    expect(() => verifyFragment(chain.curve, { context, u1, plain })).toThrow(
      expect.objectContaining({ code: "FRAGMENT_BAD_PROOF" }),
    );
  });

  it("does not answer at all when no record is valid", async () => {
    const { chain, owner, clinician } = world;
    const grantId = await addGrant(world, owner, clinician);
    expect(await chain.send(clinician.open(grantId, [await addInvalidRecord()]))).toBe("OK");
    const { requestId } = queries.accessesOfRecipient(chain.state, clinician.id)[0]!;
    await expect(lyingProxy().serve("relay", FragmentRequest.serialize({ requestId }))).rejects.toMatchObject(
      {
        code: "CAPSULE_INVALID",
      },
    );
  });
});
