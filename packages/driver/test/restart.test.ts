import { nullifySubject } from "@consilium/consensus";
import { codeOf, toHex } from "@consilium/crypto";
import { toEpoch, toView } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { buckets, keyIn } from "../src/store/keys.js";
import { TestChain } from "./harness.js";

const LIMIT_MS = 120_000;
const recordKey = keyIn(buckets.safetyRecord);

async function grow(chain: TestChain, index: number, blocks: number, firstNonce = 0): Promise<void> {
  const driver = chain.drivers.get(chain.members[index]!.name)!;
  for (let nonce = firstNonce; nonce < firstNonce + blocks; nonce++) {
    const { id } = await driver.submit(chain.transaction(index, nonce));
    await chain.clock.runUntil(() => driver.transactionResult(id!) !== undefined, LIMIT_MS);
  }
}

describe("a node that was away", () => {
  it("catches up by range and votes again", async () => {
    const chain = await TestChain.create(4);
    const drivers = await chain.startAll();
    await grow(chain, 0, 2);
    await chain.stop(3);
    await grow(chain, 0, 100, 2);
    const back = await chain.start(3);
    const { height } = drivers[0]!.finalized();
    expect(await chain.clock.runUntil(() => back.finalized().height >= height, LIMIT_MS)).toBe(true);
    expect(back.counters.blocksSynced).toBeGreaterThan(64);
    expect(back.headerAt(height)).toEqual(drivers[0]!.headerAt(height));
    const votes = back.counters.votesSigned;
    await grow(chain, 0, 2, 102);
    await chain.clock.runUntil(() => back.counters.votesSigned > votes, LIMIT_MS);
    expect(back.counters.votesSigned).toBeGreaterThan(votes);
  });
});

describe("a stop", () => {
  it("waits for blocks of range sync that are landing: the next start reads what they write", async () => {
    const chain = await TestChain.create(4);
    await chain.startAll();
    await grow(chain, 0, 2);
    await chain.stop(3);
    await grow(chain, 0, 60, 2);
    const store = chain.stores.get(chain.members[3]!.name)!;
    const batch = store.batch.bind(store);
    const tipKey = toHex(keyIn(buckets.tip));
    let release: () => void = () => {};
    let landing = false;
    store.batch = async (changes, options) => {
      if (changes.some(({ key }) => toHex(key) === tipKey)) {
        landing = true;
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      }
      await batch(changes, options);
    };
    const back = await chain.start(3);
    expect(await chain.clock.runUntil(() => landing, LIMIT_MS)).toBe(true);
    let stopped = false;
    const stop = chain.stop(3).then(() => {
      stopped = true;
    });
    await chain.clock.advance(10);
    expect(stopped).toBe(false);
    release();
    await stop;
    const { height } = back.finalized();
    const count = store.syncedBatches;
    await chain.clock.advance(5_000);
    expect(back.finalized().height).toBe(height);
    expect(store.syncedBatches).toBe(count);
  });
});

describe("a restart", () => {
  it("continues from the store with the same tip and root", async () => {
    const chain = await TestChain.create(1);
    const first = await chain.start(0);
    await grow(chain, 0, 5);
    const tip = first.finalized();
    await chain.stop(0);
    const second = await chain.start(0);
    expect(second.finalized()).toEqual(tip);
    expect(second.status().role).toBe("voting");
    await grow(chain, 0, 1, 5);
    expect(second.finalized().height).toBeGreaterThan(tip.height);
    expect(second.blockAt(tip.height)).toEqual(first.blockAt(tip.height));
  });

  it("of all nodes at once loses nothing that was final", async () => {
    const chain = await TestChain.create(4);
    const drivers = await chain.startAll();
    await grow(chain, 0, 3);
    const before = drivers.map((driver) => driver.finalized());
    for (const index of chain.members.keys()) await chain.stop(index);
    const again = await chain.startAll();
    for (const [index, driver] of again.entries()) expect(driver.finalized()).toEqual(before[index]);
    await grow(chain, 1, 1);
    expect(
      await chain.clock.runUntil(
        () => again.every((each) => each.finalized().height > before[0]!.height),
        LIMIT_MS,
      ),
    ).toBe(true);
  });

  it("takes up submissions that were not final yet", async () => {
    const chain = await TestChain.create(4);
    const alone = await chain.start(0);
    const { id } = await alone.submit(chain.transaction(1, 0));
    await chain.stop(0);
    const drivers = await chain.startAll();
    expect(drivers[0]!.status().mempoolTransactions).toBe(1);
    expect(await chain.clock.runUntil(() => drivers[3]!.transactionResult(id!) !== undefined, LIMIT_MS)).toBe(
      true,
    );
    expect(drivers[0]!.status().mempoolTransactions).toBe(0);
  });

  it("follows without voting when the safety record is gone, while the others go on", async () => {
    const chain = await TestChain.create(4);
    await chain.startAll();
    await grow(chain, 0, 2);
    await chain.stop(3);
    const store = chain.stores.get(chain.members[3]!.name)!;
    await store.batch([{ key: recordKey, value: undefined }]);
    const follower = await chain.start(3);
    await grow(chain, 0, 3, 2);
    const { height } = chain.drivers.get(chain.members[0]!.name)!.finalized();
    expect(await chain.clock.runUntil(() => follower.finalized().height >= height, LIMIT_MS)).toBe(true);
    expect(follower.status()).toMatchObject({ role: "following", followReason: "SAFETY_RECORD_MISSING" });
    expect(follower.counters.votesSigned).toBe(0);
  });

  it("follows without voting when the safety record is damaged", async () => {
    const chain = await TestChain.create(1);
    await chain.start(0);
    await chain.stop(0);
    const store = chain.stores.get(chain.members[0]!.name)!;
    const record = store.get(recordKey)!;
    record[10] = record[10]! ^ 1;
    await store.batch([{ key: recordKey, value: record }]);
    const follower = await chain.start(0);
    expect(follower.status()).toMatchObject({ role: "following", followReason: "SAFETY_RECORD_CORRUPT" });
    await chain.clock.advance(30_000);
    expect(follower.finalized().height).toBe(0);
  });

  it("does not begin anew on a folder whose cursor is gone: an empty record would let it vote twice", async () => {
    const chain = await TestChain.create(1);
    await chain.start(0);
    await chain.stop(0);
    const store = chain.stores.get(chain.members[0]!.name)!;
    await store.batch([{ key: keyIn(buckets.tip), value: undefined }]);
    expect(await chain.start(0).then(() => "started", codeOf)).toBe("STORE_CORRUPT");
  });

  it("still does not vote after its key was seen voting elsewhere", async () => {
    const chain = await TestChain.create(4);
    const twin = await chain.start(0);
    const stranger = nullifySubject(toEpoch(0), toView(3));
    const { receiver } = chain.transportOf(0);
    receiver!.message(chain.members[1]!.name, chain.signedVote(0, stranger));
    const gaveUp = () => twin.status().followReason === "OWN_VOTE_UNKNOWN";
    expect(await chain.clock.runUntil(gaveUp, LIMIT_MS)).toBe(true);
    await chain.stop(0);
    expect((await chain.start(0)).status()).toMatchObject({ followReason: "OWN_VOTE_UNKNOWN" });
  });
});
