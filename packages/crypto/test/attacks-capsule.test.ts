import { beforeAll, describe, expect, it } from "vitest";
import { bigintFromBytes, utf8 } from "../src/bytes.js";
import {
  capsuleContext,
  checkCapsule,
  headerDigest,
  openCapsuleAsOwner,
  openValidCapsuleAsOwner,
  type RecordFacts,
} from "../src/capsule.js";
import { decodeG1 } from "../src/curve/encoding.js";
import { recordId } from "../src/identity.js";
import { recoverKey } from "../src/recover.js";
import {
  codeFor,
  curve,
  expectCode,
  flipped,
  INFINITY_G1,
  INFINITY_G2,
  OUTSIDE_G1,
  OUTSIDE_G2,
  plus,
  replaced,
  times,
} from "./support/attacks.js";
import { type SealedRecord, seed, World } from "./support/world.js";

const world = new World(curve, curve);
let ownerKey: Uint8Array;
let record: SealedRecord;
let facts: RecordFacts;

beforeAll(async () => {
  ownerKey = await world.register();
  record = await world.seal(1, ownerKey);
  facts = world.recordFacts(1, ownerKey);
});

const check = (capsule: Uint8Array, context = record.context) => checkCapsule(curve, { capsule, context });

describe("a capsule", () => {
  it("cannot be replayed under any other public fact of a record", async () => {
    const changes: Readonly<Record<string, Partial<RecordFacts>>> = {
      chain: { chain: seed("another chain") },
      record: { recordId: recordId(world.chain, world.author, 2) },
      author: { author: seed("another author") },
      label: { label: seed("another label") },
      "centre key": { kgcKeyNo: 2 },
      "owner key": { ownerKey: world.groupKey },
      header: { headerDigest: headerDigest(utf8("another header")) },
      "payload length": { payloadSizeBytes: 7 },
      "payload digest": { payloadDigest: seed("another payload") },
    };
    for (const [name, change] of Object.entries(changes)) {
      const context = capsuleContext({ ...facts, ...change }, record.commitment);
      expect.soft(await codeFor(() => check(record.capsule, context)), name).toBe("CAPSULE_INVALID");
    }
    const context = capsuleContext(facts, seed("another commitment"));
    expect(await codeFor(() => check(record.capsule, context))).toBe("CAPSULE_INVALID");
    expect(await codeFor(() => check(record.capsule))).toBe("ANSWERED");
  });

  it("copied into a superseding record is refused, because that record has another context", async () => {
    const successor = world.recordFacts(2, ownerKey);
    const context = capsuleContext({ ...successor, payloadDigest: facts.payloadDigest }, record.commitment);
    expect(await codeFor(() => check(record.capsule, context))).toBe("CAPSULE_INVALID");
  });

  it("cannot be scaled by a constant", async () => {
    const { capsule } = record;
    const u1 = times(curve.g1, capsule.slice(0, 48), 5n);
    const u2 = times(curve.g2, capsule.slice(48, 144), 5n);
    const v = times(curve.g1, capsule.slice(144), 5n);
    const scaled = replaced(replaced(replaced(capsule, 0, u1), 48, u2), 144, v);
    expect(await codeFor(() => check(scaled))).toBe("CAPSULE_INVALID");
  });

  it("is refused with a point of another record, with a shifted point or a turned sign", async () => {
    const other = await world.seal(2, ownerKey);
    const { capsule } = record;
    await expectCode("CAPSULE_INVALID", {
      U1: () => check(replaced(capsule, 0, other.capsule.slice(0, 48))),
      U2: () => check(replaced(capsule, 48, other.capsule.slice(48, 144))),
      V: () => check(replaced(capsule, 144, plus(curve.g1, capsule.slice(144), curve.g1.generator))),
      "sign of U1": () => check(flipped(capsule, 0, 0x20)),
      "sign of V": () => check(flipped(capsule, 144, 0x20)),
    });
  });

  it("is refused with bad points in each field", async () => {
    const { capsule } = record;
    await expectCode("NOT_IN_SUBGROUP", {
      U1: () => check(replaced(capsule, 0, OUTSIDE_G1)),
      U2: () => check(replaced(capsule, 48, OUTSIDE_G2)),
      V: () => check(replaced(capsule, 144, OUTSIDE_G1)),
      "U1 plus low order": () =>
        check(
          replaced(capsule, 0, plus(curve.g1, capsule.slice(0, 48), curve.g1.fromCheckedBytes(OUTSIDE_G1)!)),
        ),
    });
    await expectCode("IDENTITY_POINT", {
      U1: () => check(replaced(capsule, 0, INFINITY_G1)),
      U2: () => check(replaced(capsule, 48, INFINITY_G2)),
      V: () => check(replaced(capsule, 144, INFINITY_G1)),
    });
  });

  it("does not open for the owner under facts it was not made for, even with the right key", async () => {
    const decryptionKey = await world.decryptionKey();
    const context = capsuleContext({ ...facts, author: seed("a false author") }, record.commitment);
    const open = () =>
      openCapsuleAsOwner(curve, { ...record, context, identity: world.identity(), ownerKey, decryptionKey });
    expect(await codeFor(open)).toBe("CAPSULE_INVALID");
  });

  it("does not open for a quorum of key centres when the owner holds a factor", async () => {
    const typeKey = await world.extract(world.identity());
    const input = { ...record, identity: world.identity(), ownerKey, decryptionKey: typeKey };
    expect(await codeFor(() => openValidCapsuleAsOwner(curve, input))).toBe("KEY_COMMITMENT");
  });

  it("of a new version does not open under an old grant, though all proxies collude", async () => {
    const terms = world.grantTerms(ownerKey);
    const grant = await world.openGrant(terms, await world.grant(terms));
    const z = bigintFromBytes(world.proxies.secret);
    const powerOfAllProxies = (capsule: Uint8Array) =>
      curve.g1.toBytes(curve.g1.multiply(decodeG1(curve, capsule.slice(0, 48)), z));
    const next = await world.seal(3, ownerKey, 2);
    const recover = (sealed: SealedRecord) =>
      recoverKey(curve, { ...sealed, grant, combined: powerOfAllProxies(sealed.capsule) });
    expect(await codeFor(() => recover(next))).toBe("KEY_COMMITMENT");
    expect(recover(record)).toEqual(record.key);
  });
});
