import { nullifySubject } from "@consilium/consensus";
import {
  Block,
  type Certificate,
  digestOf,
  emptyPayload,
  toEpoch,
  toView,
  VoteKind,
} from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { encodeMessage } from "../src/messages/codec.js";
import { MemoryStore } from "../src/testing/index.js";
import { TestChain } from "./harness.js";

const LIMIT_MS = 120_000;

describe("a member that gossips bodies nobody asked for", () => {
  it("cannot push out the body of a block that is being made final", async () => {
    const chain = await TestChain.create(4);
    const drivers = [await chain.start(0), await chain.start(1), await chain.start(2)];
    const follower = chain.members[3]!;
    const store = new MemoryStore();
    const write = store.batch.bind(store);
    let nonce = 0;
    // While the disk writes, more bodies arrive than are kept in memory.
    store.batch = async (changes, options) => {
      const { receiver } = chain.transportOf(3);
      for (let each = 0; each < 40 && receiver !== undefined; each++) {
        const author = chain.members[0]!.nodeId;
        const height = drivers[0]!.finalized().height + 2;
        const header = { ...drivers[0]!.headerAt(0)!, height, author, timestampMs: nonce++ };
        const block = Block.serialize({ header, payload: emptyPayload() });
        // Each from another peer, so that none of them uses up its budget.
        await receiver.gossip(`peer ${nonce}`, "blocks", block);
      }
      return write(changes, options);
    };
    chain.stores.set(follower.name, store);
    const fatal: unknown[] = [];
    const { nodeId } = follower;
    const onFatal = (error: unknown) => fatal.push(error);
    const driver = await chain.start(3, { identity: { nodeId }, onFatal });
    await chain.clock.runUntil(() => driver.finalized().height >= 12 || fatal.length > 0, LIMIT_MS);
    expect(nonce).toBeGreaterThan(100);
    expect(fatal).toEqual([]);
    expect(driver.finalized().height).toBeGreaterThanOrEqual(12);
    expect(digestOf(driver.headerAt(5)!)).toEqual(digestOf(drivers[0]!.headerAt(5)!));
  });

  it("is not listened to beyond its budget, while others are", async () => {
    const chain = await TestChain.create(4);
    const driver = await chain.start(0);
    const { receiver } = chain.transportOf(0);
    const bodyFrom = async (peer: string, timestampMs: number) => {
      const header = { ...driver.headerAt(0)!, height: 2, author: chain.members[1]!.nodeId, timestampMs };
      return receiver!.gossip(peer, "blocks", Block.serialize({ header, payload: emptyPayload() }));
    };
    const answers: string[] = [];
    for (let each = 0; each < 80; each++) answers.push(await bodyFrom("flooder", each));
    expect(answers.filter((answer) => answer === "accept")).toHaveLength(64);
    expect(await bodyFrom("other", 1_000)).toBe("accept");
    await chain.clock.advance(1_000);
    expect(await bodyFrom("flooder", 2_000)).toBe("accept");
  });
});

describe("a member that gossips large bodies", () => {
  it("is listened to for few of them: each counts by its bytes", async () => {
    const chain = await TestChain.create(4);
    await chain.start(0);
    const { receiver } = chain.transportOf(0);
    const large = new Uint8Array(2 * 1024 * 1024);
    const answers: string[] = [];
    for (let each = 0; each < 12; each++) answers.push(await receiver!.gossip("flooder", "blocks", large));
    expect(answers).toEqual([...Array(8).fill("reject"), ...Array(4).fill("ignore")]);
    await chain.clock.advance(250);
    expect(await receiver!.gossip("flooder", "blocks", large)).toBe("reject");
  });
});

describe("a peer that says again and again what is long over", () => {
  it("makes this node verify few of its messages, true as they are", async () => {
    const chain = await TestChain.create(4);
    const driver = await chain.start(0);
    for (const index of [1, 2]) await chain.start(index);
    expect(await chain.clock.runUntil(() => driver.finalized().height >= 50, 5 * LIMIT_MS)).toBe(true);
    const certificates = new Map<number, Certificate>();
    for (let height = 1; height <= driver.finalized().height; height++)
      for (const fact of driver.blockAt(height)!.payload.facts) certificates.set(fact.view, fact);
    const old = [...certificates.values()].filter(({ view }) => view < driver.finalized().view - 4);
    expect(old.length).toBeGreaterThan(40);
    const { receiver } = chain.transportOf(0);
    const name = chain.members[3]!.name;
    const before = driver.counters.messagesAccepted;
    for (const certificate of old.slice(0, 40))
      receiver!.message(name, encodeMessage({ kind: "certificate", certificate }));
    for (let view = 1; view <= 40; view++)
      receiver!.message(name, chain.signedVote(3, nullifySubject(toEpoch(0), toView(view))));
    await chain.clock.advance(1);
    expect(driver.counters.messagesAccepted - before).toBeLessThanOrEqual(34);
    expect(driver.counters.messagesAccepted - before).toBeGreaterThanOrEqual(32);
  });
});

describe("a validator that contradicts itself", () => {
  it("is charged when it delivers the votes, and not the peer that passes them on", async () => {
    const chain = await TestChain.create(4);
    const charged: string[] = [];
    await chain.start(0, { onPeerFault: (peer, code) => charged.push(`${peer} ${code}`) });
    const { receiver } = chain.transportOf(0);
    const finalize = (view: number) => {
      const digest = new Uint8Array(32).fill(view);
      const place = { epoch: toEpoch(0), view: toView(view), parentView: toView(0), digest };
      return chain.signedVote(1, { kind: VoteKind.finalize, ...place });
    };
    const nullify = (view: number) => chain.signedVote(1, nullifySubject(toEpoch(0), toView(view)));
    const [signer, other] = [chain.members[1]!.name, chain.members[2]!.name];
    for (const [view, from] of [
      [3, other],
      [4, signer],
    ] as const) {
      receiver!.message(other, finalize(view));
      await chain.clock.advance(50);
      expect(charged).toEqual([]);
      receiver!.message(from, nullify(view));
      await chain.clock.advance(50);
    }
    expect(charged).toEqual([`${signer} EQUIVOCATION`]);
  });
});
