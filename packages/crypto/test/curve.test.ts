import { describe, expect, it } from "vitest";
import { utf8 } from "../src/bytes.js";
import type { Curve, Group } from "../src/curve/curve.js";
import { loadMclCurve } from "../src/curve/mcl-curve.js";
import { nobleCurve } from "../src/curve/noble-curve.js";
import { invertScalar, SCALAR_ORDER } from "../src/curve/order.js";
import { lagrangeCoefficients } from "../src/lagrange.js";
import { scalar } from "./support/world.js";

const mcl = await loadMclCurve();
const edge = [0n, 1n, 2n, (1n << 128n) - 1n, SCALAR_ORDER - 2n, SCALAR_ORDER - 1n];
const some = BigInt(`0x${Buffer.from(scalar("some")).toString("hex")}`);

function groupAnswers<Point>(group: Group<Point>) {
  const point = group.multiplyGenerator(some);
  const list = edge.map((value) => group.multiplyGenerator(value));
  return {
    multiples: edge.map((value) => group.toBytes(group.multiply(point, value))),
    generators: edge.map((value) => group.toBytes(group.multiplyGenerator(value))),
    identityTimes: group.toBytes(group.multiply(group.identity, some)),
    none: group.toBytes(group.multiScalar([], [])),
    few: group.toBytes(group.multiScalar(list, edge)),
    many: group.toBytes(group.multiScalar([...list, ...list, ...list], [...edge, ...edge, ...edge])),
    negated: group.toBytes(group.negate(point)),
    cancelled: group.toBytes(group.add(point, group.negate(point))),
    again: group.toBytes(group.fromCheckedBytes(group.toBytes(point))!),
  };
}

function curveAnswers(curve: Curve) {
  const g1 = curve.g1.multiplyGenerator(some);
  const g2 = curve.g2.multiplyGenerator(7n);
  const value = curve.pairingProduct([{ g1, g2 }]);
  const dst = utf8("A-TAG-OF-ITS-OWN");
  return {
    g1: groupAnswers(curve.g1),
    g2: groupAnswers(curve.g2),
    hashes: ["", "one", "x".repeat(500)].map((text) => [
      curve.g1.toBytes(curve.hashToG1(utf8(text), dst)),
      curve.g2.toBytes(curve.hashToG2(utf8(text), dst)),
    ]),
    longTag: curve.g1.toBytes(curve.hashToG1(utf8("one"), utf8("T".repeat(300)))),
    gt: curve.gtToBytes(value),
    gtSquare: curve.gtToBytes(curve.gtMultiply(value, value)),
    gtPower: curve.gtToBytes(curve.gtPower(value, 2n)),
    one: curve.gtToBytes(curve.pairingProduct([])),
    withInfinity: curve.gtToBytes(
      curve.pairingProduct([
        { g1, g2 },
        { g1: curve.g1.identity, g2 },
      ]),
    ),
  };
}

describe("the two backends", () => {
  it("give the same bytes at the edges of scalars, lists, hashes and pairings", () => {
    expect(curveAnswers(mcl)).toEqual(curveAnswers(nobleCurve));
  });

  it("agree that a pairing is bilinear", () => {
    for (const curve of [mcl, nobleCurve]) {
      const pairs = [
        { g1: curve.g1.multiplyGenerator(6n), g2: curve.g2.multiplyGenerator(35n) },
        { g1: curve.g1.negate(curve.g1.multiplyGenerator(10n)), g2: curve.g2.multiplyGenerator(21n) },
      ];
      expect(curve.pairingProductIsOne(pairs)).toBe(true);
      expect(curve.pairingProductIsOne(pairs.slice(1))).toBe(false);
    }
  });

  it("take lists and messages longer than mcl's stack", () => {
    const points = Array.from({ length: 2500 }, () => mcl.g2.generator);
    const sum = mcl.g2.multiScalar(
      points,
      points.map(() => 3n),
    );
    expect(mcl.g2.equals(sum, mcl.g2.multiplyGenerator(7500n))).toBe(true);
    const long = new Uint8Array(2_000_000).fill(7);
    const dst = utf8("A-TAG-OF-ITS-OWN");
    expect(mcl.g1.toBytes(mcl.hashToG1(long, dst))).toEqual(
      nobleCurve.g1.toBytes(nobleCurve.hashToG1(long, dst)),
    );
    expect(mcl.g2.toBytes(mcl.hashToG2(long, dst))).toEqual(
      nobleCurve.g2.toBytes(nobleCurve.hashToG2(long, dst)),
    );
    const pairs = Array.from({ length: 200 }, () => ({ g1: mcl.g1.generator, g2: mcl.g2.generator }));
    const product = mcl.pairingProduct(pairs);
    const power = mcl.gtPower(mcl.pairingProduct(pairs.slice(0, 1)), 200n);
    expect(mcl.gtEquals(product, power)).toBe(true);
  });
});

describe("Lagrange coefficients", () => {
  it("bring a polynomial's values back to its constant", () => {
    const at = (x: bigint) => (some + 5n * x + 11n * x * x) % SCALAR_ORDER;
    const indices = [2, 31, 7];
    const weights = lagrangeCoefficients(indices);
    const sum = indices.reduce((total, index, i) => total + weights[i]! * at(BigInt(index)), 0n);
    expect(sum % SCALAR_ORDER).toBe(some);
  });

  it("rest on inverses modulo the order", () => {
    expect((invertScalar(some) * some) % SCALAR_ORDER).toBe(1n);
    expect(() => invertScalar(0n)).toThrow(RangeError);
  });
});
