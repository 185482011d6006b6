import {
  codeOf,
  createCryptoPool,
  ed25519Sign,
  emergencyIdentity,
  extractionRequestBytes,
  extractionRequestSigningBytes,
  sha256,
  typeIdentity,
  userIdentity,
  utf8,
} from "@consilium/crypto";
import { ExtractRequest, ZERO_32 } from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import type { Actor } from "../../../ledger/test/support/actors.js";
import { makeWorld, type World } from "../../../ledger/test/support/people.js";
import { KeyCentre } from "../../src/committee/index.js";
import { secureRandom } from "../../src/keys/index.js";
import { heldShares } from "../support/held-shares.js";
import { LedgerChain, nodeKeysOf, RecordedLog } from "../support/ledger-chain.js";

const MEMBER = 2;
let world: World;
let ask: (actor: Actor, identity: Uint8Array, account?: Uint8Array) => Promise<string>;
/** How often a share was taken out of the keystores. */
let uses = 0;

beforeAll(async () => {
  world = await makeWorld();
  const { chain } = world;
  const pool = await createCryptoPool();
  const nowMs = chain.timeMs;
  const held = heldShares(world, MEMBER);
  const centre = new KeyCentre({
    chain: new LedgerChain(chain),
    pool,
    secrets: {
      shareOfSession(...names) {
        uses += 1;
        return held.shareOfSession(...names);
      },
    },
    node: nodeKeysOf(chain.member(MEMBER - 1)).node,
    clock: { nowMs: () => nowMs, setTimer: () => ({ cancel() {} }) },
    random: secureRandom,
    log: new RecordedLog(),
  });
  const transportSecret = sha256(utf8("transport")).fill(0, 0, 1);
  const transportKey = await pool.run("transportPublicKey", { transportSecret });
  ask = (actor, identity, account = actor.account(chain.id)) => {
    const request = extractionRequestBytes({ identity, transportKey, timeMs: nowMs });
    const generation = { keyNo: 1, shareEpoch: 1 };
    const address = { chain: chain.id, generation, index: MEMBER };
    const signature = ed25519Sign(actor.secret, extractionRequestSigningBytes(address, request));
    const message = { account, index: MEMBER, ...generation, request, signature };
    return centre.serve("relay", ExtractRequest.serialize(message)).then(() => "served", codeOf);
  };
});

describe("an identity key", () => {
  it("of an emergency goes to nobody without a finalized emergency, its own clinician included", async () => {
    const { owner, clinician } = world;
    const gid = sha256(utf8("some grant"));
    expect(await ask(clinician, emergencyIdentity(clinician.id, gid))).toBe("EXTRACT_BAD_REQUEST");
    expect(await ask(owner, emergencyIdentity(clinician.id, gid))).toBe("EXTRACT_BAD_REQUEST");
  });

  it("of an owner's type goes to no member, not even the one that enrolled the owner", async () => {
    const { chain, owner } = world;
    expect(await ask(chain.member(0), owner.identity)).toBe("EXTRACT_BAD_REQUEST");
    expect(await ask(chain.member(0), owner.identity, owner.id)).toBe("EXTRACT_BAD_REQUEST");
  });

  it("does not move when the border of pid and type moves by a byte", async () => {
    const { owner } = world;
    const longer = typeIdentity({
      pid: Uint8Array.of(...owner.id, owner.type[0]!),
      type: owner.type.slice(1),
      version: 1,
    });
    const shorter = typeIdentity({
      pid: owner.id.slice(0, -1),
      type: Uint8Array.of(owner.id.at(-1)!, ...owner.type),
      version: 1,
    });
    for (const identity of [longer, shorter]) expect(await ask(owner, identity)).toBe("EXTRACT_BAD_REQUEST");
  });

  it("of the public test of a switch, or with bytes behind it, is none", async () => {
    const { owner } = world;
    for (const identity of [
      Uint8Array.of(0x53, ...ZERO_32),
      Uint8Array.of(...owner.identity, 0),
      new Uint8Array(),
    ])
      expect(await ask(owner, identity)).toBe("BAD_IDENTITY");
  });

  it("that is refused uses no share; one that is given does", async () => {
    expect(uses).toBe(0);
    expect(await ask(world.clinician, userIdentity(world.clinician.id))).toBe("served");
    expect(uses).toBe(1);
  });
});
