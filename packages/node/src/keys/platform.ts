/** Cryptography of Node itself behind the ports of @consilium/crypto: scrypt, AES-256-GCM, SHA-256 and Ed25519. */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  randomBytes,
  scrypt,
  sign,
  verify,
} from "node:crypto";
import {
  AEAD_TAG_SIZE_BYTES,
  type AeadPort,
  type Ed25519Backend,
  installEd25519Backend,
  type KeystorePlatform,
  type PayloadPlatform,
} from "@consilium/crypto";
import type { Random } from "@consilium/protocol";

const CIPHER = "aes-256-gcm";
/** DER frames around a raw Ed25519 key (RFC 8410 §7 and §4). */
const PRIVATE_KEY_FRAME = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC_KEY_FRAME = Buffer.from("302a300506032b6570032100", "hex");

export const nativeAead: AeadPort = {
  seal(key, nonce, plaintext, aad) {
    const cipher = createCipheriv(CIPHER, key, nonce);
    if (aad !== undefined) cipher.setAAD(aad);
    return plain(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
  },
  open(key, nonce, ciphertext, aad) {
    if (ciphertext.length < AEAD_TAG_SIZE_BYTES) return undefined;
    const split = ciphertext.length - AEAD_TAG_SIZE_BYTES;
    const decipher = createDecipheriv(CIPHER, key, nonce);
    if (aad !== undefined) decipher.setAAD(aad);
    decipher.setAuthTag(ciphertext.subarray(split));
    try {
      return plain(Buffer.concat([decipher.update(ciphertext.subarray(0, split)), decipher.final()]));
    } catch {
      return undefined;
    }
  },
};

export const nativeKeystorePlatform: KeystorePlatform = {
  aead: nativeAead,
  scrypt: (password, salt, { n, r, p, sizeBytes }) =>
    new Promise((resolve, reject) => {
      // scrypt needs 128·n·r bytes; Node refuses more than 32 MiB unless told.
      const maxmem = 128 * n * r * 2;
      scrypt(password, salt, sizeBytes, { N: n, r, p, maxmem }, (error, key) =>
        error === null ? resolve(plain(key)) : reject(error),
      );
    }),
};

export const nativePayloadPlatform: PayloadPlatform = {
  aead: nativeAead,
  createSha256() {
    const hash = createHash("sha256");
    return { update: (bytes) => void hash.update(bytes), digest: () => plain(hash.digest()) };
  },
};

const nativeEd25519: Ed25519Backend = {
  verify(publicKey, message, signature) {
    try {
      const key = createPublicKey({
        key: Buffer.concat([PUBLIC_KEY_FRAME, publicKey]),
        format: "der",
        type: "spki",
      });
      return verify(null, message, key, signature);
    } catch {
      return false;
    }
  },
  sign(secretKey, message) {
    const frame = Buffer.concat([PRIVATE_KEY_FRAME, secretKey]);
    const key = createPrivateKey({ key: frame, format: "der", type: "pkcs8" });
    frame.fill(0);
    return plain(sign(null, message, key));
  },
};

/** The operating system's secure random source. */
export const secureRandom: Random = { bytes: (length) => plain(randomBytes(length)) };

/** Plugs Node's Ed25519 into @consilium/crypto; once at the start of a process. */
export function installNativeCrypto(): void {
  installEd25519Backend(nativeEd25519);
}

/** A copy that is a Uint8Array of its own, not a view of Node's shared buffer pool. */
function plain(buffer: Buffer): Uint8Array {
  return Uint8Array.from(buffer);
}
