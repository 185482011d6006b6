import { createCipheriv, createDecipheriv, createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, toHex } from "../src/bytes.js";
import { codeOf } from "../src/errors.js";
import { sha256 } from "../src/hash.js";
import { PayloadOpener, PayloadSealer, payloadOpen, payloadSeal } from "../src/payload.js";
import { type PayloadPlatform, payloadFileSizeBytes } from "../src/payload-format.js";

const CHUNK = 2 ** 16;
const PIECE = CHUNK + 16;
const key = new Uint8Array(32).fill(11);
const salt = new Uint8Array(16).fill(12);
const text = Uint8Array.from({ length: 2 * CHUNK + 5000 }, (_, index) => (31 * index) % 251);

/** OpenSSL behind the port, as the node package plugs it in. */
const openssl: PayloadPlatform = {
  aead: {
    seal(aeadKey, nonce, plaintext) {
      const cipher = createCipheriv("aes-256-gcm", aeadKey, nonce);
      return concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
    },
    open(aeadKey, nonce, ciphertext) {
      const decipher = createDecipheriv("aes-256-gcm", aeadKey, nonce);
      decipher.setAuthTag(ciphertext.subarray(ciphertext.length - 16));
      try {
        return concat(decipher.update(ciphertext.subarray(0, ciphertext.length - 16)), decipher.final());
      } catch {
        return undefined;
      }
    },
  },
  createSha256() {
    const hash = createHash("sha256");
    return { update: (bytes) => void hash.update(bytes), digest: () => new Uint8Array(hash.digest()) };
  },
};

const options = { key, salt, chunkLog2: 16, platform: openssl };
const sealed = payloadSeal(text, options);
const expected = { lengthBytes: sealed.lengthBytes, digest: sealed.digest };

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let position = 0;
  for (const size of sizes) {
    parts.push(bytes.slice(position, position + size));
    position += size;
  }
  return [...parts, bytes.slice(position)];
}

function openInParts(parts: readonly Uint8Array[], extra: object = {}): Uint8Array {
  const opener = new PayloadOpener({ key, platform: openssl, ...extra });
  const early = parts.flatMap((part) => opener.push(part));
  return concat(...early, ...opener.finish().pieces);
}

function codeFrom(action: () => unknown): string {
  try {
    action();
    return "accepted";
  } catch (error) {
    return codeOf(error);
  }
}

const piece = (index: number) => sealed.file.slice(22 + index * PIECE, 22 + (index + 1) * PIECE);
const head = sealed.file.slice(0, 22);

describe("sealing a payload", () => {
  it("gives the same file on the portable and on the native library, with its digests", () => {
    const portable = payloadSeal(text, { key, salt, chunkLog2: 16 });
    expect(toHex(sha256(portable.file))).toBe(toHex(sha256(sealed.file)));
    expect(toHex(sealed.digest)).toBe(toHex(sha256(sealed.file)));
    expect(sealed.lengthBytes).toBe(payloadFileSizeBytes(text.length, 16));
    expect(sealed.chunkDigests.map(toHex)).toEqual([0, 1, 2].map((index) => toHex(sha256(piece(index)))));
  });

  it("in parts of any size gives the file of one piece, and opens likewise", () => {
    const sizes = fc.array(
      fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 3 * CHUNK })),
      {
        maxLength: 8,
      },
    );
    const length = fc.constantFrom(0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, text.length);
    fc.assert(
      fc.property(sizes, sizes, length, (sealSizes, openSizes, lengthBytes) => {
        const part = text.slice(0, lengthBytes);
        const whole = payloadSeal(part, options);
        const sealer = new PayloadSealer(options);
        const early = cut(part, sealSizes).flatMap((bytes) => sealer.push(bytes));
        const { pieces, ...summary } = sealer.finish();
        const file = concat(...early, ...pieces);
        expect(Buffer.compare(file, whole.file)).toBe(0);
        expect(summary).toEqual({
          digest: whole.digest,
          lengthBytes: whole.lengthBytes,
          chunkDigests: whole.chunkDigests,
        });
        expect(Buffer.compare(openInParts(cut(file, openSizes)), part)).toBe(0);
      }),
      { numRuns: 40, seed: 7 },
    );
  });

  it("holds no more than one chunk back", () => {
    const sealer = new PayloadSealer(options);
    let released = 0;
    for (let position = 0; position < text.length; position += 1000) {
      for (const bytes of sealer.push(text.slice(position, position + 1000))) released += bytes.length;
      expect(position + 1000 - released).toBeLessThanOrEqual(CHUNK + 1000);
    }
  });

  it("refuses a chunk size out of range, a short salt and a short key", () => {
    expect(codeFrom(() => payloadSeal(text, { ...options, chunkLog2: 15 }))).toBe("STREAM_BAD_HEADER");
    expect(codeFrom(() => payloadSeal(text, { ...options, chunkLog2: 21 }))).toBe("STREAM_BAD_HEADER");
    expect(codeFrom(() => payloadSeal(text, { ...options, salt: salt.slice(1) }))).toBe("BAD_LENGTH");
    expect(codeFrom(() => payloadSeal(text, { ...options, key: key.slice(1) }))).toBe("BAD_LENGTH");
  });
});

