import { requireLength } from "./bytes.js";
import { confirmPayloadKey, type DecodedCapsule, decodeCapsule, deriveCapsuleKey } from "./capsule.js";
import type { Curve, G1Point, G2Point, Group } from "./curve/curve.js";
import { decodeG1, decodeG2, decodePointOnCurve, encodePoint } from "./curve/encoding.js";
import { splitFragment } from "./fragment.js";
import { lagrangeCoefficients, selectLowestIndices } from "./lagrange.js";

/** Combining fragments and recovering payload keys (Consilium CS01 §10.3). */

const SCALAR_BITS = 255n;

/** A plain fragment of proxy `index`. */
export interface PlainPart {
  readonly index: number;
  readonly plain: Uint8Array;
}

interface CombineInput {
  readonly parts: readonly PlainPart[];
  readonly records: number;
  readonly threshold: number;
}

/**
 * W_r = Σ λ_k D_{k,r} from the `threshold` lowest indices, as points. The D_r get the on-curve check only: no secret
 * touches them, and a wrong one shows itself when the commitment does not match.
 * Throws `TOO_FEW_SHARES`, `DUPLICATE_INDEX`, `BAD_INDEX`, decoding codes.
 */
export function combinePoints(curve: Curve, input: CombineInput): G1Point[] {
  return combineWith(curve, input, (points, scalars) => curve.g1.multiScalar(points, scalars));
}

function combineWith(
  curve: Curve,
  input: CombineInput,
  sum: (points: readonly G1Point[], scalars: readonly bigint[]) => G1Point,
): G1Point[] {
  const parts = selectLowestIndices(input.parts, input.threshold);
  const weights = lagrangeCoefficients(parts.map((part) => part.index));
  const rows = parts.map((part) =>
    splitFragment(part.plain, input.records).answers.map((bytes) => decodePointOnCurve(curve.g1, bytes)),
  );
  return Array.from({ length: input.records }, (_, r) =>
    sum(
      rows.map((row) => row[r]!),
      weights,
    ),
  );
}

/**
 * {@link combinePoints} as bytes, 48 each, and the same bytes on every backend even for a D_r outside the subgroup,
 * where a library's fast multiplication has no defined result. A W_r opens its record to every holder of a grant on the
 * label: keep it secret.
 */
export function combineFragments(curve: Curve, input: CombineInput): Uint8Array[] {
  return combineWith(curve, input, (points, scalars) => {
    const isInside = points.every((point) => curve.g1.isInSubgroup(point));
    return isInside ? curve.g1.multiScalar(points, scalars) : plainMultiScalar(curve.g1, points, scalars);
  }).map((point) => encodePoint(curve.g1, point));
}

/** Σ scalars[i]·points[i] by doubling and adding, which is right for every point of the curve. */
function plainMultiScalar<Point>(
  group: Group<Point>,
  points: readonly Point[],
  scalars: readonly bigint[],
): Point {
  let sum = group.identity;
  for (let bit = SCALAR_BITS - 1n; bit >= 0n; bit--) {
    sum = group.add(sum, sum);
    points.forEach((point, index) => {
      if (((scalars[index]! >> bit) & 1n) === 1n) sum = group.add(sum, point);
    });
  }
  return sum;
}

/** What a recipient keeps of an opened grant, as needed to recover keys. */
export interface RecoveryGrant {
  /** M', 48 bytes. */
  readonly unmaskedKey: Uint8Array;
  /** Y2, 96 bytes. */
  readonly y2: Uint8Array;
  readonly identity: Uint8Array;
  /** Pi, 96 bytes. */
  readonly ownerKey: Uint8Array;
}

/** A grant with its points decoded. */
export interface DecodedRecoveryGrant extends RecoveryGrant {
  readonly unmaskedPoint: G1Point;
  readonly y2Point: G2Point;
}

/** Decodes the points of a grant once for many records. Throws decoding codes. */
export function decodeRecoveryGrant(curve: Curve, grant: RecoveryGrant): DecodedRecoveryGrant {
  return {
    ...grant,
    unmaskedPoint: decodeG1(curve, grant.unmaskedKey),
    y2Point: decodeG2(curve, grant.y2),
    ownerKey: requireLength(grant.ownerKey, 96, "owner key"),
  };
}

/** Γ = e(M', U2)·e(−W, Y2), then K if its commitment is the record's. Throws `KEY_COMMITMENT`. */
export function recoverFromPoints(
  curve: Curve,
  input: {
    readonly grant: DecodedRecoveryGrant;
    readonly capsule: DecodedCapsule;
    readonly combined: G1Point;
    readonly commitment: Uint8Array;
  },
): Uint8Array {
  const { grant, capsule } = input;
  const shared = curve.pairingProduct([
    { g1: grant.unmaskedPoint, g2: capsule.u2 },
    { g1: curve.g1.negate(input.combined), g2: grant.y2Point },
  ]);
  const derived = deriveCapsuleKey(curve, shared, { ...capsule, ...grant });
  return confirmPayloadKey(derived, input.commitment);
}

/** K (32 bytes) of one record from its combined W (48 bytes). Throws decoding codes, `KEY_COMMITMENT`. */
export function recoverKey(
  curve: Curve,
  input: {
    readonly grant: RecoveryGrant;
    readonly capsule: Uint8Array;
    readonly combined: Uint8Array;
    readonly commitment: Uint8Array;
  },
): Uint8Array {
  return recoverFromPoints(curve, {
    grant: decodeRecoveryGrant(curve, input.grant),
    capsule: decodeCapsule(curve, input.capsule),
    combined: decodeG1(curve, input.combined),
    commitment: input.commitment,
  });
}
