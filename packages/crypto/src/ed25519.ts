/**
 * Ed25519 under one exact rule, so that every node agrees on every bit (Consilium CS01 §4).
 *
 * Libraries differ in what they accept: cofactored or not, small-order keys, non-canonical encodings. The checks on
 * bytes are therefore made here, before any library sees the input, and the equation is the cofactorless one with a
 * byte comparison of R. Batch verification multiplies by the cofactor and must not be used.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import { ConsiliumError } from "./errors.js";

/**
 * What a platform may do faster. A backend is asked only about input that passed the byte checks of this module, and
 * must then answer exactly "the encoding of [S]B − [k]A equals R" (OpenSSL and BoringSSL do). Backends agree bit for
 * bit, so which one is installed changes speed and nothing else.
 */
export interface Ed25519Backend {
  /** True iff A decodes to a curve point and the encoding of [S]B − [k]A equals R. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** RFC 8032 signature, 64 bytes, by a secret seed of 32 bytes. */
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
}

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const FIELD_PRIME = 2n ** 255n - 19n;
const POINT_SIZE_BYTES = 32;
const SIGNATURE_SIZE_BYTES = 64;
const SECRET_SIZE_BYTES = 32;

/** The 8 small-order encodings, and the two encodings of x = 0 that carry a sign ("negative zero"). */
const FORBIDDEN_ENCODINGS: readonly Uint8Array[] = [
  `01${"00".repeat(31)}`,
  `ec${"ff".repeat(30)}7f`,
  "00".repeat(32),
  `${"00".repeat(31)}80`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  `01${"00".repeat(30)}80`,
  `ec${"ff".repeat(31)}`,
].map((hex) => hexToBytes(hex));

/** The reference backend: portable JavaScript, about a millisecond per check. */
export const nobleEd25519Backend: Ed25519Backend = {
  verify: verifyEquation,
  sign: (secretKey, message) => ed25519.sign(message, secretKey),
};

let backend: Ed25519Backend = nobleEd25519Backend;

/**
 * Installs the backend of this process, normally once at start (a node plugs in its native library here).
 * Without an argument the portable one is restored.
 */
export function installEd25519Backend(replacement: Ed25519Backend = nobleEd25519Backend): void {
  backend = replacement;
}

/** Public key (32 bytes) of a secret seed (32 bytes), RFC 8032 §5.1.5. Throws `BAD_LENGTH`. */
export function ed25519PublicKey(secretKey: Uint8Array): Uint8Array {
  requireSecretLength(secretKey);
  return ed25519.getPublicKey(secretKey);
}

/** Signature (64 bytes) of a message by a secret seed (32 bytes), RFC 8032 §5.1.6. Throws `BAD_LENGTH`. */
export function ed25519Sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array {
  requireSecretLength(secretKey);
  return backend.sign(secretKey, message);
}

/**
 * Whether the signature holds under the strict rule of CS01 §4. Never throws: whatever a peer sends that is not a
 * valid signature is `false`.
 */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_SIZE_BYTES || !isAdmissibleEncoding(publicKey)) return false;
  if (!isAdmissibleEncoding(signature.subarray(0, POINT_SIZE_BYTES))) return false;
  if (littleEndianToBigint(signature.subarray(POINT_SIZE_BYTES)) >= ORDER) return false;
  return backend.verify(publicKey, message, signature);
}

/**
 * Checks a key that is about to be registered: admissible bytes, on the curve, and without a torsion part, so that a
 * cofactored verifier elsewhere would agree about it. Throws `SIG_BAD_KEY`.
 */
export function ed25519CheckKey(publicKey: Uint8Array): void {
  const point = isAdmissibleEncoding(publicKey) ? decodePoint(publicKey) : undefined;
  if (point === undefined || !point.isTorsionFree()) {
    throw new ConsiliumError(
      "SIG_BAD_KEY",
      "This Ed25519 key is not canonical or not in the prime-order group; register a key made by a standard generator.",
    );
  }
}

/** 32 bytes, y < p, and none of the forbidden encodings. Public data: no constant time needed. */
function isAdmissibleEncoding(bytes: Uint8Array): boolean {
  if (bytes.length !== POINT_SIZE_BYTES) return false;
  if (FORBIDDEN_ENCODINGS.some((forbidden) => forbidden.every((byte, index) => byte === bytes[index])))
    return false;
  // A y of p or more needs every byte above the lowest to be full, so most keys are settled by one comparison.
  if (bytes[1] !== 0xff) return true;
  // Not slice(), which on Node's Buffer is a view of the caller's bytes.
  const y = Uint8Array.from(bytes);
  y[31] = y[31]! & 0x7f;
  return littleEndianToBigint(y) < FIELD_PRIME;
}

function verifyEquation(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const negatedKey = decodePoint(publicKey)?.negate();
  if (negatedKey === undefined) return false;
  const commitment = signature.subarray(0, POINT_SIZE_BYTES);
  const response = littleEndianToBigint(signature.subarray(POINT_SIZE_BYTES));
  const challenge = littleEndianToBigint(sha512(concatBytes(commitment, publicKey, message))) % ORDER;
  const expected = ed25519.Point.BASE.multiplyUnsafe(response)
    .add(negatedKey.multiplyUnsafe(challenge))
    .toBytes();
  return expected.every((byte, index) => byte === commitment[index]);
}

function decodePoint(bytes: Uint8Array) {
  try {
    return ed25519.Point.fromBytes(bytes);
  } catch {
    return undefined;
  }
}

function littleEndianToBigint(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let index = bytes.length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index]!);
  return value;
}

function requireSecretLength(secretKey: Uint8Array): void {
  if (secretKey.length === SECRET_SIZE_BYTES) return;
  throw new ConsiliumError("BAD_LENGTH", "An Ed25519 secret key is a seed of 32 bytes.", {
    sizeBytes: secretKey.length,
  });
}
