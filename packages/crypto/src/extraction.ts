import { concat, Reader, requireLength } from "./bytes.js";
import type { Curve, G1Point, G2Point } from "./curve/curve.js";
import { decodeG1, decodeG2, decodeScalar, encodePoint } from "./curve/encoding.js";
import { reduceScalar } from "./curve/order.js";
import { ConsiliumError } from "./errors.js";
import { hashIdentity, parseIdentity } from "./identity.js";
import { lagrangeCoefficients, selectLowestIndices } from "./lagrange.js";
import { type NonceSource, resolveNonce } from "./proofs.js";

/** Extraction of identity keys by the key centres (Consilium CS01 §7): plain partial keys and the sealed form that travels. */

/** A1(48) ‖ A2(96) ‖ C(48). */
export const SEALED_PARTIAL_SIZE_BYTES = 192;

interface SealedTriple {
  readonly a1: G1Point;
  readonly a2: G2Point;
  readonly c: G1Point;
}

function badPartial(): ConsiliumError {
  return new ConsiliumError("EXTRACT_BAD_PARTIAL", "Drop this partial key and ask another key centre.");
}

function badKey(): ConsiliumError {
  return new ConsiliumError(
    "EXTRACT_BAD_KEY",
    "Check every partial key, drop the bad one and combine again.",
  );
}

/** e(key, g2) = e(H_ID(I), verificationKey). */
function isKeyOf(curve: Curve, key: G1Point, identity: Uint8Array, verificationKey: G2Point): boolean {
  return curve.pairingProductIsOne([
    { g1: key, g2: curve.g2.generator },
    { g1: curve.g1.negate(hashIdentity(curve, identity)), g2: verificationKey },
  ]);
}

/** d_k = s_k·H_ID(I), 48 bytes. The identity must parse as T, U or E (`BAD_IDENTITY`) before the share is used. */
export function extractPartial(
  curve: Curve,
  input: { readonly share: Uint8Array; readonly identity: Uint8Array },
): Uint8Array {
  parseIdentity(input.identity);
  return extractUnchecked(curve, input);
}

/**
 * {@link extractPartial} for any bytes as identity. Only the switch test of §13.4 may use it, on its made-up identity:
 * a share used on other unchecked bytes would hand out keys nobody has a right to.
 */
export function extractUnchecked(
  curve: Curve,
  input: { readonly share: Uint8Array; readonly identity: Uint8Array },
): Uint8Array {
  const share = decodeScalar(input.share);
  return encodePoint(curve.g1, curve.g1.multiply(hashIdentity(curve, input.identity), share));
}

/** Checks a partial key against its node's verification key. Throws decoding codes, `EXTRACT_BAD_PARTIAL`. */
export function checkPartial(
  curve: Curve,
  input: {
    readonly partial: Uint8Array;
    readonly identity: Uint8Array;
    readonly verificationKey: Uint8Array;
  },
): void {
  const partial = decodeG1(curve, input.partial);
  const verificationKey = decodeG2(curve, input.verificationKey);
  if (!isKeyOf(curve, partial, input.identity, verificationKey)) throw badPartial();
}

/** Checks a whole identity key against P (or D against Pi). Throws decoding codes, `EXTRACT_BAD_KEY`. */
export function checkIdentityKey(
  curve: Curve,
  input: { readonly key: Uint8Array; readonly identity: Uint8Array; readonly groupKey: Uint8Array },
): void {
  const key = decodeG1(curve, input.key);
  if (!isKeyOf(curve, key, input.identity, decodeG2(curve, input.groupKey))) throw badKey();
}

/**
 * The identity key d (48 bytes) from partial keys: λ-combination of the `threshold` lowest indices, checked against P.
 * Throws `TOO_FEW_SHARES`, `DUPLICATE_INDEX`, decoding codes, `EXTRACT_BAD_KEY`.
 */
export function combinePartials(
  curve: Curve,
  input: {
    readonly parts: readonly { readonly index: number; readonly partial: Uint8Array }[];
    readonly threshold: number;
    readonly identity: Uint8Array;
    readonly groupKey: Uint8Array;
  },
): Uint8Array {
  const parts = selectLowestIndices(input.parts, input.threshold);
  const points = parts.map((part) => decodeG1(curve, part.partial));
  const key = curve.g1.multiScalar(points, lagrangeCoefficients(parts.map((part) => part.index)));
  if (!isKeyOf(curve, key, input.identity, decodeG2(curve, input.groupKey))) throw badKey();
  return encodePoint(curve.g1, key);
}

/**
 * A partial key sealed to the transport key T: A1 = a·g1 ‖ A2 = a·g2 ‖ C = a·T + s_k·H_ID(I), 192 bytes.
 * The blinding a is hedged with the share. Throws `BAD_IDENTITY` and decoding codes (`IDENTITY_POINT` for T = O).
 */
