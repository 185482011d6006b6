import type { Input } from "@consilium/consensus";
import { electGenesisSet, inlineVoteVerifier, validatorSetRoot } from "@consilium/consensus";
import { loadBlstVoteSuite } from "@consilium/crypto/votes-blst";
import {
  BLOCK_VERSION,
  type BlockHeader,
  digestOf,
  emptyPayload,
  payloadRootOf,
  toEpoch,
  toHeight,
  toView,
  ZERO_32,
} from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { openChainStore } from "../src/bootstrap.js";
import { BlockWork } from "../src/engine/block-work.js";
import { Mempool } from "../src/mempool/mempool.js";
import { countingApplication, MemoryStore, nextCountingNonce } from "../src/testing/index.js";
import { BlockTree } from "../src/tree/block-tree.js";
import { seededRandom, silentLog, TestChain } from "./harness.js";

const LENGTH_HEIGHTS = 1_000;

/** Block work on a fresh chain, with what it tells the engine. */
async function setUp() {
  const chain = await TestChain.create(1);
  const application = countingApplication(chain.genesis);
  const { store, record } = await openChainStore({ store: new MemoryStore(), application });
  const tree = new BlockTree(application, store, record.tip, () => false);
  const inputs: Input[] = [];
  const fetched: Uint8Array[] = [];
  const random = seededRandom(1);
  const work = new BlockWork({
    chainId: application.chainId,
    nodeId: chain.members[0]!.nodeId,
    epochs: { lengthHeights: LENGTH_HEIGHTS, setOf: () => electGenesisSet(chain.genesis) },
    archive: { factsFor: async () => [] },
    application,
    tree,
    mempool: new Mempool({ application, state: store.state, nextNonce: nextCountingNonce }),
    verifier: inlineVoteVerifier(await loadBlstVoteSuite(), random),
    clock: chain.clock,
    log: silentLog,
    counters: (await chain.start(0)).counters,
    enqueue: (input) => inputs.push(input),
    fetchBody: (digest) => fetched.push(digest),
    fatal: (error) => {
      throw error;
    },
  });
  const header: BlockHeader = {
    version: BLOCK_VERSION,
    chainId: application.chainId,
    epoch: 0,
    height: 1,
    parentDigest: record.tip.digest,
    author: chain.members[0]!.nodeId,
    timestampMs: record.tip.timestampMs + 5,
    payloadRoot: payloadRootOf(emptyPayload()),
    stateRoot: record.tip.stateRoot,
    nextSetRoot: ZERO_32,
  };
  const check = (changed: BlockHeader, notBeforeMs = 0) => {
    const digest = digestOf(changed);
    work.check({
      kind: "checkPayload",
      epoch: toEpoch(0),
      view: toView(1),
      header: changed,
      digest,
      notBeforeMs,
    });
  };
  const verdict = () => inputs.find((input) => input.kind === "payloadChecked")?.verdict;
  const built = () => inputs.find((input) => input.kind === "payloadBuilt")?.header;
  /** The tip counts as one of this height, so that its child is of any place in an epoch. */
  const jumpTo = (height: number) => void tree.committed({ ...record.tip, height });
  return {
    jumpTo,
    inputs,
    chain,
    tree,
    work,
    record,
    application,
    store,
    header,
    check,
    verdict,
    built,
    fetched,
  };
}

