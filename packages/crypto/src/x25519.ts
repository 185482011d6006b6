/** X25519 keys (RFC 7748): public keys, and the check a key must pass before anyone seals to it (CS01 §10.1). */
import { x25519 } from "@noble/curves/ed25519.js";
import { hexToBytes } from "@noble/hashes/utils.js";
import { ConsiliumError } from "./errors.js";

export const X25519_KEY_SIZE_BYTES = 32;

const FIELD_PRIME = 2n ** 255n - 19n;

/** The canonical u-coordinates of low order: with these a Diffie-Hellman result is always zero. */
const LOW_ORDER_KEYS: readonly Uint8Array[] = [
  "00".repeat(32),
  `01${"00".repeat(31)}`,
  `ec${"ff".repeat(30)}7f`,
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
].map((hex) => hexToBytes(hex));

/** What a platform may do faster; lengths are checked before a backend is asked. RFC 7748 leaves it no freedom. */
export interface X25519Backend {
  publicKey(secretKey: Uint8Array): Uint8Array;
  /** The Diffie-Hellman result, or undefined when it is all zero. */
  sharedSecret(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
}

/** The reference backend: portable JavaScript, a millisecond or two per operation. */
export const nobleX25519Backend: X25519Backend = {
  publicKey: (secretKey) => x25519.getPublicKey(secretKey),
  sharedSecret(secretKey, publicKey) {
    try {
      return x25519.getSharedSecret(secretKey, publicKey);
    } catch {
      // The lengths are right, so the only thing left for the library to refuse is the all-zero result.
      return undefined;
    }
  },
};

let backend: X25519Backend = nobleX25519Backend;

/**
 * Installs the backend of this process, normally once at start (a node plugs in its native library here).
 * Without an argument the portable one is restored.
 */
export function installX25519Backend(replacement: X25519Backend = nobleX25519Backend): void {
  backend = replacement;
}

/** Public key (32 bytes) of a secret key (32 bytes). Throws `BAD_LENGTH`. */
export function x25519PublicKey(secretKey: Uint8Array): Uint8Array {
  requireX25519Length(secretKey);
  return backend.publicKey(secretKey);
}

/**
 * Checks a public key that is about to be registered or posted in a request: u < 2^255 − 19 and not of low order.
 * Throws `REQ_BAD_KEY`.
 */
export function x25519CheckKey(publicKey: Uint8Array): void {
  if (publicKey.length === X25519_KEY_SIZE_BYTES && isCanonical(publicKey) && !isLowOrder(publicKey)) return;
  throw new ConsiliumError(
    "REQ_BAD_KEY",
    "This X25519 key is not canonical or has low order; make a fresh key pair with a standard generator.",
  );
}

/**
 * The Diffie-Hellman result, or undefined when it is all zero, which happens exactly for public keys of low order.
 * Both keys are 32 bytes. The caller owns the result and should zeroise it.
 */
export function x25519SharedSecret(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  requireX25519Length(secretKey);
  requireX25519Length(publicKey);
  return backend.sharedSecret(secretKey, publicKey);
}

function requireX25519Length(key: Uint8Array): void {
  if (key.length === X25519_KEY_SIZE_BYTES) return;
  throw new ConsiliumError("BAD_LENGTH", "An X25519 key is 32 bytes.", { sizeBytes: key.length });
}

function isCanonical(key: Uint8Array): boolean {
  let u = 0n;
  for (let index = key.length - 1; index >= 0; index--) u = (u << 8n) | BigInt(key[index]!);
  return u < FIELD_PRIME;
}

function isLowOrder(key: Uint8Array): boolean {
  return LOW_ORDER_KEYS.some((low) => low.every((byte, index) => byte === key[index]));
}
