import { pippenger } from "@noble/curves/abstract/curve.js";
import type { Fp2 as Fp2Element, Fp12 as Fp12Element } from "@noble/curves/abstract/tower.js";
import type { WeierstrassPoint, WeierstrassPointCons } from "@noble/curves/abstract/weierstrass.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { bigintFromBytes, fromHex } from "../bytes.js";
import type { Curve, Group, PairingInput } from "./curve.js";
import { FIELD_PRIME } from "./order.js";

type G1 = WeierstrassPoint<bigint>;
type G2 = WeierstrassPoint<Fp2Element>;
type NoblePairing = PairingInput<G1, G2>;

const { Fp, Fp2, Fp12 } = bls12_381.fields;
const PIPPENGER_POINTS_MIN = 16;
const COORDINATE_MASK = (1n << 381n) - 1n;

/** True when y is the larger of y and −y: for G2 decided by c1, and by c0 when c1 is zero. */
function isLarger(y: bigint | Fp2Element): boolean {
  if (typeof y === "bigint") return y > (FIELD_PRIME - 1n) / 2n;
  return isLarger(y.c1 === 0n ? y.c0 : y.c1);
}

function fieldBytes(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(96, "0"));
}

function joinFields(values: readonly bigint[]): Uint8Array {
  const out = new Uint8Array(48 * values.length);
  values.forEach((value, i) => {
    out.set(fieldBytes(value), 48 * i);
  });
  return out;
}

function encode(coordinates: readonly bigint[], sign: boolean): Uint8Array {
  const out = joinFields(coordinates);
  out[0] = out[0]! | 0x80 | (sign ? 0x20 : 0);
  return out;
}

function infinityBytes(sizeBytes: number): Uint8Array {
  const out = new Uint8Array(sizeBytes);
  out[0] = 0xc0;
  return out;
}

/** What the two groups share; encodings differ and are written here because noble's check the subgroup each time. */
function groupOf<T>(
  point: WeierstrassPointCons<T>,
  own: Pick<Group<WeierstrassPoint<T>>, "name" | "sizeBytes" | "toBytes" | "fromCheckedBytes">,
): Group<WeierstrassPoint<T>> {
  return {
    ...own,
    generator: point.BASE,
    identity: point.ZERO,
    add: (left, right) => left.add(right),
    negate: (value) => value.negate(),
    multiply: (value, scalar) => (scalar === 0n || value.is0() ? point.ZERO : value.multiply(scalar)),
    multiplyGenerator: (scalar) => (scalar === 0n ? point.ZERO : point.BASE.multiply(scalar)),
    multiScalar(points, scalars) {
      if (points.length !== scalars.length) throw new RangeError("Points and scalars come in pairs.");
      if (points.length >= PIPPENGER_POINTS_MIN) return pippenger(point, [...points], [...scalars]);
      return points.reduce((sum, value, i) => sum.add(value.multiplyUnsafe(scalars[i]!)), point.ZERO);
    },
    equals: (left, right) => left.equals(right),
    isIdentity: (value) => value.is0(),
    isInSubgroup: (value) => value.isTorsionFree(),
  };
}

const g1: Group<G1> = groupOf(bls12_381.G1.Point, {
  name: "G1",
  sizeBytes: 48,
  toBytes(point) {
    if (point.is0()) return infinityBytes(48);
    const { x, y } = point.toAffine();
    return encode([x], isLarger(y));
  },
  fromCheckedBytes(bytes) {
    const x = bigintFromBytes(bytes) & COORDINATE_MASK;
    const square = Fp.add(Fp.mul(Fp.sqr(x), x), 4n);
    const y = root(() => Fp.sqrt(square));
    if (y === undefined) return undefined;
    const wantsLarger = (bytes[0]! & 0x20) !== 0;
    return bls12_381.G1.Point.fromAffine({ x, y: isLarger(y) === wantsLarger ? y : Fp.neg(y) });
  },
});

const g2: Group<G2> = groupOf(bls12_381.G2.Point, {
  name: "G2",
  sizeBytes: 96,
  toBytes(point) {
    if (point.is0()) return infinityBytes(96);
    const { x, y } = point.toAffine();
    return encode([x.c1, x.c0], isLarger(y));
  },
  fromCheckedBytes(bytes) {
    const c1 = bigintFromBytes(bytes.subarray(0, 48)) & COORDINATE_MASK;
    const x = Fp2.fromBigTuple([bigintFromBytes(bytes.subarray(48)), c1]);
    const square = Fp2.add(Fp2.mul(Fp2.sqr(x), x), Fp2.fromBigTuple([4n, 4n]));
    const y = root(() => Fp2.sqrt(square));
    if (y === undefined) return undefined;
    const wantsLarger = (bytes[0]! & 0x20) !== 0;
    return bls12_381.G2.Point.fromAffine({ x, y: isLarger(y) === wantsLarger ? y : Fp2.neg(y) });
  },
});

/** Noble says "no square root" by throwing; here it only means that the bytes are not on the curve. */
function root<T>(take: () => T): T | undefined {
  try {
    return take();
  } catch {
    return undefined;
  }
}

function pairingProduct(pairs: readonly NoblePairing[]): Fp12Element {
  const finite = pairs.filter((pair) => !pair.g1.is0() && !pair.g2.is0());
  if (finite.length === 0) return Fp12.ONE;
  // Not pairingBatch: it repeats the subgroup checks that the decoder has already done.
  const product = bls12_381.millerLoopBatch(
    finite.map((pair) => {
      const { x, y } = pair.g1.toAffine();
      return [bls12_381.utils.calcPairingPrecomputes(pair.g2), x, y];
    }),
  );
  return Fp12.finalExponentiate(product);
}

function gtToBytes(value: Fp12Element): Uint8Array {
  const fp6 = (part: Fp12Element["c0"]): bigint[] =>
    [part.c2, part.c1, part.c0].flatMap((fp2) => [fp2.c1, fp2.c0]);
  return joinFields([...fp6(value.c1), ...fp6(value.c0)]);
}

/** BLS12-381 on @noble/curves: the reference and the fallback. It needs no set-up and is about seven times slower. */
export const nobleCurve: Curve = {
  name: "noble",
  g1,
  g2,
  hashToG1: (message, dst) => bls12_381.G1.hashToCurve(message, { DST: dst }),
  hashToG2: (message, dst) => bls12_381.G2.hashToCurve(message, { DST: dst }),
  pairingProduct,
  pairingProductIsOne: (pairs) => Fp12.eql(pairingProduct(pairs), Fp12.ONE),
  gtMultiply: (left, right) => Fp12.mul(left, right),
  gtPower: (base, scalar) => Fp12.pow(base, scalar),
  gtEquals: (left, right) => Fp12.eql(left, right),
  gtToBytes,
} satisfies Curve<G1, G2, Fp12Element> as unknown as Curve;
