/**
 * HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305.
 *
 * One message per context, so the sequence number is always 0 and the base nonce is the nonce. The ephemeral secret
 * is an input: it must be fresh for every message, because with it the message can be read.
 */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { ConsiliumError } from "./errors.js";
import { x25519PublicKey, x25519SharedSecret } from "./x25519.js";

export const HPKE_ENC_SIZE_BYTES = 32;
export const HPKE_TAG_SIZE_BYTES = 16;
/** Length of "ss", the KEM output from which one message can be opened. */
export const HPKE_SHARED_SECRET_SIZE_BYTES = 32;

const VERSION_LABEL = utf8ToBytes("HPKE-v1");
const KEM_SUITE = concatBytes(utf8ToBytes("KEM"), Uint8Array.of(0x00, 0x20));
const HPKE_SUITE = concatBytes(utf8ToBytes("HPKE"), Uint8Array.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x03));
const MODE_BASE = Uint8Array.of(0);
const EMPTY = new Uint8Array(0);

export interface HpkeSealInput {
  readonly recipientKey: Uint8Array;
  /** 32 fresh random bytes, the ephemeral X25519 secret. */
  readonly ephemeralSecret: Uint8Array;
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly plaintext: Uint8Array;
}

export interface HpkeSealed {
  readonly enc: Uint8Array;
  /** Plaintext length + 16. */
  readonly ciphertext: Uint8Array;
  readonly sharedSecret: Uint8Array;
}

export interface HpkeOpenInput {
  readonly recipientSecret: Uint8Array;
  readonly enc: Uint8Array;
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export interface HpkeOpened {
  readonly plaintext: Uint8Array;
  readonly sharedSecret: Uint8Array;
}

/** Seals one message to an X25519 key (RFC 9180 §6.1). Throws `BAD_LENGTH`, or `HPKE_BAD_KEY` for a low-order key. */
export function hpkeSeal(input: HpkeSealInput): HpkeSealed {
  const enc = x25519PublicKey(input.ephemeralSecret);
  const sharedSecret = deriveSharedSecret(input.ephemeralSecret, input.recipientKey, enc, input.recipientKey);
  const { key, nonce } = keySchedule(sharedSecret, input.info);
  const ciphertext = chacha20poly1305(key, nonce, input.aad).encrypt(input.plaintext);
  key.fill(0);
  return { enc, ciphertext, sharedSecret };
}

/**
 * Opens one message with the recipient's secret key. Throws `BAD_LENGTH`, `HPKE_BAD_KEY` for a low-order enc,
 * `HPKE_OPEN_FAILED` when the tag does not hold.
 */
export function hpkeOpen(input: HpkeOpenInput): HpkeOpened {
  const recipientKey = x25519PublicKey(input.recipientSecret);
  const sharedSecret = deriveSharedSecret(input.recipientSecret, input.enc, input.enc, recipientKey);
  const { info, aad, ciphertext } = input;
  return { plaintext: hpkeOpenWithSharedSecret({ sharedSecret, info, aad, ciphertext }), sharedSecret };
}

/**
 * "OpenWithSS": runs the key schedule from a KEM output and opens. Used by judges, to whom a recipient reveals the
 * shared secret of one message and nothing else. Throws `BAD_LENGTH`, `HPKE_OPEN_FAILED`.
 */
export function hpkeOpenWithSharedSecret(input: {
  readonly sharedSecret: Uint8Array;
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly ciphertext: Uint8Array;
}): Uint8Array {
  if (input.sharedSecret.length !== HPKE_SHARED_SECRET_SIZE_BYTES) {
    throw new ConsiliumError("BAD_LENGTH", "An HPKE shared secret is 32 bytes.");
  }
  const { key, nonce } = keySchedule(input.sharedSecret, input.info);
  try {
    return chacha20poly1305(key, nonce, input.aad).decrypt(input.ciphertext);
  } catch {
    throw new ConsiliumError(
      "HPKE_OPEN_FAILED",
      "The sealed message does not open: it was changed, or sealed to another key or for another context.",
    );
  } finally {
    key.fill(0);
  }
}

/** ExtractAndExpand of the Diffie-Hellman result (RFC 9180 §4.1). */
function deriveSharedSecret(
  secretKey: Uint8Array,
  peerKey: Uint8Array,
  enc: Uint8Array,
  recipientKey: Uint8Array,
): Uint8Array {
  const dh = x25519SharedSecret(secretKey, peerKey);
  if (dh === undefined) {
    throw new ConsiliumError(
      "HPKE_BAD_KEY",
      "The X25519 key has low order; ask its holder for a proper key.",
    );
  }
  const prk = labeledExtract(KEM_SUITE, EMPTY, "eae_prk", dh);
  dh.fill(0);
  const sharedSecret = labeledExpand(KEM_SUITE, prk, "shared_secret", concatBytes(enc, recipientKey), 32);
  prk.fill(0);
  return sharedSecret;
}

/** Key and nonce of sequence number 0 (RFC 9180 §5.1, base mode: psk and psk_id are empty). */
function keySchedule(sharedSecret: Uint8Array, info: Uint8Array): { key: Uint8Array; nonce: Uint8Array } {
  const pskIdHash = labeledExtract(HPKE_SUITE, EMPTY, "psk_id_hash", EMPTY);
  const infoHash = labeledExtract(HPKE_SUITE, EMPTY, "info_hash", info);
  const context = concatBytes(MODE_BASE, pskIdHash, infoHash);
  const secret = labeledExtract(HPKE_SUITE, sharedSecret, "secret", EMPTY);
  const key = labeledExpand(HPKE_SUITE, secret, "key", context, 32);
  const nonce = labeledExpand(HPKE_SUITE, secret, "base_nonce", context, 12);
  secret.fill(0);
  return { key, nonce };
}

function labeledExtract(suite: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  return extract(sha256, concatBytes(VERSION_LABEL, suite, utf8ToBytes(label), ikm), salt);
}

function labeledExpand(
  suite: Uint8Array,
  prk: Uint8Array,
  label: string,
  info: Uint8Array,
  lengthBytes: number,
): Uint8Array {
  const length = Uint8Array.of(lengthBytes >> 8, lengthBytes & 0xff);
  return expand(
    sha256,
    prk,
    concatBytes(length, VERSION_LABEL, suite, utf8ToBytes(label), info),
    lengthBytes,
  );
}
