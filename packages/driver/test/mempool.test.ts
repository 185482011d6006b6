import { hash, toHex, u32 } from "@consilium/crypto";
import { SignedTransaction, TransactionBatch, transactionIdOf } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { Mempool, type MempoolOptions, type Removal } from "../src/mempool/mempool.js";
import type { MempoolLimits } from "../src/mempool/room.js";
import { countingApplication, MemoryStore, nextCountingNonce } from "../src/testing/index.js";
import { TestChain } from "./harness.js";

const context = { height: 1, timestampMs: 1 };

const openToAll = { openShare: 1, perAccountBytes: 1_000_000 };

async function emptyPool(limits?: MempoolLimits, change: Partial<MempoolOptions> = {}) {
  const chain = await TestChain.create(1);
  const state = new MemoryStore();
  const application = countingApplication(chain.genesis);
  return {
    chain,
    state,
    application,
    pool: new Mempool({
      application,
      state,
      nextNonce: nextCountingNonce,
      ...(limits && { limits }),
      ...change,
    }),
  };
}

const nonceOf = (encoded: Uint8Array) => SignedTransaction.deserialize(encoded).transaction.nonce;

describe("the mempool", () => {
  it("refuses with the application's code what the application refuses", async () => {
    const { chain, pool } = await emptyPool();
    const codes = [
      chain.transaction(1, 0, { signature: 0 }),
      chain.transaction(1, 0, { chainId: new Uint8Array(32) }),
      chain.transaction(1, 0, { expiryHeight: 0 }),
      Uint8Array.of(1, 2, 3),
    ].map(async (encoded) => {
      const verdict = await pool.add(encoded, context, true);
      return verdict.kind === "valid" ? "OK" : verdict.code;
    });
    expect(await Promise.all(codes)).toEqual(["SIG_INVALID", "TX_WRONG_CHAIN", "TX_EXPIRED", "BAD_ENCODING"]);
    expect(pool.transactionCount).toBe(0);
  });

  it("offers an account's transactions in nonce order and stops at a gap", async () => {
    const { chain, pool } = await emptyPool();
    for (const nonce of [2, 0, 1, 4]) await pool.add(chain.transaction(1, nonce), context, true);
    expect([...pool.ready()].map(({ encoded }) => nonceOf(encoded))).toEqual([0, 1, 2]);
    expect(pool.hasReady()).toBe(true);
  });

  it("knows a transaction it holds, and refuses another with the same nonce", async () => {
    const { chain, pool } = await emptyPool();
    await pool.add(chain.transaction(1, 0), context, true);
    expect(await pool.add(chain.transaction(1, 0), context, true)).toMatchObject({ code: "TX_KNOWN" });
    const other = chain.transaction(1, 0, { payload: Uint8Array.of(9) });
    expect(await pool.add(other, context, true)).toMatchObject({ code: "TX_NONCE_TAKEN" });
  });

  it("holds one account to its quota and leaves room for others", async () => {
    const { chain, pool } = await emptyPool({
      transactions: 1_000,
      bytes: 1_000_000,
      perAccount: 3,
      ...openToAll,
    });
    for (const nonce of [0, 1, 2]) await pool.add(chain.transaction(1, nonce), context, false);
    const over = chain.transaction(1, 3);
    expect(await pool.add(over, context, false)).toMatchObject({ kind: "ignore", code: "ACCOUNT_QUOTA" });
    expect(await pool.add(chain.transaction(2, 0), context, false)).toMatchObject({ kind: "valid" });
  });

  it("is full at its byte limit, and has room again once transactions are final", async () => {
    const { chain, pool } = await emptyPool({
      transactions: 1_000,
      bytes: 2_000,
      perAccount: 10,
      ...openToAll,
    });
    const admitted: Uint8Array[] = [];
    for (let sender = 0; pool.sizeBytes + chain.transaction(0, 0).length <= 2_000; sender++) {
      admitted.push(chain.transaction(sender, 0));
      expect(await pool.add(admitted.at(-1)!, context, false)).toMatchObject({ kind: "valid" });
    }
    const late = chain.transaction(999, 0);
    expect(await pool.add(late, context, false)).toMatchObject({ kind: "ignore", code: "MEMPOOL_FULL" });
    await pool.settle(admitted.slice(0, 1), { height: 2, timestampMs: 2 });
    expect(await pool.add(late, context, false)).toMatchObject({ kind: "valid" });
  });

  it("is full at its number of transactions", async () => {
    const { chain, pool } = await emptyPool({
      transactions: 2,
      bytes: 1_000_000,
      perAccount: 10,
      ...openToAll,
    });
    for (const sender of [0, 1]) await pool.add(chain.transaction(sender, 0), context, false);
    expect(await pool.add(chain.transaction(2, 0), context, false)).toMatchObject({ code: "MEMPOOL_FULL" });
  });

  it("drops what a block included, what its nonces overtook, and what expired", async () => {
    const { chain, pool } = await emptyPool();
    const included = chain.transaction(1, 1);
    for (const each of [chain.transaction(1, 0), included, chain.transaction(1, 2)])
      await pool.add(each, context, true);
    await pool.add(chain.transaction(2, 0, { expiryHeight: 1 }), context, true);
    const settled = await pool.settle([included], { height: 2, timestampMs: 2 });
    expect(settled.included).toEqual([transactionIdOf(SignedTransaction.deserialize(included).transaction)]);
    expect(settled.expired.map(({ sender }) => sender)).toEqual([hash("TEST-ACCOUNT", u32(2))]);
    expect(pool.transactionCount).toBe(1);
  });
});

