import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from "node:crypto";
import {
  type Ed25519Backend,
  ed25519PublicKey,
  installEd25519Backend,
  installSha256Backend,
  toHex,
} from "@consilium/crypto";
import type { SeededRandom } from "../random.js";

/** DER around a raw Ed25519 key (RFC 8410). */
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

const latin = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

const publicKeys = new Map<string, KeyObject>();
const privateKeys = new Map<string, KeyObject>();
const KEYS_MAX = 4_096;

/** Parsing a key takes longer than signing with it. */
function remembered(keys: Map<string, KeyObject>, raw: Uint8Array, make: () => KeyObject): KeyObject {
  const name = latin(raw);
  let key = keys.get(name);
  if (key !== undefined) return key;
  if (keys.size >= KEYS_MAX) keys.clear();
  key = make();
  keys.set(name, key);
  return key;
}

/** OpenSSL behind the port, as nodes have it: a tenth of the time of the portable one. */
const openssl: Ed25519Backend = {
  verify(publicKey, message, signature) {
    const key = remembered(publicKeys, publicKey, () =>
      createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, publicKey]), format: "der", type: "spki" }),
    );
    return verify(null, message, key, signature);
  },
  sign(secretKey, message) {
    const key = remembered(privateKeys, secretKey, () =>
      createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, secretKey]), format: "der", type: "pkcs8" }),
    );
    return new Uint8Array(sign(null, message, key));
  },
};

/**
 * Installs the SHA-256 and Ed25519 backends of a simulation. With `memoise`, a check that some node made is not made again by another
 * one: the answer depends on key, message and signature alone.
 */
export function installNodeSignatures(memoise: boolean): void {
  installSha256Backend((bytes) => {
    const digest = hash("sha256", bytes, "buffer");
    return new Uint8Array(digest.buffer, digest.byteOffset, digest.length);
  });
  if (!memoise) {
    installEd25519Backend(openssl);
    return;
  }
  const answers = new Map<string, boolean>();
  installEd25519Backend({
    ...openssl,
    verify(publicKey, message, signature) {
      const name = latin(publicKey) + latin(signature) + latin(message);
      let answer = answers.get(name);
      if (answer === undefined) {
        answer = openssl.verify(publicKey, message, signature);
        answers.set(name, answer);
      }
      return answer;
    },
  });
}

/** One member's node key: Ed25519, node id and first account key at once. */
export interface NodeKey {
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
  /** The node id in hex. */
  readonly name: string;
}

export function makeNodeKeys(count: number, random: SeededRandom): NodeKey[] {
  return Array.from({ length: count }, () => {
    const secretKey = random.bytes(32);
    const publicKey = ed25519PublicKey(secretKey);
    return { secretKey, publicKey, name: toHex(publicKey) };
  });
}
