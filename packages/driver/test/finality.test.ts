import { codeOf } from "@consilium/crypto";
import { ignore } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import type { ChainDriver } from "../src/index.js";
import { countingApplication, FAILING_PAYLOAD } from "../src/testing/index.js";
import { TestChain } from "./harness.js";

const LIMIT_MS = 120_000;

const rootAt = (driver: ChainDriver, height: number) => driver.headerAt(height)?.stateRoot;

describe("four drivers", () => {
  it("finalize a transaction on every node with the same state root", async () => {
    const chain = await TestChain.create(4);
    const drivers = await chain.startAll();
    const submitted = await drivers[0]!.submit(chain.transaction(1, 0));
    expect(submitted).toMatchObject({ accepted: true, code: "OK" });
    const id = submitted.id!;
    const everywhere = () => drivers.every((driver) => driver.transactionResult(id)?.code === "OK");
    expect(await chain.clock.runUntil(everywhere, LIMIT_MS)).toBe(true);
    const height = Math.min(...drivers.map((driver) => driver.finalized().height));
    for (const driver of drivers) expect(rootAt(driver, height)).toEqual(rootAt(drivers[0]!, height));
  });

  it("finalize within three message delays and not before the block interval once there is work", async () => {
    const chain = await TestChain.create(4);
    const drivers = await chain.startAll();
    await chain.clock.runUntil(() => drivers[0]!.finalized().height >= 2, LIMIT_MS);
    await chain.clock.advance(chain.genesis.parameters.blockIntervalMs);
    const before = chain.clock.nowMs();
    const { id } = await drivers[0]!.submit(chain.transaction(1, 0));
    await chain.clock.runUntil(() => drivers[0]!.transactionResult(id!) !== undefined, LIMIT_MS);
    // Relay delay 5 ms, then gossip, proposal, notarize, finalize, one millisecond each; rounds of slack for own steps.
    expect(chain.clock.nowMs() - before).toBeLessThan(20);
  });

  it("idle at the heartbeat's pace, without nullifying a view", async () => {
    const chain = await TestChain.create(4);
    const drivers = await chain.startAll();
    await chain.clock.runUntil(() => drivers[0]!.finalized().height >= 1, LIMIT_MS);
    const { height } = drivers[0]!.finalized();
    await chain.clock.advance(10 * chain.genesis.parameters.heartbeatMs);
    const made = drivers[0]!.finalized().height - height;
    expect(made).toBeGreaterThanOrEqual(8);
    expect(made).toBeLessThanOrEqual(11);
    expect(drivers.map(({ counters }) => counters.viewsNullified)).toEqual([0, 0, 0, 0]);
  });

  it("do not wait for the heartbeat while the application has work, as in an open window of a ceremony", async () => {
    const chain = await TestChain.create(4);
    const hasWork = () => true;
    const drivers: ChainDriver[] = [];
    for (const index of chain.members.keys()) drivers.push(await chain.start(index, { hasWork }));
    await chain.clock.runUntil(() => drivers[0]!.finalized().height >= 1, LIMIT_MS);
    const { height } = drivers[0]!.finalized();
    const { heartbeatMs, blockIntervalMs } = chain.genesis.parameters;
    await chain.clock.advance(heartbeatMs);
    const made = drivers[0]!.finalized().height - height;
    expect(made).toBeGreaterThan(heartbeatMs / blockIntervalMs / 2);
    expect(made).toBeLessThanOrEqual(heartbeatMs / blockIntervalMs + 1);
    expect(drivers.map(({ counters }) => counters.viewsNullified)).toEqual([0, 0, 0, 0]);
  });

  it("wait for a proposer that is away twice Δ at first, and no longer once it was silent for r views", async () => {
    const chain = await TestChain.create(4);
    const drivers = [await chain.start(0), await chain.start(1), await chain.start(2)];
    const { blockIntervalMs, deltaMs, inactivityViews } = chain.genesis.parameters;
    const heightsIn = async (heights: number) => {
      for (let each = 0; each < heights; each++) await drivers[0]!.submit(chain.transaction(nonce++, 0));
      const before = { height: drivers[0]!.finalized().height, timeMs: chain.clock.nowMs() };
      for (let height = before.height + 1; height <= before.height + heights; height++) {
        await chain.clock.runUntil(() => drivers[0]!.finalized().height >= height, LIMIT_MS);
        await drivers[0]!.submit(chain.transaction(nonce++, 0));
      }
      return chain.clock.nowMs() - before.timeMs;
    };
    let nonce = 0;
    const viewMs = blockIntervalMs + 20;
    const early = await heightsIn(6);
    expect(early).toBeGreaterThan(2 * deltaMs);
    expect(early).toBeLessThan(8 * viewMs + 2 * 2 * deltaMs);
    await heightsIn(2 * inactivityViews);
    const late = await heightsIn(9);
    // Nine heights and three views of the silent proposer.
    expect(late).toBeLessThan(12 * viewMs);
  });

  it("go on without the node whose execution differs, which halts and says so", async () => {
    const chain = await TestChain.create(4);
    const fatal: unknown[] = [];
    const wrong = countingApplication(chain.genesis);
    const { applyBlock } = wrong;
    wrong.applyBlock = async (state, block) => {
      const execution = await applyBlock(state, block);
      return block.header.height === 3 ? { ...execution, stateRoot: new Uint8Array(32).fill(9) } : execution;
    };
    const drivers = [
      await chain.start(0, { application: wrong, onFatal: (error) => fatal.push(error) }),
      await chain.start(1),
      await chain.start(2),
      await chain.start(3),
    ];
    expect(
      await chain.clock.runUntil(
        () => drivers.slice(1).every((each) => each.finalized().height >= 12),
        LIMIT_MS,
      ),
    ).toBe(true);
    expect(codeOf(fatal[0])).toBe("BLOCK_BAD_STATE_ROOT");
    expect(drivers[0]!.status()).toMatchObject({ running: false, role: "following", followReason: "HALTED" });
    expect(await drivers[0]!.submit(chain.transaction(1, 0))).toMatchObject({ code: "CHAIN_NOT_RUNNING" });
    expect(rootAt(drivers[1]!, 12)).toEqual(rootAt(drivers[2]!, 12));
  });
});

