import { scrypt } from "node:crypto";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nobleAead } from "../src/aead.js";
import { codeOf } from "../src/errors.js";
import { type Keystore, type KeystorePlatform, keystoreDecrypt, keystoreEncrypt } from "../src/keystore.js";

const scryptOf = promisify(
  (
    password: Uint8Array,
    salt: Uint8Array,
    sizeBytes: number,
    cost: object,
    done: (error: Error | null, key: Buffer) => void,
  ) => scrypt(password, salt, sizeBytes, cost, done),
);

/** OpenSSL's scrypt behind the port, as the node package plugs it in. */
const platform: KeystorePlatform = {
  aead: nobleAead,
  scrypt: async (password, salt, { n, r, p, sizeBytes }) =>
    new Uint8Array(await scryptOf(password, salt, sizeBytes, { N: n, r, p, maxmem: 2 ** 31 - 1 })),
};

const input = {
  password: "correct horse",
  secret: new Uint8Array(32).fill(1),
  kind: "ed25519" as const,
  publicPart: new Uint8Array(32).fill(2),
  salt: new Uint8Array(32).fill(3),
  nonce: new Uint8Array(12).fill(4),
  n: 2 ** 15,
};
const keystore = await keystoreEncrypt(input, platform);

async function codeFrom(action: () => Promise<unknown>): Promise<string> {
  return action().then(() => "accepted", codeOf);
}

const decrypt = (changed: unknown, password = input.password) =>
  codeFrom(() => keystoreDecrypt(changed, password, platform));

describe("keystores", () => {
  it("open on the portable library what the native one wrote, and survive JSON", async () => {
    const copy: unknown = JSON.parse(JSON.stringify(keystore));
    expect(await keystoreDecrypt(copy, input.password)).toEqual(input.secret);
    expect(await keystoreDecrypt(copy, input.password, platform)).toEqual(input.secret);
  });

  it("refuse a wrong and an empty password, and take two spellings of one password for the same", async () => {
    expect(await decrypt(keystore, "wrong")).toBe("KEYSTORE_AUTH");
    expect(await decrypt(keystore, "")).toBe("KEYSTORE_PASSWORD");
    const accented = await keystoreEncrypt({ ...input, password: "caf\u00e9 \ufb01" }, platform);
    expect(await decrypt(accented, "cafe\u0301 fi")).toBe("accepted");
  });

  it("refuse a swapped public part, kind, salt or nonce, and any changed byte", async () => {
    const swap = (change: object) => decrypt({ ...keystore, ...change });
    expect(await swap({ pub: "02".repeat(31) })).toBe("KEYSTORE_AUTH");
    expect(await swap({ kind: "x25519" })).toBe("KEYSTORE_AUTH");
    expect(await swap({ nonce: "05".repeat(12) })).toBe("KEYSTORE_AUTH");
    expect(await swap({ kdf: { ...keystore.kdf, salt: "06".repeat(32) } })).toBe("KEYSTORE_AUTH");
    expect(await swap({ ct: `00${keystore.ct.slice(2)}` })).toBe("KEYSTORE_AUTH");
    expect(await swap({ ct: "" })).toBe("KEYSTORE_AUTH");
  });

  it("refuse costs that are weak, heavy or not a power of two, on writing and on reading", async () => {
    for (const n of [2 ** 14, 2 ** 21, 2 ** 15 + 1, 0, -1, 1.5, Number.NaN]) {
      expect(await codeFrom(() => keystoreEncrypt({ ...input, n }, platform))).toBe("KEYSTORE_BAD_PARAMS");
      expect(await decrypt({ ...keystore, kdf: { ...keystore.kdf, n } })).toBe("KEYSTORE_BAD_PARAMS");
    }
    for (const change of [{ r: 1 }, { p: 2 }, { name: "pbkdf2" }, { salt: "00" }]) {
      expect(await decrypt({ ...keystore, kdf: { ...keystore.kdf, ...change } })).toBe("KEYSTORE_BAD_PARAMS");
    }
    for (const change of [
      { kind: "other" },
      { cipher: "aes-128-gcm" },
      { nonce: "00" },
      { pub: "0" },
      { kdf: null },
    ]) {
      expect(await decrypt({ ...keystore, ...change })).toBe("KEYSTORE_BAD_PARAMS");
    }
  });

  it("refuse a file of many megabytes with the same code as a small one", async () => {
    expect(await decrypt({ ...keystore, pub: "00".repeat(10_000_000) })).toBe("KEYSTORE_BAD_PARAMS");
    expect(await decrypt({ ...keystore, ct: `${"00".repeat(10_000_000)}0` })).toBe("KEYSTORE_BAD_PARAMS");
  });

  it("refuse any other JSON without running the key derivation", async () => {
    let derivations = 0;
    const counting: KeystorePlatform = {
      ...platform,
      scrypt: async () => {
        derivations++;
        return new Uint8Array(32);
      },
    };
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        expect(await codeFrom(() => keystoreDecrypt(value, "x", counting))).toBe("KEYSTORE_BAD_PARAMS");
      }),
      { numRuns: 200, seed: 3 },
    );
    expect(derivations).toBe(0);
  });

  it("carry the field names that other programs read", () => {
    const expected: Keystore = {
      "consilium-keystore": 1,
      kind: "ed25519",
      pub: "02".repeat(32),
      kdf: { name: "scrypt", n: 32768, r: 8, p: 1, salt: "03".repeat(32) },
      cipher: "aes-256-gcm",
      nonce: "04".repeat(12),
      ct: keystore.ct,
    };
    expect(keystore).toEqual(expected);
  });
});
