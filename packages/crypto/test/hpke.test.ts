import { createPrivateKey, createPublicKey, diffieHellman } from "node:crypto";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { codeOf } from "../src/errors.js";
import { hpkeOpen, hpkeOpenWithSharedSecret, hpkeSeal } from "../src/hpke.js";
import {
  installX25519Backend,
  type X25519Backend,
  x25519CheckKey,
  x25519PublicKey,
  x25519SharedSecret,
} from "../src/x25519.js";

const recipientSecret = new Uint8Array(32).fill(9);
const recipientKey = x25519PublicKey(recipientSecret);
const info = utf8ToBytes("info");
const aad = utf8ToBytes("aad");
const plaintext = utf8ToBytes("one message per context");
const sealed = hpkeSeal({ recipientKey, ephemeralSecret: new Uint8Array(32).fill(5), info, aad, plaintext });

function secretOf(secretKey: Uint8Array) {
  const key = Buffer.from(concatBytes(hexToBytes("302e020100300506032b656e04220420"), secretKey));
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}

/** OpenSSL behind the port, as the node package plugs it in. */
const opensslBackend: X25519Backend = {
  publicKey: (secretKey) =>
    new Uint8Array(
      createPublicKey(secretOf(secretKey)).export({ format: "der", type: "spki" }).subarray(-32),
    ),
  sharedSecret(secretKey, publicKey) {
    const spki = Buffer.from(concatBytes(hexToBytes("302a300506032b656e032100"), publicKey));
    const peer = createPublicKey({ key: spki, format: "der", type: "spki" });
    try {
      return new Uint8Array(diffieHellman({ privateKey: secretOf(secretKey), publicKey: peer }));
    } catch {
      return undefined;
    }
  },
};

const LOW_ORDER = [
  "00".repeat(32),
  `01${"00".repeat(31)}`,
  `ec${"ff".repeat(30)}7f`,
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
].map((hex) => hexToBytes(hex));

function codeFrom(action: () => unknown): string {
  try {
    action();
    return "accepted";
  } catch (error) {
    return codeOf(error);
  }
}

describe("HPKE base mode", () => {
  it("opens for the recipient, and for whoever holds the shared secret of that one message", () => {
    const { enc, ciphertext, sharedSecret } = sealed;
    expect(hpkeOpen({ recipientSecret, enc, info, aad, ciphertext })).toEqual({ plaintext, sharedSecret });
    expect(hpkeOpenWithSharedSecret({ sharedSecret, info, aad, ciphertext })).toEqual(plaintext);
  });

  it("refuses a changed ciphertext, aad, info, enc or key", () => {
    const { enc, ciphertext } = sealed;
    const flipped = ciphertext.slice();
    flipped[0] = flipped[0]! ^ 1;
    const good = { recipientSecret, enc, info, aad, ciphertext };
    const changes = [
      { ciphertext: flipped },
      { ciphertext: ciphertext.slice(0, 15) },
      { ciphertext: new Uint8Array(0) },
      { aad: info },
      { info: aad },
      { enc: recipientKey },
      { recipientSecret: new Uint8Array(32).fill(10) },
    ];
    for (const change of changes) {
      expect(codeFrom(() => hpkeOpen({ ...good, ...change }))).toBe("HPKE_OPEN_FAILED");
    }
  });

  it("refuses a key of low order on either side", () => {
    for (const low of LOW_ORDER) {
      const { ciphertext } = sealed;
      const seal = { recipientKey: low, ephemeralSecret: recipientSecret, info, aad, plaintext };
      expect(codeFrom(() => hpkeSeal(seal))).toBe("HPKE_BAD_KEY");
      expect(codeFrom(() => hpkeOpen({ recipientSecret, enc: low, info, aad, ciphertext }))).toBe(
        "HPKE_BAD_KEY",
      );
    }
  });
});

describe("X25519 keys", () => {
  it("refuses to register a key of low order, a non-canonical one, or one of another length", () => {
    expect(codeFrom(() => x25519CheckKey(recipientKey))).toBe("accepted");
    const nonCanonical = [
      `ed${"ff".repeat(30)}7f`,
      "ff".repeat(32),
      `${bytesToHex(recipientKey).slice(0, 62)}ff`,
    ];
    for (const key of [...LOW_ORDER, ...nonCanonical.map((hex) => hexToBytes(hex)), recipientKey.slice(1)]) {
      expect(codeFrom(() => x25519CheckKey(key))).toBe("REQ_BAD_KEY");
    }
  });

  it("gives the same results on OpenSSL behind the port, top bit and non-canonical keys included", () => {
    const topBit = recipientKey.slice();
    topBit[31] = topBit[31]! | 0x80;
    const keys = [recipientKey, topBit, hexToBytes(`f0${"ff".repeat(30)}7f`), ...LOW_ORDER];
    const answers = () => [
      bytesToHex(x25519PublicKey(recipientSecret)),
      ...keys.map((key) => x25519SharedSecret(recipientSecret, key)).map((dh) => dh && bytesToHex(dh)),
    ];
    const portable = answers();
    expect(portable.filter((answer) => answer === undefined)).toHaveLength(LOW_ORDER.length);
    installX25519Backend(opensslBackend);
    try {
      expect(answers()).toEqual(portable);
    } finally {
      installX25519Backend();
    }
  });
});
