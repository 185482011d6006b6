import { expand_message_xmd } from "@noble/curves/abstract/hash-to-curve.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { bigintFromBytes, concat, lp16, requireLength, u8, utf8 } from "./bytes.js";
import { SCALAR_ORDER } from "./curve/order.js";

/** The domain of suite CS01 (Consilium CS01 §3): every hash and signature of this project starts with it. */
export const DOM = "CONSILIUM-V01-CS01-";

/** DOM ‖ tag as bytes. */
export function domain(tag: string): Uint8Array {
  return utf8(DOM + tag);
}

/** What a platform may do faster: SHA-256 of bytes, 32 bytes that nobody else holds. */
export type Sha256Backend = (bytes: Uint8Array) => Uint8Array;

let digest: Sha256Backend = nobleSha256;

/** Installs the SHA-256 of this process, normally once at start; without an argument the portable one is restored. */
export function installSha256Backend(replacement: Sha256Backend = nobleSha256): void {
  digest = replacement;
}

/** SHA-256 of the parts joined. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return digest(concat(...parts));
}

/** H(tag, a, b, …) of Consilium CS01 §3.1: 32 bytes. */
export function hash(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const prefix = domain(tag);
  return sha256(u8(prefix.length), prefix, ...parts);
}

/** expand_message_xmd with SHA-256 under any domain separation tag (RFC 9380 §5.3.1). */
export function expandMessage(dst: Uint8Array, sizeBytes: number, data: Uint8Array): Uint8Array {
  return expand_message_xmd(data, dst, sizeBytes, nobleSha256);
}

/** XMD(tag, L, data) of §3.2. */
export function xmd(tag: string, sizeBytes: number, data: Uint8Array): Uint8Array {
  return expandMessage(domain(tag), sizeBytes, data);
}

/** HS(tag, data) of §3.3: a scalar below the group order. */
export function hashToScalar(tag: string, ...parts: readonly Uint8Array[]): bigint {
  return bigintFromBytes(xmd(tag, 48, concat(...parts))) % SCALAR_ORDER;
}

/** The 16 bytes behind {@link hash128}. */
export function hash128Bytes(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return xmd(tag, 16, concat(...parts));
}

/** H128(tag, data) of §3.3: an integer below 2^128. */
export function hash128(tag: string, ...parts: readonly Uint8Array[]): bigint {
  return bigintFromBytes(hash128Bytes(tag, ...parts));
}

/** HKDF-SHA256, extract and expand (RFC 5869), with the argument order of §3.5. */
export function deriveKey(
  keyMaterial: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  sizeBytes: number,
): Uint8Array {
  return hkdf(nobleSha256, keyMaterial, salt, info, sizeBytes);
}

/**
 * The hedged nonce of §3.6, never zero. `label` is the challenge tag of the proof, `secret` the 32-byte secret proven,
 * `random` 32 fresh bytes and `data` all transcript bytes before the commitments: a broken random source alone does
 * not repeat a nonce for two different transcripts.
 */
export function hedgedNonce(label: string, secret: Uint8Array, random: Uint8Array, data: Uint8Array): bigint {
  requireLength(secret, 32, "secret");
  requireLength(random, 32, "random");
  const input = concat(lp16(utf8(label)), secret, random, sha256(data));
  const nonce = hashToScalar("NONCE", input);
  input.fill(0);
  return nonce === 0n ? 1n : nonce;
}