describe("a chain of one replica", () => {
  it("finalizes alone, at once", async () => {
    const chain = await TestChain.create(1);
    const driver = await chain.start(0);
    const { id } = await driver.submit(chain.transaction(1, 0));
    const before = chain.clock.nowMs();
    expect(await chain.clock.runUntil(() => driver.transactionResult(id!) !== undefined, LIMIT_MS)).toBe(
      true,
    );
    expect(chain.clock.nowMs() - before).toBeLessThanOrEqual(chain.genesis.parameters.blockIntervalMs + 1);
    expect(driver.transactionResult(id!)).toMatchObject({ code: "OK", height: 1, index: 0 });
  });

  it("tells subscribers each block once, with its results in order", async () => {
    const chain = await TestChain.create(1);
    const driver = await chain.start(0);
    const seen: { height: number; codes: string[] }[] = [];
    driver.onFinalized(({ tip, results }) =>
      seen.push({ height: tip.height, codes: results.map(({ code }) => code) }),
    );
    await driver.submit(chain.transaction(1, 0));
    await driver.submit(chain.transaction(1, 1, { payload: Uint8Array.of(FAILING_PAYLOAD) }));
    await chain.clock.runUntil(() => driver.finalized().height >= 3, LIMIT_MS);
    expect(seen.map(({ height }) => height)).toEqual([1, 2, 3]);
    expect(seen.flatMap(({ codes }) => codes)).toEqual(["OK", "TEST_REFUSED"]);
  });
});

describe("waiting for finality", () => {
  it("ends with TRANSACTION_DROPPED when a transaction became invalid while no block took it", async () => {
    const chain = await TestChain.create(1);
    const application = countingApplication(chain.genesis);
    const { checkTransaction } = application;
    application.checkTransaction = async (state, encoded, context) =>
      context.height > 5 ? ignore("TX_NOT_ALLOWED", "no more") : checkTransaction(state, encoded, context);
    const driver = await chain.start(0, { application });
    const gap = await driver.submit(chain.transaction(1, 5));
    const dropped = driver.whenFinalized(gap.id!, { timeoutMs: 1_000_000 }).catch(codeOf);
    await chain.clock.runUntil(() => driver.finalized().height >= 12, LIMIT_MS);
    expect(await dropped).toBe("TRANSACTION_DROPPED");
    expect(driver.status().mempoolTransactions).toBe(0);
  });

  it("ends with WAIT_TIMEOUT, CHAIN_STOPPED or TRANSACTION_EXPIRED when it cannot succeed", async () => {
    const chain = await TestChain.create(1);
    const driver = await chain.start(0);
    const unknown = new Uint8Array(32).fill(1);
    const timedOut = driver.whenFinalized(unknown, { timeoutMs: 50 }).catch(codeOf);
    const stopped = driver.waitFor(() => undefined, { timeoutMs: 1_000_000 }).catch(codeOf);
    // Its nonce leaves a gap that nobody fills.
    const gap = await driver.submit(chain.transaction(1, 5, { expiryHeight: 3 }));
    const expired = driver.whenFinalized(gap.id!, { timeoutMs: 1_000_000 }).catch(codeOf);
    await chain.clock.runUntil(() => driver.finalized().height >= 4, LIMIT_MS);
    await driver.stop();
    expect(await Promise.all([timedOut, stopped, expired])).toEqual([
      "WAIT_TIMEOUT",
      "CHAIN_STOPPED",
      "TRANSACTION_EXPIRED",
    ]);
  });
});