describe("opening a payload that was tampered with", () => {
  const flip = (position: number) => {
    const file = sealed.file.slice();
    file[position] = file[position]! ^ 1;
    return file;
  };
  const cases: [string, Uint8Array, string][] = [
    ["cut at a chunk", sealed.file.slice(0, 22 + PIECE), "STREAM_AUTH"],
    ["cut inside a tag", sealed.file.slice(0, 22 + PIECE + 7), "STREAM_TRUNCATED"],
    ["cut to its header", head, "STREAM_TRUNCATED"],
    ["cut inside its header", sealed.file.slice(0, 21), "STREAM_BAD_HEADER"],
    ["empty", new Uint8Array(0), "STREAM_BAD_HEADER"],
    ["with another magic", flip(0), "STREAM_BAD_HEADER"],
    ["of another version", flip(4), "STREAM_BAD_HEADER"],
    ["with another salt", flip(21), "STREAM_AUTH"],
    ["with one bit changed", flip(22 + PIECE + 9), "STREAM_AUTH"],
    ["with two chunks swapped", concat(head, piece(1), piece(0), piece(2)), "STREAM_AUTH"],
    ["with a byte appended", concat(sealed.file, Uint8Array.of(0)), "STREAM_AUTH"],
    [
      "with an empty last chunk",
      concat(payloadSeal(text.slice(0, CHUNK), options).file, new Uint8Array(16)),
      "STREAM_NON_CANONICAL",
    ],
  ];

  it.each(cases)("refuses a file %s", (_, file, code) => {
    expect(codeFrom(() => payloadOpen(file, { key, platform: openssl }))).toBe(code);
    // A stream knows its shape before its end only when the record tells its length.
    const record = { lengthBytes: file.length, digest: sha256(file) };
    expect(codeFrom(() => openInParts(cut(file, [10, 30, CHUNK]), { expected: record }))).toBe(code);
  });

  it("refuses another key, and another file sealed under the same key", () => {
    const other = payloadSeal(text.slice(1), { ...options, salt: key.slice(0, 16) }).file;
    expect(codeFrom(() => payloadOpen(sealed.file, { key: new Uint8Array(32), platform: openssl }))).toBe(
      "STREAM_AUTH",
    );
    expect(codeFrom(() => payloadOpen(other, { key, platform: openssl }))).toBe("accepted");
    expect(codeFrom(() => payloadOpen(other, { key, expected, platform: openssl }))).toBe("PAYLOAD_DIGEST");
    expect(codeFrom(() => payloadOpen(sealed.file, { key, expected, platform: openssl }))).toBe("accepted");
  });

  it("releases no chunk that the record's header does not name", () => {
    const swapped = payloadSeal(
      text.map((byte) => byte ^ 1),
      options,
    ).file;
    const opener = new PayloadOpener({ key, chunkDigests: sealed.chunkDigests, platform: openssl });
    expect(codeFrom(() => opener.push(swapped))).toBe("PAYLOAD_DIGEST");
    expect(() => opener.push(swapped)).toThrow("has ended");
    const good = openInParts([sealed.file], { chunkDigests: sealed.chunkDigests, expected });
    expect(Buffer.compare(good, text)).toBe(0);
    const fewer = sealed.chunkDigests.slice(0, 2);
    expect(codeFrom(() => openInParts([sealed.file], { chunkDigests: fewer }))).toBe("PAYLOAD_DIGEST");
  });

  it("refuses a record whose length no file can have, before it decrypts anything", () => {
    const impossible = { lengthBytes: 22 + PIECE + 16, digest: sealed.digest };
    const opener = new PayloadOpener({ key, expected: impossible, platform: openssl });
    expect(codeFrom(() => opener.push(head))).toBe("STREAM_NON_CANONICAL");
  });
});
