import {
  concat,
  equalBytesConstantTime,
  lp32,
  Reader,
  requireLength,
  type Uint64,
  u32,
  u64,
  utf8,
} from "./bytes.js";
import type { Curve, G1Point, G2Point, GtElement } from "./curve/curve.js";
import { decodeG1, decodeG2, decodeScalar, encodePoint } from "./curve/encoding.js";
import { ConsiliumError } from "./errors.js";
import { deriveKey, domain, hash, hash128 } from "./hash.js";
import { chainId, hashIdentity } from "./identity.js";

/** Capsules of Consilium CS01 §8: the encrypted key of one record, bound to all its public facts. */

/** U1(48) ‖ U2(96) ‖ V(48). */
export const CAPSULE_SIZE_BYTES = 192;
const HASH_TO_CONTEXT_DST = utf8("CONSILIUM-V01-CS01-CTV-BLS12381G1_XMD:SHA-256_SSWU_RO_");

/** The public facts of a record that its capsule is bound to. */
export interface RecordFacts {
  readonly chain: Uint8Array;
  readonly recordId: Uint8Array;
  /** Author's Ed25519 key. */
  readonly author: Uint8Array;
  readonly label: Uint8Array;
  readonly kgcKeyNo: number;
  /** Pi, 96 bytes. */
  readonly ownerKey: Uint8Array;
  /** {@link headerDigest} of the header. */
  readonly headerDigest: Uint8Array;
  readonly payloadSizeBytes: Uint64;
  /** SHA-256 of the whole payload ciphertext. */
  readonly payloadDigest: Uint8Array;
}

/** H("HDR", hdr). */
export function headerDigest(header: Uint8Array): Uint8Array {
  return hash("HDR", header);
}

/** ctx of §8 step 4: 32 bytes over all public facts and the key commitment. Throws `BAD_LENGTH`. */
export function capsuleContext(facts: RecordFacts, commitment: Uint8Array): Uint8Array {
  return hash(
    "CTX",
    chainId(facts.chain),
    requireLength(facts.recordId, 32, "record id"),
    requireLength(facts.author, 32, "author key"),
    requireLength(facts.label, 32, "label"),
    u32(facts.kgcKeyNo),
    requireLength(facts.ownerKey, 96, "owner key"),
    requireLength(facts.headerDigest, 32, "header digest"),
    u64(facts.payloadSizeBytes),
    requireLength(facts.payloadDigest, 32, "payload digest"),
    requireLength(commitment, 32, "key commitment"),
  );
}

/** A capsule's three points, decoded. */
export interface DecodedCapsule {
  readonly u1: G1Point;
  readonly u2: G2Point;
  readonly v: G1Point;
  readonly u1Bytes: Uint8Array;
  readonly u2Bytes: Uint8Array;
}

/** Decodes a capsule with the codes of §2. It says nothing about validity. */
export function decodeCapsule(curve: Curve, capsule: Uint8Array): DecodedCapsule {
  const reader = new Reader(requireLength(capsule, CAPSULE_SIZE_BYTES, "capsule"));
  const u1Bytes = reader.take(48);
  const u2Bytes = reader.take(96);
  const vBytes = reader.take(48);
  return {
    u1: decodeG1(curve, u1Bytes),
    u2: decodeG2(curve, u2Bytes),
    v: decodeG1(curve, vBytes),
    u1Bytes,
    u2Bytes,
  };
}

/** H_V(ctx ‖ U1 ‖ U2). */
export function hashCapsuleContext(
  curve: Curve,
  context: Uint8Array,
  u1Bytes: Uint8Array,
  u2Bytes: Uint8Array,
): G1Point {
  const message = concat(requireLength(context, 32, "capsule context"), u1Bytes, u2Bytes);
  return curve.hashToG1(message, HASH_TO_CONTEXT_DST);
}

/** The payload key and the commitment to it. */
export interface PayloadKey {
  /** K, 32 bytes: secret. */
  readonly key: Uint8Array;
  /** com, 32 bytes: public. */
  readonly commitment: Uint8Array;
}

/** K ‖ com from Γ (§8 step 2). */
export function deriveCapsuleKey(
  curve: Curve,
  shared: GtElement,
  parts: {
    readonly identity: Uint8Array;
    readonly u1Bytes: Uint8Array;
    readonly u2Bytes: Uint8Array;
    readonly ownerKey: Uint8Array;
  },
): PayloadKey {
  const keyMaterial = curve.gtToBytes(shared);
  const info = concat(lp32(parts.identity), parts.u1Bytes, parts.u2Bytes, parts.ownerKey);
  const output = deriveKey(keyMaterial, domain("KDF"), info, 64);
  keyMaterial.fill(0);
  const result = { key: output.slice(0, 32), commitment: output.slice(32) };
  output.fill(0);
  return result;
}

/** Input of an author: the type identity, the owner key Pi as the chain has it, and r (32 fresh random bytes below q). */
export interface EncapsulationInput {
  readonly identity: Uint8Array;
  readonly ownerKey: Uint8Array;
  readonly randomness: Uint8Array;
}

