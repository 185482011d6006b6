import { describe, expect, it } from "vitest";
import { bigintFromBytes, concat, fromHex, lp16, u32 } from "../src/bytes.js";
import { decodeG1, decodeG2, decodePointOnCurve, decodeScalar } from "../src/curve/encoding.js";
import { nobleCurve } from "../src/curve/noble-curve.js";
import { FIELD_PRIME, SCALAR_ORDER } from "../src/curve/order.js";
import { checkOwnerRegistration } from "../src/owner-factor.js";
import { proveSchnorr } from "../src/proofs.js";
import {
  codeFor,
  expectCode,
  INFINITY_G1,
  INFINITY_G2,
  curve as mcl,
  OUTSIDE_G1,
  OUTSIDE_G2,
  plus,
  replaced,
} from "./support/attacks.js";
import { scalar, seed, World } from "./support/world.js";

const hex32 = (value: bigint) => fromHex(value.toString(16).padStart(64, "0"));
const hex48 = (value: bigint) => fromHex(value.toString(16).padStart(96, "0"));

describe.each([mcl, nobleCurve])("decoding on $name", (curve) => {
  const g1 = curve.g1.toBytes(curve.g1.generator);
  const g2 = curve.g2.toBytes(curve.g2.generator);

  it("refuses points outside the subgroup, alone or added to a good one", async () => {
    const lowOrder1 = curve.g1.fromCheckedBytes(OUTSIDE_G1)!;
    const lowOrder2 = curve.g2.fromCheckedBytes(OUTSIDE_G2)!;
    await expectCode("NOT_IN_SUBGROUP", {
      "G1 alone": () => decodeG1(curve, OUTSIDE_G1),
      "G2 alone": () => decodeG2(curve, OUTSIDE_G2),
      "G1 sum": () => decodeG1(curve, plus(curve.g1, g1, lowOrder1)),
      "G2 sum": () => decodeG2(curve, plus(curve.g2, g2, lowOrder2)),
    });
    expect(curve.g1.toBytes(decodePointOnCurve(curve.g1, OUTSIDE_G1))).toEqual(OUTSIDE_G1);
  });

  it("refuses infinity", async () => {
    await expectCode("IDENTITY_POINT", {
      G1: () => decodeG1(curve, INFINITY_G1),
      G2: () => decodeG2(curve, INFINITY_G2),
    });
  });

  it("refuses unreduced coordinates, uncompressed flags, dressed-up infinity and points off the curve", async () => {
    const unreduced = hex48(FIELD_PRIME + 4n);
    unreduced[0] = unreduced[0]! | 0x80;
    await expectCode("BAD_POINT", {
      "x ≥ p": () => decodeG1(curve, unreduced),
      "c0 ≥ p": () => decodeG2(curve, replaced(g2, 48, hex48(FIELD_PRIME))),
      "compression bit clear": () => decodeG1(curve, replaced(g1, 0, Uint8Array.of(g1[0]! & 0x7f))),
      "infinity with sign": () => decodeG1(curve, replaced(INFINITY_G1, 0, Uint8Array.of(0xe0))),
      "infinity with junk": () => decodeG1(curve, replaced(INFINITY_G1, 47, Uint8Array.of(1))),
      "infinity with junk in G2": () => decodeG2(curve, replaced(INFINITY_G2, 95, Uint8Array.of(1))),
      "off the curve": () => decodeG1(curve, fromHex(`80${"00".repeat(46)}01`)),
    });
  });

  it("refuses scalars of q and above, and never reduces", async () => {
    expect(decodeScalar(hex32(SCALAR_ORDER - 1n))).toBe(SCALAR_ORDER - 1n);
    await expectCode("BAD_SCALAR", {
      q: () => decodeScalar(hex32(SCALAR_ORDER)),
      "q + 1": () => decodeScalar(hex32(SCALAR_ORDER + 1n)),
      "2^256 − 1": () => decodeScalar(fromHex("ff".repeat(32))),
    });
  });

  it("refuses wrong lengths before anything else", async () => {
    await expectCode("BAD_LENGTH", {
      "short G1": () => decodeG1(curve, g1.slice(1)),
      "uncompressed G1": () => decodeG1(curve, new Uint8Array(96)),
      "long G2": () => decodeG2(curve, new Uint8Array(97)),
      scalar: () => decodeScalar(new Uint8Array(31)),
    });
  });
});

describe("an owner registration", () => {
  const world = new World(mcl, mcl);
  const register = (context = world.ownerContext()) =>
    world.makes.run("registerOwner", {
      context,
      factor: world.factor,
      proof: { random: seed("owner proof") },
    });
  const check = (message: Uint8Array) =>
    checkOwnerRegistration(mcl, { context: world.ownerContext(), message });

  it("is refused with points outside the subgroup, infinity and unreduced scalars in each field", async () => {
    const message = await register();
    await expectCode("NOT_IN_SUBGROUP", {
      X: () => check(replaced(message, 0, OUTSIDE_G1)),
      Pi: () => check(replaced(message, 48, OUTSIDE_G2)),
    });
    await expectCode("IDENTITY_POINT", {
      X: () => check(replaced(message, 0, INFINITY_G1)),
      Pi: () => check(replaced(message, 48, INFINITY_G2)),
    });
    await expectCode("BAD_SCALAR", {
      c: () => check(replaced(message, 144, hex32(SCALAR_ORDER))),
      y: () => check(replaced(message, 176, hex32(SCALAR_ORDER))),
    });
    expect(await codeFor(() => check(message.slice(1)))).toBe("BAD_LENGTH");
  });

  it("is refused when the proof is of another pid or chain, or of another owner key number", async () => {
    const context = world.ownerContext();
    const others = [
      { ...context, pid: seed("someone else") },
      { ...context, chain: seed("another chain") },
      { ...context, ownerKeyNo: 2 },
      { ...context, signKey: seed("another key") },
    ];
    for (const other of others) {
      const message = await register(other);
      expect.soft(await codeFor(() => check(message))).toBe("OWNER_BAD_POP");
    }
  });

  it("is refused when the owner key is not x·P, though the proof covers it", async () => {
    const wrongGroupKey = world.publicG2(scalar("another centre"));
    const message = await register({ ...world.ownerContext(), groupKey: wrongGroupKey });
    const context = { ...world.ownerContext(), groupKey: wrongGroupKey };
    expect(await codeFor(() => checkOwnerRegistration(mcl, { context, message }))).toBe("ANSWERED");
    expect(await codeFor(() => checkForgedOwnerKey(world))).toBe("OWNER_BAD_KEY");
  });
});

/** A registration whose proof of x is honest, over an owner key that belongs to x + 1. */
function checkForgedOwnerKey(world: World): void {
  const context = world.ownerContext();
  const factor = bigintFromBytes(world.factor);
  const factorKey = world.publicG1(world.factor);
  const groupPoint = decodeG2(mcl, context.groupKey);
  const ownerKey = mcl.g2.toBytes(mcl.g2.multiply(groupPoint, factor + 1n));
  const numbers = concat(u32(context.kgcKeyNo), u32(context.ownerKeyNo));
  const names = concat(lp16(context.pid), context.signKey, context.groupKey);
  const prefix = concat(context.chain, numbers, names, factorKey, ownerKey);
  const statement = { tag: "OWNER-POP", prefix, base: mcl.g1.generator };
  const proof = proveSchnorr(mcl.g1, statement, factor, { random: seed("forged") });
  checkOwnerRegistration(mcl, { context, message: concat(factorKey, ownerKey, proof) });
}
