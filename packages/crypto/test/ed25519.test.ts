import { createPrivateKey, createPublicKey, sign as nodeSign, verify as nodeVerify } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { afterEach, describe, expect, it } from "vitest";
import {
  ed25519CheckKey,
  ed25519PublicKey,
  ed25519Sign,
  ed25519Verify,
  installEd25519Backend,
  nobleEd25519Backend,
} from "../src/ed25519.js";
import { codeOf } from "../src/errors.js";

const secretKey = new Uint8Array(32).fill(7);
const publicKey = ed25519PublicKey(secretKey);
const message = utf8ToBytes("a transaction");
const signature = ed25519Sign(secretKey, message);

const PKCS8_PREFIX = hexToBytes("302e020100300506032b657004220420");
const SPKI_PREFIX = hexToBytes("302a300506032b6570032100");

/** OpenSSL behind the port, as the node package plugs it in. */
const opensslBackend = {
  verify: (key: Uint8Array, text: Uint8Array, sig: Uint8Array) =>
    nodeVerify(
      null,
      text,
      createPublicKey({ key: Buffer.concat([SPKI_PREFIX, key]), format: "der", type: "spki" }),
      sig,
    ),
  sign: (secret: Uint8Array, text: Uint8Array) =>
    new Uint8Array(
      nodeSign(
        null,
        text,
        createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, secret]), format: "der", type: "pkcs8" }),
      ),
    ),
};

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const TORSION_POINT = ed25519.Point.fromHex(
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
);

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}

function challengeOf(commitment: Uint8Array, key: Uint8Array, text: Uint8Array): bigint {
  const digest = sha512(concatBytes(commitment, key, text));
  return digest.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n) % ORDER;
}

/** A signature under A + T, T of order 8, for a secret scalar: R is honest, S ignores the torsion. */
function signWithMixedKey(secret: bigint, nonce: bigint, text: Uint8Array) {
  const key = ed25519.Point.BASE.multiply(secret).add(TORSION_POINT).toBytes();
  const commitment = ed25519.Point.BASE.multiply(nonce).toBytes();
  const challenge = challengeOf(commitment, key, text);
  const response = (nonce + challenge * secret) % ORDER;
  return { key, challenge, signature: concatBytes(commitment, littleEndian(response)) };
}

describe.each([
  ["portable", nobleEd25519Backend],
  ["OpenSSL", opensslBackend],
])("the strict Ed25519 rule on the %s backend", (_, backend) => {
  afterEach(() => installEd25519Backend());

  it("accepts an honest signature and refuses any other message, key or signature", () => {
    installEd25519Backend(backend);
    expect(bytesToHex(ed25519Sign(secretKey, message))).toBe(bytesToHex(signature));
    expect(ed25519Verify(publicKey, message, signature)).toBe(true);
    expect(ed25519Verify(publicKey, utf8ToBytes("another"), signature)).toBe(false);
    expect(ed25519Verify(ed25519PublicKey(new Uint8Array(32).fill(8)), message, signature)).toBe(false);
    for (const position of [0, 20, 33, 60]) {
      const changed = signature.slice();
      changed[position] = changed[position]! ^ 1;
      expect(ed25519Verify(publicKey, message, changed)).toBe(false);
    }
  });

  it("refuses S + L, which a lax verifier takes for the same signature", () => {
    installEd25519Backend(backend);
    const response = signature.slice(32).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    const malleated = concatBytes(signature.slice(0, 32), littleEndian(response + ORDER));
    expect(ed25519Verify(publicKey, message, malleated)).toBe(false);
  });

  it("refuses small-order, negative-zero and non-canonical encodings as key and as R", () => {
    installEd25519Backend(backend);
    const bad = [
      `01${"00".repeat(31)}`,
      `01${"00".repeat(30)}80`,
      `ec${"ff".repeat(30)}7f`,
      `ec${"ff".repeat(31)}`,
      "00".repeat(32),
      `${"00".repeat(31)}80`,
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
      `ed${"ff".repeat(30)}7f`,
      `ee${"ff".repeat(30)}7f`,
      "ff".repeat(32),
    ].map((hex) => hexToBytes(hex));
    for (const encoding of bad) {
      expect(ed25519Verify(encoding, message, concatBytes(encoding, new Uint8Array(32)))).toBe(false);
      expect(ed25519Verify(encoding, message, signature)).toBe(false);
      expect(ed25519Verify(publicKey, message, concatBytes(encoding, signature.slice(32)))).toBe(false);
    }
  });

  it("multiplies no cofactor: a key with a torsion part verifies only when the parts cancel", () => {
    installEd25519Backend(backend);
    const results = Array.from({ length: 24 }, (_, index) => {
      const made = signWithMixedKey(12345n, 6789n + BigInt(index), message);
      const accepted = ed25519Verify(made.key, message, made.signature);
      expect(accepted).toBe(made.challenge % 8n === 0n);
      return accepted;
    });
    expect(results).toContain(false);
    expect(results).toContain(true);
  });

  it("answers false, and never throws, on input of any length", () => {
    installEd25519Backend(backend);
    for (const length of [0, 1, 31, 33, 64, 200]) {
      expect(ed25519Verify(new Uint8Array(length).fill(3), message, signature)).toBe(false);
      if (length !== 64) expect(ed25519Verify(publicKey, message, new Uint8Array(length))).toBe(false);
    }
    expect(ed25519Verify(new Uint8Array(32).fill(2), message, signature)).toBe(false);
  });
});

describe("registering an Ed25519 key", () => {
  const codeFor = (key: Uint8Array) => {
    try {
      ed25519CheckKey(key);
      return "accepted";
    } catch (error) {
      return codeOf(error);
    }
  };

  it("accepts a standard key and refuses mixed order, small order, off the curve and wrong length", () => {
    expect(codeFor(publicKey)).toBe("accepted");
    const mixed = ed25519.Point.fromBytes(publicKey).add(TORSION_POINT).toBytes();
    expect(codeFor(mixed)).toBe("SIG_BAD_KEY");
    expect(codeFor(TORSION_POINT.toBytes())).toBe("SIG_BAD_KEY");
    expect(codeFor(new Uint8Array(32).fill(2))).toBe("SIG_BAD_KEY");
    expect(codeFor(publicKey.slice(1))).toBe("SIG_BAD_KEY");
  });
});