/** Γ = e(r·H_ID(I), Pi): secret. Exported for known answers only. */
export function encapsulationSecret(curve: Curve, input: EncapsulationInput): GtElement {
  const r = decodeScalar(input.randomness);
  const ownerKey = decodeG2(curve, input.ownerKey);
  const blinded = curve.g1.multiply(hashIdentity(curve, input.identity), r);
  return curve.pairingProduct([{ g1: blinded, g2: ownerKey }]);
}

/**
 * First half of §8 Encrypt: the payload key and its commitment, before the payload is sealed and its digest known.
 * The same randomness goes into {@link sealCapsule} and is erased after it. Throws decoding codes, `IDENTITY_POINT` for r = 0.
 */
export function encapsulateKey(curve: Curve, input: EncapsulationInput): PayloadKey {
  const { u1Bytes, u2Bytes } = ephemeralPoints(curve, decodeScalar(input.randomness));
  const shared = encapsulationSecret(curve, input);
  return deriveCapsuleKey(curve, shared, { ...input, u1Bytes, u2Bytes });
}

/** Second half of §8 Encrypt: the capsule, 192 bytes, signed by the ephemeral key over the whole context. */
export function sealCapsule(
  curve: Curve,
  input: { readonly randomness: Uint8Array; readonly context: Uint8Array },
): Uint8Array {
  const r = decodeScalar(input.randomness);
  const { u1Bytes, u2Bytes } = ephemeralPoints(curve, r);
  const v = curve.g1.multiply(hashCapsuleContext(curve, input.context, u1Bytes, u2Bytes), r);
  return concat(u1Bytes, u2Bytes, encodePoint(curve.g1, v));
}

function ephemeralPoints(curve: Curve, r: bigint): { u1Bytes: Uint8Array; u2Bytes: Uint8Array } {
  return {
    u1Bytes: encodePoint(curve.g1, curve.g1.multiplyGenerator(r)),
    u2Bytes: encodePoint(curve.g2, curve.g2.multiplyGenerator(r)),
  };
}

/**
 * "Valid" of §8: every proxy before its share touches U1, owner and recipient before they trust, the author's own
 * client before it submits. Both equations in one product, with the deterministic weight δ.
 * Throws decoding codes, `CAPSULE_INVALID`. Returns the decoded capsule.
 */
export function checkCapsule(
  curve: Curve,
  input: { readonly capsule: Uint8Array; readonly context: Uint8Array },
): DecodedCapsule {
  const decoded = decodeCapsule(curve, input.capsule);
  const { u1, u2, v, u1Bytes, u2Bytes } = decoded;
  const weight = hash128("VALID-DELTA", input.context, input.capsule);
  const contextPoint = hashCapsuleContext(curve, input.context, u1Bytes, u2Bytes);
  const left = curve.g1.add(u1, curve.g1.multiScalar([v], [weight]));
  const right = curve.g1.add(curve.g1.generator, curve.g1.multiScalar([contextPoint], [weight]));
  const valid = curve.pairingProductIsOne([
    { g1: left, g2: curve.g2.generator },
    { g1: curve.g1.negate(right), g2: u2 },
  ]);
  if (!valid) {
    throw new ConsiliumError(
      "CAPSULE_INVALID",
      "Leave this record out: its capsule was not made for exactly these public facts.",
    );
  }
  return decoded;
}

/** Returns K when the commitment is that of the record, otherwise throws `KEY_COMMITMENT`. */
export function confirmPayloadKey(derived: PayloadKey, commitment: Uint8Array): Uint8Array {
  requireLength(commitment, 32, "key commitment");
  if (!equalBytesConstantTime(derived.commitment, commitment)) {
    derived.key.fill(0);
    throw new ConsiliumError(
      "KEY_COMMITMENT",
      "This key does not open the record: check keys, version and owner.",
    );
  }
  return derived.key;
}

/** What an owner needs to open a capsule. */
export interface OwnerOpenInput {
  readonly capsule: Uint8Array;
  readonly identity: Uint8Array;
  /** Pi, 96 bytes. */
  readonly ownerKey: Uint8Array;
  /** D = x·d_I, 48 bytes: secret. */
  readonly decryptionKey: Uint8Array;
  readonly commitment: Uint8Array;
}

/**
 * K of a capsule that already passed {@link checkCapsule}: Γ = e(D, U2).
 * Throws decoding codes, `KEY_COMMITMENT`. A copied capsule would open here under a false author and header, so a
 * caller without the check behind it uses {@link openCapsuleAsOwner}.
 */
export function openValidCapsuleAsOwner(curve: Curve, input: OwnerOpenInput): Uint8Array {
  const { u2, u1Bytes, u2Bytes } = decodeCapsule(curve, input.capsule);
  requireLength(input.ownerKey, 96, "owner key");
  const shared = curve.pairingProduct([{ g1: decodeG1(curve, input.decryptionKey), g2: u2 }]);
  const { identity, ownerKey } = input;
  return confirmPayloadKey(
    deriveCapsuleKey(curve, shared, { identity, ownerKey, u1Bytes, u2Bytes }),
    input.commitment,
  );
}

/** Owner open of §8: Valid first, then K. Throws decoding codes, `CAPSULE_INVALID`, `KEY_COMMITMENT`. */
export function openCapsuleAsOwner(
  curve: Curve,
  input: OwnerOpenInput & { readonly context: Uint8Array },
): Uint8Array {
  checkCapsule(curve, input);
  return openValidCapsuleAsOwner(curve, input);
}
