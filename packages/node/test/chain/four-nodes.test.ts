import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { codeOf, toHex } from "@consilium/crypto";
import { ChainKind, chainIdOf } from "@consilium/protocol";
import { Level } from "level";
import { afterEach, describe, expect, it } from "vitest";
import { openChain } from "../../src/chain/index.js";
import { privateGenesisOf } from "../../src/records/private-genesis.js";
import { openLevelStore } from "../../src/storage/index.js";
import { silentLog } from "../network/harness.js";
import { TestAlliance } from "./harness.js";

const TIMEOUT = { timeoutMs: 30_000 };

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function alliance(): Promise<TestAlliance> {
  const created = await TestAlliance.create(4);
  cleanups.push(() => created.stopAll());
  return created;
}

async function levelFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "consilium-chain-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe("four nodes over libp2p", () => {
  it("finalize transactions submitted anywhere, with one state root", async () => {
    const test = await alliance();
    const nodes = await test.startAll();
    const submitted = await Promise.all(
      nodes.map(({ chain }, index) => chain.submit(test.anchor(index, 0, 1))),
    );
    const ids = submitted.map((each) => each.id!);
    for (const { chain } of nodes) {
      const results = await Promise.all(ids.map((id) => chain.whenFinalized(id, TIMEOUT)));
      expect(results.map(({ code }) => code)).toEqual(["OK", "OK", "OK", "OK"]);
    }
    const height = Math.min(...nodes.map(({ chain }) => chain.finalized().height));
    const digests = nodes.map(({ chain }) => toHex(chain.headerAt(height)!.stateRoot));
    expect(new Set(digests).size).toBe(1);
  });

  it("go on while one is away, and it catches up when it is back", async () => {
    const test = await alliance();
    const nodes = await test.startAll();
    await nodes[0]!.chain.waitFor(
      () => (nodes[3]!.chain.finalized().height >= 1 ? true : undefined),
      TIMEOUT,
    );
    await test.stop(3);
    for (let nonce = 0; nonce < 25; nonce++) {
      const { id } = await nodes[0]!.chain.submit(test.anchor(0, nonce, nonce + 1));
      await nodes[0]!.chain.whenFinalized(id!, TIMEOUT);
    }
    const back = await test.start(3);
    const height = nodes[0]!.chain.finalized().height;
    await back.chain.waitFor(() => (back.chain.finalized().height >= height ? true : undefined), TIMEOUT);
    expect(back.chain.headerAt(height)).toEqual(nodes[0]!.chain.headerAt(height));
    expect(back.chain.counters.blocksSynced).toBeGreaterThan(0);
    expect(back.chain.status().role).toBe("voting");
  });

  it("refuse the data folder of another alliance", async () => {
    const [one, other] = [await alliance(), await alliance()];
    await one.start(0);
    await one.stop(0);
    other.stores[0] = one.stores[0]!;
    expect(await other.start(0).then(() => "started", codeOf)).toBe("CHAIN_OTHER_GENESIS");
  });
});

/** Opens the first hospital's private chain on LevelDB in a folder. */
async function openPrivate(test: TestAlliance, folder: string) {
  const { nodeId, voteSecret: voteSecretKey } = test.hospitals[0]!;
  const genesis = privateGenesisOf(test.genesis, nodeId);
  const store = await openLevelStore(folder);
  const chain = await openChain({ genesis, store, nodeId, voteSecretKey, pool: test.pool, log: silentLog });
  const close = async () => {
    await chain.stop();
    await store.close();
  };
  return { chain, close, genesis };
}

/** Flips the last byte of a stored value behind the store's back. */
async function damage(folder: string, key: Uint8Array): Promise<void> {
  const raw = new Level<Uint8Array, Uint8Array>(folder, { keyEncoding: "view", valueEncoding: "view" });
  const stored = Uint8Array.from(await raw.get(key));
  stored[stored.length - 1] = stored[stored.length - 1]! ^ 1;
  await raw.put(key, stored);
  await raw.close();
}

describe("a private chain of one replica", () => {
  it("finalizes on LevelDB at once, and continues after a restart", async () => {
    const [test, folder] = [await alliance(), await levelFolder()];
    const first = await openPrivate(test, folder);
    await first.chain.start();
    await first.chain.waitFor(() => (first.chain.finalized().height >= 2 ? true : undefined), TIMEOUT);
    await first.close();
    const second = await openPrivate(test, folder);
    await second.chain.start();
    const { height } = second.chain.finalized();
    expect(height).toBeGreaterThanOrEqual(2);
    expect(second.chain.status().role).toBe("voting");
    await second.chain.waitFor(() => (second.chain.finalized().height > height ? true : undefined), TIMEOUT);
    await second.close();
    expect(second.chain.chainId).toEqual(chainIdOf(second.genesis));
  });

  it("does not start on a damaged cursor, and names what is damaged", async () => {
    const [test, folder] = [await alliance(), await levelFolder()];
    const first = await openPrivate(test, folder);
    await first.chain.start();
    await first.close();
    await damage(folder, Uint8Array.of(ChainKind.private, 0x84));
    const second = await openPrivate(test, folder);
    const refusal = await second.chain.start().catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "STORE_CORRUPT", details: { keyPrefix: "0284" } });
    await second.close();
  });

  it("follows and does not vote on a damaged safety record", async () => {
    const [test, folder] = [await alliance(), await levelFolder()];
    const first = await openPrivate(test, folder);
    await first.chain.start();
    await first.close();
    await damage(folder, Uint8Array.of(ChainKind.private, 0x86));
    const second = await openPrivate(test, folder);
    await second.chain.start();
    expect(second.chain.status()).toMatchObject({ role: "following", followReason: "SAFETY_RECORD_CORRUPT" });
    await second.close();
  });
});
