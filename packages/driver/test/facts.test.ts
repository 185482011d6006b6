import { ConsiliumError, type CryptoPool, toHex } from "@consilium/crypto";
import { createAllianceLedger, queries } from "@consilium/ledger";
import { ConsensusMessageTag, type Vote, VoteKind } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import type { ChainDriver, ChainDriverOptions } from "../src/index.js";
import { TestChain } from "./harness.js";

const LIMIT_MS = 600_000;

/** No ceremony runs here, so no curve work is asked for. */
const idlePool: CryptoPool = {
  run: async (name) => {
    throw new ConsiliumError("TEST_NO_CURVE", `no curve work is expected here (${name})`);
  },
};

/** A chain that runs the real alliance ledger, idle. */
async function allianceChain(count: number, lengthHeights: number, slow?: number) {
  const chain = await TestChain.create(count, { lengthHeights });
  if (slow !== undefined) delaySender(chain, slow, 60);
  const drivers: ChainDriver[] = [];
  const options = (): Partial<ChainDriverOptions> => ({
    application: createAllianceLedger(chain.genesis, idlePool),
    nextNonce: (state, sender) => queries.nextNonces(state, sender).envelope,
  });
  for (const index of chain.members.keys()) drivers.push(await chain.start(index, options()));
  return { chain, drivers, options };
}

/** Everything that a member says on consensus streams arrives that much later: after the quorum of the others. */
function delaySender(chain: TestChain, index: number, delayMs: number): void {
  const { name } = chain.members[index]!;
  const late = new Set<Uint8Array>();
  chain.network.filter = (from, to, message) => {
    if (from !== name || late.has(message)) return true;
    const receiver = chain.members.findIndex((member) => member.name === to);
    chain.clock.setTimer(delayMs, () => chain.transportOf(receiver).receiver?.message(from, message));
    return false;
  };
}

/** The most that the running epoch's tallies held against anybody, over all finalized blocks. */
function watchTallies(driver: ChainDriver) {
  const worst = { votesMissed: 0, viewsNullified: 0, votesIncluded: 0 };
  driver.onFinalized(() => {
    for (const tally of queries.creditTallies(driver.state())) {
      worst.votesMissed = Math.max(worst.votesMissed, tally.votesMissed);
      worst.viewsNullified = Math.max(worst.viewsNullified, tally.viewsNullified);
      worst.votesIncluded = Math.max(worst.votesIncluded, tally.votesIncluded);
    }
  });
  return worst;
}

describe("an idle chain with all validators up", () => {
  it("costs nobody credit, across boundaries as well", async () => {
    const { chain, drivers } = await allianceChain(4, 12);
    const worst = watchTallies(drivers[0]!);
    expect(await chain.clock.runUntil(() => drivers[0]!.finalized().height >= 50, LIMIT_MS)).toBe(true);
    expect(worst).toMatchObject({ votesMissed: 0, viewsNullified: 0 });
    expect(worst.votesIncluded).toBeGreaterThanOrEqual(8);
    for (const { nodeId } of chain.members)
      expect(queries.candidate(drivers[0]!.state(), nodeId)!.credit).toBeGreaterThan(500);
  });

  it("counts the votes of a validator that is always slower than the quorum", async () => {
    const { chain, drivers } = await allianceChain(4, 12, 3);
    const worst = watchTallies(drivers[0]!);
    expect(await chain.clock.runUntil(() => drivers[0]!.finalized().height >= 40, LIMIT_MS)).toBe(true);
    expect(worst).toMatchObject({ votesMissed: 0, viewsNullified: 0 });
    const facts = Array.from({ length: 40 }, (_, index) => drivers[0]!.blockAt(index + 1)!.payload.facts);
    // Of each view the certificate first, and then once more with the vote that came late.
    const late = facts.flat().filter(({ bitmap }) => bitmap[0] === 0b1111);
    expect(late.length).toBeGreaterThan(20);
    expect(Math.max(...facts.map((each) => each.length))).toBeLessThanOrEqual(8);
  });

  it("loses credit for a validator that is away, and for no other", async () => {
    const { chain, drivers } = await allianceChain(4, 12);
    await chain.stop(2);
    expect(await chain.clock.runUntil(() => drivers[0]!.finalized().height >= 40, LIMIT_MS)).toBe(true);
    const creditOf = (index: number) =>
      queries.candidate(drivers[0]!.state(), chain.members[index]!.nodeId)!.credit;
    expect(creditOf(2)).toBeLessThan(500);
    for (const index of [0, 1, 3]) expect(creditOf(index)).toBeGreaterThan(500);
  });
});

describe("two votes that contradict", () => {
  const vote = (chain: TestChain, index: number, kind: VoteKind, view: number, fill: number) =>
    chain.signedVote(index, {
      ...{ kind, epoch: 0, view, parentView: 0 },
      digest: new Uint8Array(32).fill(kind === VoteKind.nullify ? 0 : fill),
    });

  it("are handed on once for a validator and epoch, late ones too", async () => {
    const chain = await TestChain.create(4);
    const evidence: [Vote, Vote][] = [];
    const driver = await chain.start(0, { onEvidence: (first, second) => evidence.push([first, second]) });
    for (const index of [1, 2, 3]) await chain.start(index);
    expect(await chain.clock.runUntil(() => driver.finalized().height >= 6, LIMIT_MS)).toBe(true);
    const { receiver } = chain.transportOf(0);
    const late = driver.finalized().view - 2;
    const signer = chain.members[1]!.name;
    receiver!.message(signer, vote(chain, 1, VoteKind.notarize, late, 1));
    receiver!.message(signer, vote(chain, 1, VoteKind.notarize, late, 2));
    await chain.clock.advance(10);
    expect(evidence).toHaveLength(1);
    const [first, second] = evidence[0]!;
    expect([first.view, second.view]).toEqual([late, late]);
    expect(toHex(first.digest)).not.toBe(toHex(second.digest));
    receiver!.message(signer, vote(chain, 1, VoteKind.finalize, late + 1, 1));
    receiver!.message(signer, vote(chain, 1, VoteKind.nullify, late + 1, 0));
    await chain.clock.advance(10);
    expect(evidence).toHaveLength(1);
  });

  it("are no evidence when one of them is forged, and the forger's own delivery is charged", async () => {
    const chain = await TestChain.create(4);
    const evidence: unknown[] = [];
    const charged: string[] = [];
    const driver = await chain.start(0, {
      onEvidence: (first) => evidence.push(first),
      onPeerFault: (peer, code) => charged.push(`${peer} ${code}`),
    });
    for (const index of [1, 2, 3]) await chain.start(index);
    expect(await chain.clock.runUntil(() => driver.finalized().height >= 6, LIMIT_MS)).toBe(true);
    const { receiver } = chain.transportOf(0);
    const signer = chain.members[1]!.name;
    const late = driver.finalized().view - 2;
    // The validator's true vote of that view is here already.
    const forged = vote(chain, 1, VoteKind.notarize, late, 2);
    // The digest is signed, so another one has no signature.
    forged[1 + 8 * 3 + 1] = forged[1 + 8 * 3 + 1]! ^ 1;
    expect(forged[0]).toBe(ConsensusMessageTag.vote);
    receiver!.message(signer, forged);
    await chain.clock.advance(10);
    expect(evidence).toEqual([]);
    expect(charged).toContain(`${signer} VOTE_BAD_SIGNATURE`);
  });
});