describe("judging a block", () => {
  it("accepts one whose state root is its parent's", async () => {
    const { chain, tree, header, check, verdict } = await setUp();
    tree.add({ header, payload: emptyPayload() }, digestOf(header));
    check(header);
    await chain.clock.runUntil(() => verdict() !== undefined, 1_000);
    expect(verdict()).toMatchObject({ kind: "valid" });
  });

  it("refuses one whose state root is another", async () => {
    const { chain, tree, header, check, verdict } = await setUp();
    const wrong = { ...header, stateRoot: new Uint8Array(32).fill(3) };
    tree.add({ header: wrong, payload: emptyPayload() }, digestOf(wrong));
    check(wrong);
    await chain.clock.runUntil(() => verdict() !== undefined, 1_000);
    expect(verdict()).toMatchObject({ kind: "fault", code: "BLOCK_BAD_STATE_ROOT" });
  });

  it("refuses a boundary block that names another next set, and any other block that names one", async () => {
    for (const height of [1, LENGTH_HEIGHTS]) {
      const { chain, tree, header, check, verdict, jumpTo } = await setUp();
      jumpTo(height - 1);
      const wrong = { ...header, height, nextSetRoot: new Uint8Array(32).fill(3) };
      tree.add({ header: wrong, payload: emptyPayload() }, digestOf(wrong));
      check(wrong);
      await chain.clock.runUntil(() => verdict() !== undefined, 1_000);
      expect(verdict()).toMatchObject({ kind: "fault", code: "BLOCK_BAD_NEXT_SET" });
    }
  });

  it("answers for a boundary block that is proposed again from memory", async () => {
    const { chain, tree, header, application, check, inputs, jumpTo } = await setUp();
    jumpTo(LENGTH_HEIGHTS - 1);
    let judged = 0;
    const { checkPayload } = application;
    application.checkPayload = (state, block) => {
      judged += 1;
      return checkPayload(state, block);
    };
    const nextSetRoot = validatorSetRoot(electGenesisSet(chain.genesis));
    const boundary = { ...header, height: LENGTH_HEIGHTS, nextSetRoot };
    tree.add({ header: boundary, payload: emptyPayload() }, digestOf(boundary));
    const verdicts = () => inputs.filter((input) => input.kind === "payloadChecked");
    for (const count of [1, 2, 3]) {
      check(boundary);
      expect(await chain.clock.runUntil(() => verdicts().length === count, 1_000)).toBe(true);
    }
    expect(verdicts().every(({ verdict }) => verdict.kind === "valid")).toBe(true);
    expect(judged).toBe(1);
  });

  it("waits for a body, and asks for it when gossip does not bring it", async () => {
    const { chain, tree, header, check, verdict, fetched } = await setUp();
    check(header);
    await chain.clock.runUntil(() => fetched.length > 0, 1_000);
    expect(fetched[0]).toEqual(digestOf(header));
    expect(verdict()).toBeUndefined();
    tree.add({ header, payload: emptyPayload() }, digestOf(header));
    await chain.clock.runUntil(() => verdict() !== undefined, 1_000);
    expect(verdict()).toMatchObject({ kind: "valid" });
  });

  it("waits for the body of a parent that is not final yet", async () => {
    const { chain, tree, application, store, header, check, verdict } = await setUp();
    const parent = { header, payload: emptyPayload() };
    const { stateRoot } = await application.applyBlock(store.state, parent);
    const timestampMs = header.timestampMs + 1;
    const child = { ...header, height: 2, parentDigest: digestOf(header), timestampMs, stateRoot };
    tree.add({ header: child, payload: emptyPayload() }, digestOf(child));
    check(child);
    await chain.clock.advance(50);
    expect(verdict()).toBeUndefined();
    tree.add(parent, digestOf(header));
    await chain.clock.runUntil(() => verdict() !== undefined, 1_000);
    expect(verdict()).toMatchObject({ kind: "valid" });
  });

  it("waits until the clock reaches a block from too early a future", async () => {
    const { chain, tree, header, check, verdict } = await setUp();
    tree.add({ header, payload: emptyPayload() }, digestOf(header));
    const notBeforeMs = chain.clock.nowMs() + 500;
    check(header, notBeforeMs);
    await chain.clock.runUntil(() => verdict() !== undefined, 5_000);
    expect(chain.clock.nowMs()).toBe(notBeforeMs);
  });

  it("does not vote for a block from the far future, however long the platform's timers run", async () => {
    const { chain, tree, header, check, verdict } = await setUp();
    const decade = 10 * 365 * 24 * 3600 * 1000;
    const early = { ...header, timestampMs: chain.clock.nowMs() + decade };
    tree.add({ header: early, payload: emptyPayload() }, digestOf(early));
    check(early, early.timestampMs);
    await chain.clock.runUntil(() => verdict() !== undefined, 1_000);
    expect(verdict()).toMatchObject({ kind: "ignore", code: "BLOCK_FROM_FUTURE" });
  });
});

describe("building a block", () => {
  it("keeps its body however many others come in before the engine takes it", async () => {
    const { chain, tree, work, record, header, built } = await setUp();
    const parent = { ...record.tip, height: toHeight(0) };
    work.build({ kind: "buildPayload", epoch: toEpoch(0), view: toView(1), parent, payloadBytesMax: 0 });
    await chain.clock.runUntil(() => built() !== undefined, 1_000);
    for (let each = 1; each <= 40; each++) {
      const other = { ...header, timestampMs: header.timestampMs + each };
      tree.add({ header: other, payload: emptyPayload() }, digestOf(other));
    }
    expect(tree.body(digestOf(built()!))?.header).toEqual(built());
  });
});
