import { hash, u32 } from "@consilium/crypto";
import { SignedTransaction, TransactionBatch, transactionIdOf } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { Mempool, type MempoolLimits } from "../src/mempool/mempool.js";
import { countingApplication, MemoryStore, nextCountingNonce } from "../src/testing/index.js";
import { TestChain } from "./harness.js";

const context = { height: 1, timestampMs: 1 };

async function emptyPool(limits?: MempoolLimits) {
  const chain = await TestChain.create(1);
  const state = new MemoryStore();
  const application = countingApplication(chain.genesis);
  return {
    chain,
    state,
    pool: new Mempool({ application, state, nextNonce: nextCountingNonce, ...(limits && { limits }) }),
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
    const { chain, pool } = await emptyPool({ transactions: 1_000, bytes: 1_000_000, perAccount: 3 });
    for (const nonce of [0, 1, 2]) await pool.add(chain.transaction(1, nonce), context, false);
    const over = chain.transaction(1, 3);
    expect(await pool.add(over, context, false)).toMatchObject({ kind: "ignore", code: "ACCOUNT_QUOTA" });
    expect(await pool.add(chain.transaction(2, 0), context, false)).toMatchObject({ kind: "valid" });
  });

  it("is full at its byte limit, and has room again once transactions are final", async () => {
    const { chain, pool } = await emptyPool({ transactions: 1_000, bytes: 2_000, perAccount: 10 });
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
    const { chain, pool } = await emptyPool({ transactions: 2, bytes: 1_000_000, perAccount: 10 });
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
