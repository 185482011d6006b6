/** Cryptography of Node itself behind the ports of @consilium/crypto: scrypt, AES-256-GCM, SHA-256, Ed25519, X25519. */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hash,
  type KeyObject,
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
  installSha256Backend,
  installX25519Backend,
  type KeystorePlatform,
  type PayloadPlatform,
  type X25519Backend,
} from "@consilium/crypto";
import { installFastTreeHasher, type Random } from "@consilium/protocol";

const CIPHER = "aes-256-gcm";
/** DER frames around a raw key (RFC 8410 §7 and §4); the curves differ in the last byte of their object id. */
const FRAMES = {
  ed25519: { secret: frame("302e020100300506032b657004220420"), public: frame("302a300506032b6570032100") },
  x25519: { secret: frame("302e020100300506032b656e04220420"), public: frame("302a300506032b656e032100") },
};
/** An X25519 public key stands in the last 32 bytes of its DER form. */
const RAW_KEY_SIZE_BYTES = 32;

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
      return verify(null, message, publicKeyOf("ed25519", publicKey), signature);
    } catch {
      return false;
    }
  },
  sign: (secretKey, message) => plain(sign(null, message, secretKeyOf("ed25519", secretKey))),
};

const nativeX25519: X25519Backend = {
  publicKey(secretKey) {
    const der = createPublicKey(secretKeyOf("x25519", secretKey)).export({ format: "der", type: "spki" });
    return plain(der.subarray(-RAW_KEY_SIZE_BYTES));
  },
  sharedSecret(secretKey, publicKey) {
    try {
      const keys = {
        privateKey: secretKeyOf("x25519", secretKey),
        publicKey: publicKeyOf("x25519", publicKey),
      };
      return plain(diffieHellman(keys));
    } catch {
      // OpenSSL refuses an all-zero result, and nothing else of keys with the right length.
      return undefined;
    }
  },
};

/** The operating system's secure random source. */
export const secureRandom: Random = { bytes: (length) => plain(randomBytes(length)) };

/** Plugs Node's SHA-256, Ed25519 and X25519 into @consilium/crypto, and a fast hash into SSZ; once at the start of a process. */
export async function installNativeCrypto(): Promise<void> {
  installSha256Backend((bytes) => plain(hash("sha256", bytes, "buffer")));
  installEd25519Backend(nativeEd25519);
  installX25519Backend(nativeX25519);
  await installFastTreeHasher();
}

function secretKeyOf(curve: keyof typeof FRAMES, secretKey: Uint8Array): KeyObject {
  const der = Buffer.concat([FRAMES[curve].secret, secretKey]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  der.fill(0);
  return key;
}

function publicKeyOf(curve: keyof typeof FRAMES, publicKey: Uint8Array): KeyObject {
  const der = Buffer.concat([FRAMES[curve].public, publicKey]);
  return createPublicKey({ key: der, format: "der", type: "spki" });
}

function frame(hex: string): Buffer {
  return Buffer.from(hex, "hex");
}

/** A copy that is a Uint8Array of its own, not a view of Node's shared buffer pool. */
function plain(buffer: Buffer): Uint8Array {
  return Uint8Array.from(buffer);
}
