import { hash, u32 } from "@consilium/crypto";
import type { Store, StoreChange } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { buckets, keyIn, rangeOf } from "../src/store/keys.js";
import { MemoryStore } from "../src/testing/index.js";
import { TestChain } from "./harness.js";

async function keysOf(store: Store, bucket: typeof buckets.submission | typeof buckets.gossiped) {
  const keys: string[] = [];
  for await (const [key] of store.range(rangeOf(bucket))) keys.push(String(key.subarray(1)));
  return keys;
}

describe("a damaged transaction of an earlier run", () => {
  for (const bucket of ["submission", "gossiped"] as const) {
    it(`is forgotten, and the others come back (${bucket})`, async () => {
      const chain = await TestChain.create(4);
      const store = new MemoryStore();
      chain.stores.set(chain.members[0]!.name, store);
      const [driver] = [await chain.start(0), await chain.start(1)];
      const from = bucket === "submission" ? driver : chain.running()[1]!;
      const { id } = await from.submit(chain.transaction(1, 0));
      await chain.clock.advance(2_000);
      await chain.stop(0);
      await chain.stop(1);
      const damaged = [Uint8Array.of(1, 2, 3), new Uint8Array(), chain.transaction(2, 0).subarray(1)];
      const changes = damaged.map((value, index) => ({
        key: keyIn(buckets[bucket], hash("TEST", u32(index))),
        value,
      }));
      await store.batch(changes, { sync: true });
      const again = await chain.start(0);
      await chain.clock.advance(5_000);
      expect(again.status().mempoolTransactions).toBe(1);
      expect(await keysOf(store, buckets[bucket])).toEqual([String(id)]);
    });
  }
});

describe("a node that stops", () => {
  it("does not pass on what was submitted just before", async () => {
    const chain = await TestChain.create(2);
    const [driver] = await chain.startAll();
    const heard = () => chain.transportOf(1).gossipAnswers.length;
    const { accepted } = await driver!.submit(chain.transaction(1, 0));
    await driver!.stop();
    await chain.clock.advance(10_000);
    expect(accepted).toBe(true);
    expect(heard()).toBe(0);
  });

  it("takes in and writes nothing any more, whoever sends it", async () => {
    const chain = await TestChain.create(2);
    const disk = new MemoryStore();
    let writes = 0;
    const store: Store = {
      get: (key) => disk.get(key),
      range: (range) => disk.range(range),
      close: () => disk.close(),
      batch: async (changes: readonly StoreChange[], options) => {
        writes += 1;
        await disk.batch(changes, options);
      },
    };
    const [driver, other] = [await chain.start(0, { store }), await chain.start(1)];
    await other.submit(chain.transaction(1, 0));
    const arrived = () => driver.status().mempoolTransactions === 1;
    expect(await chain.clock.runUntil(arrived, 10_000)).toBe(true);
    // It would be written a second after it came.
    await driver.stop();
    const before = writes;
    await other.submit(chain.transaction(2, 0));
    const late = await driver.submit(chain.transaction(3, 0));
    await chain.clock.advance(10_000);
    expect(late).toMatchObject({ accepted: false, code: "CHAIN_NOT_RUNNING" });
    expect(driver.status().mempoolTransactions).toBe(1);
    expect(writes).toBe(before);
  });
});

describe("a node that looks for a snapshot", () => {
  it("says that it syncs until its engine begins", async () => {
    const chain = await TestChain.create(4);
    const driver = await chain.start(0, { stateSync: true });
    expect(driver.status().syncing).toBe(true);
    expect(await chain.clock.runUntil(() => !driver.status().syncing, 20_000)).toBe(true);
  });
});
