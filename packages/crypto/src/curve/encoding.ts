import { bigintFromBytes, fromHex, isAllZero, requireLength } from "../bytes.js";
import { ConsiliumError } from "../errors.js";
import type { Curve, G1Point, G2Point, Group } from "./curve.js";
import { FIELD_PRIME, SCALAR_ORDER } from "./order.js";

const COMPRESSED = 0x80;
const INFINITY = 0x40;
const SIGN = 0x20;
const FIELD_SIZE_BYTES = 48;

/** What decoding needs of a group; a library that only verifies signatures can offer as much. */
export type PointDecoder<Point> = Pick<
  Group<Point>,
  "name" | "sizeBytes" | "fromCheckedBytes" | "isInSubgroup"
>;

/** Size of an encoded scalar. */
export const SCALAR_SIZE_BYTES = 32;

/** 32 bytes big endian below q. Throws `BAD_LENGTH` or `BAD_SCALAR`; never reduces (Consilium CS01 §2). */
export function decodeScalar(bytes: Uint8Array): bigint {
  requireLength(bytes, SCALAR_SIZE_BYTES, "scalar");
  const value = bigintFromBytes(bytes);
  if (value >= SCALAR_ORDER) {
    throw new ConsiliumError("BAD_SCALAR", "Encode the scalar reduced: below the group order.");
  }
  return value;
}

/** The 32-byte encoding of a scalar in [0, q). */
export function encodeScalar(value: bigint): Uint8Array {
  if (value < 0n || value >= SCALAR_ORDER) throw new RangeError("A scalar lies in [0, q).");
  return fromHex(value.toString(16).padStart(2 * SCALAR_SIZE_BYTES, "0"));
}

/**
 * Decodes a compressed point in the order and with the codes of Consilium CS01 §2: `BAD_LENGTH`, `BAD_POINT`,
 * `IDENTITY_POINT`, `NOT_IN_SUBGROUP`. This runs before any library reads the bytes, because libraries differ in
 * what they let through.
 */
export function decodePoint<Point>(group: PointDecoder<Point>, bytes: Uint8Array): Point {
  const point = decodePointOnCurve(group, bytes);
  if (!group.isInSubgroup(point)) {
    throw new ConsiliumError("NOT_IN_SUBGROUP", "Send a point of the prime-order subgroup.", {
      group: group.name,
    });
  }
  return point;
}

/** {@link decodePoint} without the subgroup check, for points that no secret and no check of soundness touches. */
export function decodePointOnCurve<Point>(group: PointDecoder<Point>, bytes: Uint8Array): Point {
  requireLength(bytes, group.sizeBytes, group.name);
  const flags = bytes[0]! & (COMPRESSED | INFINITY | SIGN);
  // Not slice(), which on Node's Buffer is a view of the caller's bytes.
  const body = Uint8Array.from(bytes);
  body[0] = body[0]! & ~(COMPRESSED | INFINITY | SIGN);
  if ((flags & COMPRESSED) === 0) throw badPoint(group.name, "compressed encoding");
  if ((flags & INFINITY) !== 0) {
    if ((flags & SIGN) !== 0 || !isAllZero(body)) throw badPoint(group.name, "canonical infinity");
    throw new ConsiliumError("IDENTITY_POINT", "Send a point that is not infinity.", { group: group.name });
  }
  for (let offset = 0; offset < body.length; offset += FIELD_SIZE_BYTES) {
    const coordinate = bigintFromBytes(body.subarray(offset, offset + FIELD_SIZE_BYTES));
    if (coordinate >= FIELD_PRIME) throw badPoint(group.name, "reduced coordinate");
  }
  const point = group.fromCheckedBytes(bytes);
  if (point === undefined) throw badPoint(group.name, "point on the curve");
  return point;
}

/** The compressed encoding for a message: refuses infinity with `IDENTITY_POINT`, since no message allows it. */
export function encodePoint<Point>(group: Group<Point>, point: Point): Uint8Array {
  if (group.isIdentity(point)) {
    throw new ConsiliumError("IDENTITY_POINT", "Choose inputs that do not give the point at infinity.", {
      group: group.name,
    });
  }
  return group.toBytes(point);
}

/** {@link decodePoint} for G1, 48 bytes. */
export function decodeG1(curve: Curve, bytes: Uint8Array): G1Point {
  return decodePoint(curve.g1, bytes);
}

/** {@link decodePoint} for G2, 96 bytes. */
export function decodeG2(curve: Curve, bytes: Uint8Array): G2Point {
  return decodePoint(curve.g2, bytes);
}

function badPoint(group: string, wanted: string): ConsiliumError {
  return new ConsiliumError("BAD_POINT", `Encode the point as a ${wanted}.`, { group });
}
