import { codeOf, grantId, grantSigningBytes } from "@consilium/crypto";
import { decodeG1, decodeG2 } from "@consilium/crypto/curve";
import { CeremonyEk, type GrantCreate, Purpose, Role, TransactionKind } from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { queries } from "../../src/index.js";
import type { TestChain } from "../support/chain.js";
import { makeWorld, Person, type World } from "../support/people.js";

let world: World;
let chain: TestChain;
/** Points of the curve that lie outside the subgroup of prime order, and infinity. */
let outside: { readonly g1: Uint8Array; readonly g2: Uint8Array };
const infinity = { g1: infinityOf(48), g2: infinityOf(96) };

beforeAll(async () => {
  world = await makeWorld();
  chain = world.chain;
  outside = { g1: findOutside(48, decodeG1), g2: findOutside(96, decodeG2) };
});

function infinityOf(sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  bytes[0] = 0xc0;
  return bytes;
}

/** Nearly every point of either curve lies outside the subgroup, so a small x with a point does. */
function findOutside(sizeBytes: number, decode: typeof decodeG1 | typeof decodeG2): Uint8Array {
  for (let x = 1; x < 256; x++) {
    const bytes = new Uint8Array(sizeBytes);
    bytes[0] = 0x80;
    bytes[sizeBytes - 1] = x;
    try {
      decode(chain.curve, bytes);
    } catch (error) {
      if (codeOf(error) === "NOT_IN_SUBGROUP") return bytes;
    }
  }
  throw new Error("no point outside the subgroup was found");
}

const cases = () =>
  [
    ["NOT_IN_SUBGROUP", outside],
    ["IDENTITY_POINT", infinity],
  ] as const;

function withBytes(bytes: Uint8Array, offset: number, part: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  changed.set(part, offset);
  return changed;
}

/** The grant with another body, signed by its owner. */
function resigned(grant: GrantCreate, body: Uint8Array): Uint8Array {
  const { owner } = world;
  const { kgcKeyNo, label, scope, notBeforeMs, expiryMs } = grant;
  const terms = {
    ...{ chain: chain.id, label, kgcKeyNo, proxyKeyNo: grant.zKeyNo, notBeforeMs, expiryMs, scope },
    gid: grantId(chain.id, owner.key, grant.grantNonce),
    ownerKey: queries.ownerKey(chain.state, owner.id, kgcKeyNo, grant.ownerKeyNo)!,
    proxyKey: queries.publicKeyOf(chain.state, Purpose.proxy, grant.zKeyNo)!,
    uid: grant.recipient,
    recipientKey: grant.recipientExchangeKey,
  };
  return owner.sendGrant({ ...grant, body, signature: owner.sign(grantSigningBytes(terms, body)) });
}

describe("a point outside the prime-order subgroup, or infinity", () => {
  it("is refused as M, as Y2 and as C0 of a grant", async () => {
    const grant = world.owner.grant(world, world.clinician);
    for (const [code, { g1, g2 }] of cases()) {
      expect(await chain.refused(resigned(grant, withBytes(grant.body, 0, g1)))).toBe(code);
      expect(await chain.refused(resigned(grant, withBytes(grant.body, 48, g2)))).toBe(code);
      expect(await chain.refused(resigned(grant, withBytes(grant.body, 145, g2)))).toBe(code);
    }
  });

  it("is refused as X and as Pi of an owner's registration", async () => {
    const newcomer = new Person(chain, "synthetic newcomer", Role.owner, chain.member(0));
    const ownerFactor = newcomer.factorMessage();
    for (const [code, { g1, g2 }] of cases()) {
      expect(await chain.refused(newcomer.register({ ownerFactor: withBytes(ownerFactor, 0, g1) }))).toBe(
        code,
      );
      expect(await chain.refused(newcomer.register({ ownerFactor: withBytes(ownerFactor, 48, g2) }))).toBe(
        code,
      );
    }
    expect(await chain.send(newcomer.register())).toBe("OK");
  });

  it("is refused as a dealing key", async () => {
    const message = world.centre.dealingKey(1);
    for (const [code, { g1 }] of cases()) {
      const payload = { purpose: Purpose.keyCentre, message: withBytes(message, 0, g1) };
      const transaction = chain
        .member(0)
        .transaction(chain.id, TransactionKind.ceremonyEk, CeremonyEk, payload);
      expect(await chain.refused(transaction)).toBe(code);
    }
  });
});
