import { setImmediate as turn } from "node:timers/promises";
import { MemoryStore } from "@consilium/driver/testing";
import { queries } from "@consilium/ledger";
import { SafetyReset, TransactionKind, VoteKind } from "@consilium/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { Alliance, type Hospital } from "../../../ledger/test/support/alliance.js";
import { CandidacyDuty, ElectionNews, EvidenceDuty } from "../../src/elections/index.js";
import { TransactionSender } from "../../src/records/index.js";
import { LedgerChain, nodeKeysOf, RecordedLog } from "../support/ledger-chain.js";

const LENGTH = 24;

let world: Alliance;
let chain: LedgerChain;
let hospital: Hospital;
let log: RecordedLog;

beforeEach(async () => {
  world = await Alliance.start({ stakes: [100, 90, 80, 70], lengthHeights: LENGTH });
  chain = new LedgerChain(world.chain);
  hospital = world.hospital("A");
  log = new RecordedLog();
});

const clock = { nowMs: () => chain.ledger.timeMs, setTimer: () => ({ cancel() {} }) };
const makeSender = () => new TransactionSender(chain, nodeKeysOf(hospital).node, log);

/** Blocks up to a height; each has what was submitted by then. */
async function blocksTo(height: number): Promise<void> {
  while (chain.finalized().height < height) {
    await turn();
    await chain.produce();
  }
}

describe("the candidacy duty", () => {
  function start() {
    const sender = makeSender();
    const duty = new CandidacyDuty({ alliance: chain, sender, nodeKey: hospital.key, clock, log });
    duty.start();
    return () => {
      duty.stop();
      sender.stop();
    };
  }
  const readyEpoch = () => queries.candidate(chain.state(), hospital.key)?.readyEpoch;

  it("says once in every epoch that the node is up, whenever the node restarts", async () => {
    let stop = start();
    for (const epoch of [1, 2, 3]) {
      await blocksTo(epoch * LENGTH + LENGTH / 2);
      expect(readyEpoch()).toBe(epoch);
      stop();
      stop = start();
      await blocksTo((epoch + 1) * LENGTH);
      expect(readyEpoch()).toBe(epoch);
    }
    expect(log.events("candidate.ready").map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(log.events("candidate.ready-failed")).toEqual([]);
    stop();
  });

  it("says nothing while the node has not caught up", async () => {
    const late = { ...clock, nowMs: () => chain.ledger.timeMs + 3_600_000 };
    const sender = makeSender();
    const duty = new CandidacyDuty({ alliance: chain, sender, nodeKey: hospital.key, clock: late, log });
    duty.start();
    await blocksTo(2 * LENGTH);
    expect(readyEpoch()).toBe(0);
    duty.stop();
  });

  it("stands back while the record of votes is lost, until the epoch of its reset", async () => {
    const status = chain.status.bind(chain);
    Object.assign(chain, { status: () => ({ ...status(), followReason: "SAFETY_RECORD_MISSING" }) });
    const stop = start();
    await blocksTo(2 * LENGTH);
    expect(readyEpoch()).toBe(0);
    const reset = makeSender();
    const done = reset.send(TransactionKind.safetyReset, SafetyReset.serialize({ epoch: 2 }));
    await blocksTo(2 * LENGTH + LENGTH / 2);
    await done;
    expect(readyEpoch()).toBe(2);
    stop();
    reset.stop();
  });
});

describe("the evidence duty", () => {
  const zero = new Uint8Array(32);
  const vote = (fill: number) =>
    world.signedVote("B", { kind: VoteKind.notarize, view: 7, digest: zero.map(() => fill) });
  const convicted = () => queries.conviction(chain.state(), world.hospital("B").key, 0);
  const kept = async (store: MemoryStore) => {
    let count = 0;
    for await (const _ of store.range({ from: Uint8Array.of(0), to: Uint8Array.of(0xff) })) count += 1;
    return count;
  };
  const start = (store: MemoryStore, sender: Pick<TransactionSender, "send">) => {
    const duty = new EvidenceDuty(store);
    duty.start({ alliance: chain, sender, nodeKey: hospital.key, log });
    return duty;
  };

  it("keeps what the chain found across a crash, brings it to the alliance, and forgets it then", async () => {
    const store = new MemoryStore();
    new EvidenceDuty(store).take(vote(1), vote(2));
    await turn();
    expect(await kept(store)).toBe(1);
    const sender = makeSender();
    const duty = start(store, sender);
    await blocksTo(6);
    expect(convicted()).toMatchObject({ view: 7, reporter: hospital.key });
    await blocksTo(8);
    expect(await kept(store)).toBe(0);
    expect(log.events("evidence.settled")).toMatchObject([{ epoch: 0, view: 7, outcome: "sent" }]);
    duty.stop();
    sender.stop();
  });

  it("has nothing to do once another member was faster", async () => {
    await world.chain.block([world.evidence("C", vote(1), vote(2))]);
    const store = new MemoryStore();
    const sent: unknown[] = [];
    const duty = start(store, { send: (...all) => Promise.reject(sent.push(all)) });
    duty.take(vote(1), vote(3));
    await blocksTo(4);
    expect(sent).toEqual([]);
    expect(await kept(store)).toBe(0);
    duty.stop();
  });

  it("tries again later what could not be sent", async () => {
    const store = new MemoryStore();
    const failing = { send: () => Promise.reject(new Error("not now")) };
    const broken = start(store, failing);
    broken.take(vote(1), vote(2));
    await blocksTo(3);
    expect(await kept(store)).toBe(1);
    broken.stop();
    const sender = makeSender();
    const duty = start(store, sender);
    await blocksTo(9);
    expect(convicted()).toBeDefined();
    duty.stop();
    sender.stop();
  });
});

describe("what the log tells of elections", () => {
  const evidence = () => {
    const vote = (fill: number) =>
      world.signedVote("B", { kind: VoteKind.notarize, view: 7, digest: new Uint8Array(32).fill(fill) });
    return world.evidence("C", vote(1), vote(2));
  };
  const start = (name: string) => {
    const news = new ElectionNews({ alliance: chain, nodeKey: world.hospital(name).key, log });
    news.start();
    return news;
  };

  it("says loudly that an election was refused and the old validators stay, with what to do", async () => {
    const news = start("A");
    await blocksTo(2 * LENGTH + 1);
    expect(log.events("election.refused")).toMatchObject([{ epoch: 3, reason: "TOO_FEW" }]);
    expect(log.events("election.refused")[0]!.remedy).toContain("consilium candidates");
    expect(log.events("election.validators-change")).toEqual([]);
    news.stop();
  });

  it("names who was convicted, and tells the convicted node's operator to stop it", async () => {
    const news = [start("A"), start("B")];
    await chain.submit(evidence());
    await blocksTo(2);
    expect(log.events("election.validator-convicted")).toMatchObject([{ epoch: 0, view: 7, stakeLost: 9 }]);
    expect(log.events("election.this-node-convicted")).toMatchObject([{ epoch: 0, view: 7 }]);
    for (const each of news) each.stop();
  });
});