export function sealPartial(
  curve: Curve,
  input: {
    readonly share: Uint8Array;
    readonly identity: Uint8Array;
    readonly transportKey: Uint8Array;
    readonly blinding: NonceSource;
  },
): Uint8Array {
  parseIdentity(input.identity);
  const transportKey = decodeG1(curve, input.transportKey);
  const share = decodeScalar(input.share);
  const data = concat(input.identity, input.transportKey);
  const blinding = resolveNonce("EXTRACT-BLIND", share, input.blinding, data);
  const partial = curve.g1.multiply(hashIdentity(curve, input.identity), share);
  const c = curve.g1.add(curve.g1.multiply(transportKey, blinding), partial);
  return concat(
    encodePoint(curve.g1, curve.g1.multiplyGenerator(blinding)),
    encodePoint(curve.g2, curve.g2.multiplyGenerator(blinding)),
    encodePoint(curve.g1, c),
  );
}

function decodeTriple(curve: Curve, bytes: Uint8Array): SealedTriple {
  const reader = new Reader(requireLength(bytes, SEALED_PARTIAL_SIZE_BYTES, "sealed partial key"));
  return {
    a1: decodeG1(curve, reader.take(48)),
    a2: decodeG2(curve, reader.take(96)),
    c: decodeG1(curve, reader.take(48)),
  };
}

/**
 * Checks a sealed partial key without opening it: e(A1, g2) = e(g1, A2) and e(C, g2) = e(T, A2)·e(H_ID(I), VKs_k).
 * With P as verification key it checks a combined triple. Throws decoding codes, `EXTRACT_BAD_PARTIAL`.
 */
export function checkSealedPartial(
  curve: Curve,
  input: {
    readonly sealed: Uint8Array;
    readonly identity: Uint8Array;
    readonly transportKey: Uint8Array;
    readonly verificationKey: Uint8Array;
  },
): void {
  const { a1, a2, c } = decodeTriple(curve, input.sealed);
  const transportKey = decodeG1(curve, input.transportKey);
  const verificationKey = decodeG2(curve, input.verificationKey);
  const oneBlinding = curve.pairingProductIsOne([
    { g1: a1, g2: curve.g2.generator },
    { g1: curve.g1.negate(curve.g1.generator), g2: a2 },
  ]);
  const holdsKey =
    oneBlinding &&
    curve.pairingProductIsOne([
      { g1: curve.g1.negate(c), g2: curve.g2.generator },
      { g1: transportKey, g2: a2 },
      { g1: hashIdentity(curve, input.identity), g2: verificationKey },
    ]);
  if (!holdsKey) throw badPartial();
}

/** One key centre's sealed partial key. */
export interface SealedPart {
  readonly index: number;
  readonly sealed: Uint8Array;
}

/**
 * Combines sealed partial keys of the `threshold` lowest indices and opens the result with the transport secret τ_u.
 * Throws `TOO_FEW_SHARES`, `DUPLICATE_INDEX`, decoding codes, `EXTRACT_BAD_KEY`.
 */
export function openSealedPartials(
  curve: Curve,
  input: {
    readonly parts: readonly SealedPart[];
    readonly threshold: number;
    readonly identity: Uint8Array;
    readonly groupKey: Uint8Array;
    readonly transportSecret: Uint8Array;
  },
): { readonly combined: Uint8Array; readonly key: Uint8Array } {
  const parts = selectLowestIndices(input.parts, input.threshold);
  const triples = parts.map((part) => decodeTriple(curve, part.sealed));
  const weights = lagrangeCoefficients(parts.map((part) => part.index));
  const groupKey = decodeG2(curve, input.groupKey);
  const transportSecret = decodeScalar(input.transportSecret);
  const a1 = curve.g1.multiScalar(
    triples.map((triple) => triple.a1),
    weights,
  );
  const a2 = curve.g2.multiScalar(
    triples.map((triple) => triple.a2),
    weights,
  );
  const c = curve.g1.multiScalar(
    triples.map((triple) => triple.c),
    weights,
  );
  const key = curve.g1.add(c, curve.g1.multiply(a1, reduceScalar(-transportSecret)));
  if (!isKeyOf(curve, key, input.identity, groupKey)) throw badKey();
  const combined = concat(encodePoint(curve.g1, a1), encodePoint(curve.g2, a2), encodePoint(curve.g1, c));
  return { combined, key: encodePoint(curve.g1, key) };
}

/** T = τ_u·g1, 48 bytes. Throws `BAD_SCALAR`; `IDENTITY_POINT` for zero. */
export function transportPublicKey(
  curve: Curve,
  input: { readonly transportSecret: Uint8Array },
): Uint8Array {
  return encodePoint(curve.g1, curve.g1.multiplyGenerator(decodeScalar(input.transportSecret)));
}
