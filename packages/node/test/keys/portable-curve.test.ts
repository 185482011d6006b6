import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCryptoPool, utf8 } from "@consilium/crypto";
import type { Log } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { loadVoteSuite } from "../../src/chain/vote-keys.js";
import { createNodeKeys, KeystoreFolder, nodeIdentity, openNodeKeys } from "../../src/keys/index.js";

const COST = 2 ** 15;
const unavailable = () => Promise.reject(new Error("not on this platform"));

describe("a node where no fast curve library loads", () => {
  it("makes keys on the portable curve that every other node accepts and opens", async () => {
    const portable = await createCryptoPool({ loadMcl: unavailable });
    const usual = await createCryptoPool();
    const folder = new KeystoreFolder(mkdtempSync(join(tmpdir(), "consilium-keys-")), "passphrase", COST);
    await createNodeKeys(folder, portable);
    const { voteKey, votePossession } = await nodeIdentity(folder, portable);

    const possession = { publicKey: voteKey, proof: votePossession };
    expect(await usual.run("voteCheckPossession", possession)).toBe(true);
    expect((await openNodeKeys(folder, usual)).vote.publicKey).toEqual(voteKey);
    expect((await openNodeKeys(folder, portable)).vote.publicKey).toEqual(voteKey);
  });

  it("votes on the curve port without the native vote library, says so, and is understood", async () => {
    const warnings: string[] = [];
    const log = { warn: (_facts: object, message: string) => warnings.push(message) } as unknown as Log;
    const portable = await loadVoteSuite(log, unavailable);
    const native = await loadVoteSuite(log);
    const secretKey = new Uint8Array(32).fill(7);
    const message = utf8("a vote");

    expect(portable.name).toMatch(/^curve /);
    expect(warnings).toHaveLength(1);
    const signature = portable.sign(secretKey, message);
    expect(native.verify([portable.publicKey(secretKey)], message, signature)).toBe(true);
  });
});