describe("a transaction that replaces another of its account and nonce", () => {
  it("takes its place when it may wait longer, and is refused when it may not", async () => {
    const { chain, pool } = await emptyPool();
    const gone: string[] = [];
    pool.watch(({ expiryHeight }, why) => gone.push(`${expiryHeight} ${why}`));
    await pool.add(chain.transaction(1, 0, { expiryHeight: 10 }), context, true);
    const shorter = chain.transaction(1, 0, { expiryHeight: 9 });
    expect(await pool.add(shorter, context, true)).toMatchObject({ code: "TX_NONCE_TAKEN" });
    const longer = chain.transaction(1, 0, { expiryHeight: 11 });
    expect(await pool.add(longer, context, true)).toMatchObject({ kind: "valid" });
    expect([...pool.ready()].map(({ expiryHeight }) => expiryHeight)).toEqual([11]);
    expect(gone).toEqual(["10 replaced"]);
    expect(pool.sizeBytes).toBe(longer.length);
  });

  it("may be replaced again only a few times", async () => {
    const { chain, pool } = await emptyPool();
    const codes: string[] = [];
    for (let expiryHeight = 10; expiryHeight < 16; expiryHeight++) {
      const verdict = await pool.add(chain.transaction(1, 0, { expiryHeight }), context, true);
      codes.push(verdict.kind === "valid" ? "OK" : verdict.code);
    }
    expect(codes).toEqual(["OK", "OK", "OK", "OK", "OK", "TX_NONCE_TAKEN"]);
    expect(pool.transactionCount).toBe(1);
  });

  it("fits where its account's quota is used up and the pool is full", async () => {
    const { chain, pool } = await emptyPool({
      transactions: 2,
      bytes: 1_000_000,
      perAccount: 1,
      ...openToAll,
    });
    for (const sender of [1, 2]) {
      await pool.add(chain.transaction(sender, 0, { expiryHeight: 10 }), context, false);
    }
    const longer = chain.transaction(1, 0, { expiryHeight: 11 });
    expect(await pool.add(longer, context, false)).toMatchObject({ kind: "valid" });
  });
});

describe("a nearly full mempool", () => {
  it("keeps a share for local submissions and for members", async () => {
    const member = hash("TEST-ACCOUNT", u32(50));
    const isMember = (_: unknown, sender: Uint8Array) => toHex(sender) === toHex(member);
    const limits = { transactions: 4, bytes: 1_000_000, perAccount: 4, openShare: 0.5 };
    const { chain, pool } = await emptyPool(limits, { isMember });
    const add = async (sender: number, local: boolean) => {
      const verdict = await pool.add(chain.transaction(sender, 0), context, local);
      return verdict.kind === "valid" ? "OK" : verdict.code;
    };
    expect([await add(1, false), await add(2, false), await add(3, false)]).toEqual([
      "OK",
      "OK",
      "MEMPOOL_FULL",
    ]);
    expect([await add(50, false), await add(4, true), await add(5, true)]).toEqual([
      "OK",
      "OK",
      "MEMPOOL_FULL",
    ]);
  });

  it("refuses strangers, and what it holds already, without checking a signature", async () => {
    const chain = await TestChain.create(1);
    const application = countingApplication(chain.genesis);
    let checks = 0;
    const counted = {
      ...application,
      checkTransaction: (...given: Parameters<typeof application.checkTransaction>) => {
        checks += 1;
        return application.checkTransaction(...given);
      },
    };
    const limits = { transactions: 2, bytes: 1_000_000, perAccount: 4, openShare: 0.5 };
    const { pool } = await emptyPool(limits, { application: counted });
    await pool.add(chain.transaction(1, 0), context, false);
    await pool.add(chain.transaction(1, 0), context, false);
    await pool.add(chain.transaction(2, 0), context, false);
    expect(checks).toBe(1);
  });

  it("bounds the bytes of one account", async () => {
    const limits = { transactions: 100, bytes: 1_000_000, perAccount: 100, perAccountBytes: 600 };
    const { chain, pool } = await emptyPool(limits);
    const codes: string[] = [];
    for (let nonce = 0; nonce < 4; nonce++) {
      const verdict = await pool.add(chain.transaction(1, nonce), context, true);
      codes.push(verdict.kind === "valid" ? "OK" : verdict.code);
    }
    expect(codes.at(-1)).toBe("ACCOUNT_QUOTA");
    expect(pool.sizeBytes).toBeLessThanOrEqual(600);
  });

  it("is judged again in slices, each transaction in its turn", async () => {
    const judged: number[] = [];
    const chain = await TestChain.create(1);
    const application = countingApplication(chain.genesis);
    const counted = {
      ...application,
      checkTransaction: (...given: Parameters<typeof application.checkTransaction>) => {
        judged[given[2].height] = (judged[given[2].height] ?? 0) + 1;
        return application.checkTransaction(...given);
      },
    };
    const { pool } = await emptyPool(undefined, { application: counted });
    for (let sender = 0; sender < 600; sender++) await pool.add(chain.transaction(sender, 1), context, false);
    for (let height = 2; height <= 14; height++) await pool.settle([], { height, timestampMs: height });
    expect(judged[1]).toBe(600);
    expect(judged.slice(2)).toEqual([...Array(7).fill(undefined), 256, 256, 88]);
  });
});

