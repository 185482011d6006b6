import { describe, expect, it } from "vitest";
import type { ChainDriver } from "../src/index.js";
import { MemoryStore } from "../src/testing/index.js";
import { TestChain } from "./harness.js";

const LIMIT_MS = 240_000;

const reaches = (chain: TestChain, driver: ChainDriver, height: number) =>
  chain.clock.runUntil(() => driver.finalized().height >= height, LIMIT_MS);

describe("a wiped node", () => {
  it("takes a snapshot, goes on by range, and follows the chain", async () => {
    const chain = await TestChain.create(4, { lengthHeights: 5 });
    const drivers = await chain.startAll();
    await reaches(chain, drivers[0]!, 13);
    await chain.stop(3);
    await reaches(chain, drivers[0]!, 18);
    chain.stores.set(chain.members[3]!.name, new MemoryStore());
    const { nodeId } = chain.members[3]!;
    const back = await chain.start(3, { identity: { nodeId }, stateSync: true });
    const { height } = drivers[0]!.finalized();
    expect(await reaches(chain, back, height + 3)).toBe(true);
    expect(back.headerAt(height)).toEqual(drivers[0]!.headerAt(height));
    expect(back.headerAt(3)).toBeUndefined();
    expect(back.headerAt(0)).toBeDefined();
    expect(back.handover(0)).toEqual(drivers[0]!.handover(0));
    expect(back.status().followReason).toBe("NO_VOTE_KEY");
  });
});

describe("a node that stops", () => {
  it("takes up what waited there of other members' transactions when it starts again", async () => {
    const chain = await TestChain.create(4);
    const [alone, other] = [await chain.start(0), await chain.start(1)];
    const { id } = await other.submit(chain.transaction(1, 0));
    expect(await chain.clock.runUntil(() => alone.status().mempoolTransactions === 1, LIMIT_MS)).toBe(true);
    await chain.clock.advance(2_000);
    await chain.stop(0);
    await chain.stop(1);
    const again = await chain.start(0);
    await chain.clock.advance(1_000);
    expect(again.status().mempoolTransactions).toBe(1);
    for (const index of [2, 3]) await chain.start(index);
    expect(await chain.clock.runUntil(() => again.transactionResult(id!) !== undefined, LIMIT_MS)).toBe(true);
    await chain.clock.advance(2_000);
    await chain.stop(0);
    const last = await chain.start(0);
    await chain.clock.advance(1_000);
    expect(last.status().mempoolTransactions).toBe(0);
  });
});
