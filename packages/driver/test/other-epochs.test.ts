import { nullifySubject } from "@consilium/consensus";
import { digestOf, toEpoch, toView, VoteKind } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { decodeMessage, encodeMessage } from "../src/messages/codec.js";
import { epochOf } from "../src/messages/other-epochs.js";
import { TestChain } from "./harness.js";

const LIMIT_MS = 600_000;
const LENGTH = 4;

async function fourNodes() {
  const chain = await TestChain.create(4, { lengthHeights: LENGTH });
  const drivers = await chain.startAll();
  return { chain, drivers, name: (index: number) => chain.members[index]!.name };
}

/** Counts the hand-overs that a member is asked for. */
function countProbes(chain: TestChain, index: number): { asked: number } {
  const count = { asked: 0 };
  const { handlers } = chain.transportOf(index);
  const serve = handlers.get("handovers/1")!;
  handlers.set("handovers/1", (from, body) => {
    count.asked += 1;
    return serve(from, body);
  });
  return count;
}

/** The last node hears consensus messages only where `allows` says so, from the end of the first epoch on. */
async function cutOff(allows: (epoch: number, kind: string) => boolean) {
  const { chain, drivers, name } = await fourNodes();
  await chain.clock.runUntil(() => drivers[3]!.finalized().height >= LENGTH - 1, LIMIT_MS);
  chain.network.filter = (_, to, bytes) => {
    const message = decodeMessage(bytes);
    return to !== name(3) || allows(epochOf(message), message.kind);
  };
  const probes = [0, 1, 2].map((index) => countProbes(chain, index));
  const asked = () => probes.reduce((sum, each) => sum + each.asked, 0);
  return { chain, drivers, asked };
}

describe("a message of an epoch that is over", () => {
  it("is answered with the boundary's finalization, within a budget, unless it is a finalization itself", async () => {
    const { chain, drivers, name } = await fourNodes();
    await chain.clock.runUntil(() => drivers[0]!.finalized().height >= LENGTH + 1, LIMIT_MS);
    const answers: string[] = [];
    chain.network.filter = (from, to, bytes) => {
      const message = decodeMessage(bytes);
      if (from === name(0) && to === name(1) && message.kind === "certificate" && epochOf(message) === 0) {
        answers.push(`${message.certificate.kind} ${String(message.certificate.digest)}`);
      }
      return true;
    };
    const { receiver } = chain.transportOf(0);
    const { finalization } = drivers[0]!.handover(0)!;
    receiver!.message(name(1), encodeMessage({ kind: "certificate", certificate: finalization }));
    await chain.clock.advance(10);
    expect(answers).toEqual([]);
    const old = chain.signedVote(1, nullifySubject(toEpoch(0), toView(2)));
    for (let each = 0; each < 50; each++) receiver!.message(name(1), old);
    await chain.clock.advance(10);
    expect(answers.length).toBeGreaterThan(0);
    expect(answers.length).toBeLessThanOrEqual(8);
    const boundary = digestOf(drivers[0]!.headerAt(LENGTH)!);
    expect(new Set(answers)).toEqual(new Set([`${VoteKind.finalize} ${String(boundary)}`]));
  });
});

describe("a message of a later epoch", () => {
  it("brings the end of the present one when it is the first proposal there", async () => {
    const { chain, drivers, asked } = await cutOff((epoch, kind) => epoch > 0 && kind === "proposal");
    const entered = () => drivers[3]!.status().epoch >= 1;
    expect(await chain.clock.runUntil(entered, LIMIT_MS)).toBe(true);
    expect(asked()).toBe(0);
  });

  it("makes a node ask how the present one ended, and follow", async () => {
    const { chain, drivers, asked } = await cutOff((epoch, kind) => epoch > 0 && kind === "vote");
    const entered = () => drivers[3]!.status().epoch >= 1;
    expect(await chain.clock.runUntil(entered, LIMIT_MS)).toBe(true);
    expect(asked()).toBeGreaterThan(0);
    expect(drivers[3]!.headerAt(LENGTH)).toEqual(drivers[0]!.headerAt(LENGTH));
  });

  it("brings another peer's question too while one that was asked is silent", async () => {
    const { chain, drivers, name } = await fourNodes();
    await chain.clock.runUntil(() => drivers[0]!.finalized().height >= 1, LIMIT_MS);
    chain.transportOf(1).handlers.set("handovers/1", () => new Promise(() => {}));
    const probes = countProbes(chain, 2);
    const before = drivers[0]!.status().epoch;
    const { receiver } = chain.transportOf(0);
    for (const index of [1, 2])
      receiver!.message(name(index), chain.signedVote(index, nullifySubject(toEpoch(before + 5), toView(1))));
    await chain.clock.advance(20);
    expect(probes.asked).toBe(1);
  });

  it("moves nobody by itself, and costs a bounded number of questions", async () => {
    const { chain, drivers, name } = await fourNodes();
    await chain.clock.runUntil(() => drivers[0]!.finalized().height >= 1, LIMIT_MS);
    const probes = countProbes(chain, 1);
    const before = drivers[0]!.status().epoch;
    const { receiver } = chain.transportOf(0);
    for (let each = 0; each < 100; each++) {
      receiver!.message(name(1), chain.signedVote(1, nullifySubject(toEpoch(before + 5), toView(1 + each))));
      await chain.clock.advance(5);
    }
    expect(drivers[0]!.status().epoch).toBe(before);
    expect(probes.asked).toBeGreaterThan(0);
    expect(probes.asked).toBeLessThanOrEqual(5);
    const { height } = drivers[0]!.finalized();
    expect(await chain.clock.runUntil(() => drivers[0]!.finalized().height >= height + 2, LIMIT_MS)).toBe(
      true,
    );
  });
});