describe("a transaction that was signed twice", () => {
  it("counts as included when its other form is final", async () => {
    const { chain, pool } = await emptyPool();
    const gone: Removal[] = [];
    pool.watch((_, why) => gone.push(why));
    const encoded = chain.transaction(1, 0);
    await pool.add(encoded, context, true);
    const other = encoded.slice();
    other[60] = other[60]! ^ 1;
    const { included } = await pool.settle([other], { height: 2, timestampMs: 2 });
    expect(included).toEqual([transactionIdOf(SignedTransaction.deserialize(encoded).transaction)]);
    expect(gone).toEqual(["included"]);
  });
});

describe("transactions from peers", () => {
  it("are forwarded when new, ignored when known, and charged to the peer when nobody honest sends them", async () => {
    const chain = await TestChain.create(2);
    const charged: string[] = [];
    await chain.start(0, { onPeerFault: (_peer, code) => charged.push(code) });
    const peer = chain.network.join("aa");
    peer.receive({
      message: () => {},
      gossip: async () => "ignore",
      connected: () => {},
      disconnected: () => {},
    });
    const answers = chain.transportOf(0).gossipAnswers;
    const publish = async (transactions: Uint8Array[]) => {
      const expected = answers.length + 1;
      peer.publish("transactions", TransactionBatch.serialize({ transactions }));
      await chain.clock.runUntil(() => answers.length === expected, 1_000);
      return answers.at(-1);
    };
    expect(await publish([chain.transaction(1, 0)])).toBe("accept");
    expect(await publish([chain.transaction(1, 0), chain.transaction(1, 0)])).toBe("ignore");
    expect(await publish([chain.transaction(1, 1, { signature: 0 })])).toBe("reject");
    expect(charged).toEqual(["SIG_INVALID"]);
    const expected = answers.length + 1;
    peer.publish("transactions", Uint8Array.of(7, 7, 7));
    await chain.clock.runUntil(() => answers.length === expected, 1_000);
    expect(answers.at(-1)).toBe("reject");
    expect(charged).toEqual(["SIG_INVALID", "BAD_ENCODING"]);
  });
});

describe("consensus messages from peers", () => {
  it("that cannot be decoded or are not signed are charged, and change nothing", async () => {
    const chain = await TestChain.create(4);
    const charged: string[] = [];
    const drivers = [await chain.start(0, { onPeerFault: (_peer, code) => charged.push(code) })];
    for (const index of [1, 2, 3]) drivers.push(await chain.start(index));
    const receiver = chain.transportOf(0).receiver!;
    const from = chain.members[1]!.name;
    receiver.message(from, Uint8Array.of(99));
    receiver.message(from, new Uint8Array());
    receiver.message(from, Uint8Array.of(3, 1, 2, 3));
    receiver.message(from, chain.forgedCertificate());
    await chain.clock.runUntil(() => drivers[0]!.finalized().height >= 3, 60_000);
    expect(charged.slice(0, 3)).toEqual(["BAD_ENCODING", "BAD_ENCODING", "BAD_ENCODING"]);
    expect(charged).toHaveLength(4);
    expect(drivers[0]!.counters.messagesRejected).toBe(4);
  });

  it("beyond what one peer may have waiting are dropped", async () => {
    const chain = await TestChain.create(4);
    const driver = await chain.start(0);
    const receiver = chain.transportOf(0).receiver!;
    for (let count = 0; count < 300; count++) receiver.message("bb", Uint8Array.of(99));
    expect(driver.counters.messagesDropped).toBe(300 - 256);
  });
});
