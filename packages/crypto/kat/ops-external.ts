import { type Curve, decodeG1, decodeG2, encodePoint, type GtElement } from "../src/curve/index.js";
import {
  bigintFromBytes,
  ConsiliumError,
  concat,
  decodeScalar,
  equalBytesConstantTime,
  expandMessage,
  lagrangeCoefficients,
  reduceScalar,
  SCALAR_ORDER,
  sha256,
  u8,
  utf8,
  xorBytes,
} from "../src/index.js";
import { bytes, bytesOf, hex, scalarHex } from "./fields.js";
import type { KatInput, KatOperation } from "./ops-committee.js";

/**
 * Known answers that other projects published (RFC 9380, drand, tlock, vetKeys), under their own domain tags. They
 * exercise the group code, the GT encoding, the pairing equations and the shape of the re-encryption check.
 */

function signatureHolds(curve: Curve, group: "g1" | "g2", { dst, pk, msg, sig }: KatInput): boolean {
  try {
    if (group === "g1") {
      return curve.pairingProductIsOne([
        { g1: curve.g1.negate(decodeG1(curve, bytes(sig))), g2: curve.g2.generator },
        { g1: curve.hashToG1(bytes(msg), utf8(dst)), g2: decodeG2(curve, bytes(pk)) },
      ]);
    }
    return curve.pairingProductIsOne([
      { g1: curve.g1.negate(curve.g1.generator), g2: decodeG2(curve, bytes(sig)) },
      { g1: decodeG1(curve, bytes(pk)), g2: curve.hashToG2(bytes(msg), utf8(dst)) },
    ]);
  } catch (error) {
    if (error instanceof ConsiliumError) return false;
    throw error;
  }
}

/** H2 of tlock: the first bytes of SHA-256("IBE-H2" ‖ GT). */
function tlockH2(curve: Curve, shared: GtElement, sizeBytes: number): Uint8Array {
  return sha256(utf8("IBE-H2"), curve.gtToBytes(shared)).slice(0, sizeBytes);
}

/** H3 of tlock: rejection sampling of a scalar with a little-endian counter. */
function tlockH3(sigma: Uint8Array, message: Uint8Array): bigint {
  const seed = sha256(utf8("IBE-H3"), sigma, message);
  for (let counter = 1; counter < 65_535; counter++) {
    const digest = sha256(u8(counter & 0xff), u8(counter >> 8), seed);
    digest[0] = digest[0]! >> 1;
    const candidate = bigintFromBytes(digest);
    if (candidate < SCALAR_ORDER) return candidate;
  }
  throw new RangeError("No scalar below the order.");
}

/** Decryption of tlock (Boneh–Franklin with Fujisaki–Okamoto): U ‖ V(16) ‖ W(16), opened by a beacon signature. */
function tlockOpen(curve: Curve, { sig_group, sig, uvw }: KatInput): Uint8Array {
  const message = bytes(uvw);
  const pointBytes = message.slice(0, message.length - 32);
  const v = message.slice(-32, -16);
  const w = message.slice(-16);
  const onG1 = sig_group === "g1";
  const shared = curve.pairingProduct([
    onG1
      ? { g1: decodeG1(curve, bytes(sig)), g2: decodeG2(curve, pointBytes) }
      : { g1: decodeG1(curve, pointBytes), g2: decodeG2(curve, bytes(sig)) },
  ]);
  const sigma = xorBytes(v, tlockH2(curve, shared, v.length));
  const text = xorBytes(w, sha256(utf8("IBE-H4"), sigma).slice(0, w.length));
  const r = tlockH3(sigma, text);
  const recomputed = onG1
    ? encodePoint(curve.g2, curve.g2.multiplyGenerator(r))
    : encodePoint(curve.g1, curve.g1.multiplyGenerator(r));
  if (!equalBytesConstantTime(recomputed, pointBytes)) {
    throw new ConsiliumError("FO_REJECT", "The ciphertext was not made the way the scheme says.");
  }
  return text;
}

/** vetKeys: opens an encrypted key c1 ‖ c2 ‖ c3 with the transport secret and checks it; the identity is augmented. */
function vetKeyOpen(curve: Curve, { tsk, dpk, id, triple, dst }: KatInput) {
  const secret = decodeScalar(bytes(tsk));
  const all = bytes(triple);
  const c1 = decodeG1(curve, all.slice(0, 48));
  const c2 = decodeG2(curve, all.slice(48, 144));
  const c3 = decodeG1(curve, all.slice(144));
  const identity = curve.hashToG1(concat(bytes(dpk), bytes(id)), utf8(dst));
  const key = curve.g1.add(c3, curve.g1.multiply(c1, reduceScalar(-secret)));
  const oneBlinding = curve.pairingProductIsOne([
    { g1: c1, g2: curve.g2.generator },
    { g1: curve.g1.negate(curve.g1.generator), g2: c2 },
  ]);
  const isKey = curve.pairingProductIsOne([
    { g1: curve.g1.negate(key), g2: curve.g2.generator },
    { g1: identity, g2: decodeG2(curve, bytes(dpk)) },
  ]);
  if (!oneBlinding || !isKey) throw new ConsiliumError("EXTRACT_BAD_KEY", "The encrypted key does not open.");
  return {
    transport_pk: hex(encodePoint(curve.g1, curve.g1.multiplyGenerator(secret))),
    key: hex(encodePoint(curve.g1, key)),
  };
}

/** By the name of the operation, as known-answer files spell it. */
export const externalOperations: Readonly<Record<string, KatOperation>> = {
  ext_expand_xmd: (_, { dst, msg, len }) => ({ out: hex(expandMessage(bytes(dst), len, bytes(msg))) }),
  ext_hash_to_scalar: (_, { dst, msg }) => ({
    out: scalarHex(bigintFromBytes(expandMessage(utf8(dst), 48, bytes(msg))) % SCALAR_ORDER),
  }),
  ext_hash_to_g1: (curve, { dst, msg }) => ({
    point: hex(curve.g1.toBytes(curve.hashToG1(bytes(msg), utf8(dst)))),
  }),
  ext_hash_to_g2: (curve, { dst, msg }) => ({
    point: hex(curve.g2.toBytes(curve.hashToG2(bytes(msg), utf8(dst)))),
  }),
  ext_sig_g1: (curve, input) => ({ valid: signatureHolds(curve, "g1", input) }),
  ext_sig_g2: (curve, input) => ({ valid: signatureHolds(curve, "g2", input) }),
  ext_sign_g2(curve, { dst, sk, msg }) {
    const point = curve.hashToG2(bytes(msg), utf8(dst));
    return { sig: hex(encodePoint(curve.g2, curve.g2.multiply(point, decodeScalar(bytes(sk))))) };
  },
  ext_gt_h2: (curve) => ({
    h2: hex(tlockH2(curve, curve.pairingProduct([{ g1: curve.g1.generator, g2: curve.g2.generator }]), 16)),
  }),
  ext_tlock: (curve, input) => ({ msg: hex(tlockOpen(curve, input)) }),
  ext_enc_key: (curve, input) => vetKeyOpen(curve, input),
  /** Values of a committed polynomial at the indices, interpolated back to zero: Feldman's check and Lagrange's formula. */
  ext_feldman(curve, { coefficients, indices }) {
    const commitments = bytesOf(coefficients).map((encoded) => decodeG1(curve, encoded));
    const values = (indices as number[]).map((index) =>
      curve.g1.multiScalar(
        commitments,
        commitments.map((_, power) => BigInt(index) ** BigInt(power) % SCALAR_ORDER),
      ),
    );
    return { key: hex(encodePoint(curve.g1, curve.g1.multiScalar(values, lagrangeCoefficients(indices)))) };
  },
};
