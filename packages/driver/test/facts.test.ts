import { inlineVoteVerifier } from "@consilium/consensus";
import { ConsiliumError, type CryptoPool, toHex } from "@consilium/crypto";
import { loadBlstVoteSuite } from "@consilium/crypto/votes-blst";
import { createAllianceLedger, queries } from "@consilium/ledger";
import { ConsensusMessageTag, toEpoch, type Vote, VoteKind } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { EvidenceDesk } from "../src/facts/evidence-desk.js";
import { VoteArchive } from "../src/facts/vote-archive.js";
import type { ChainDriver, ChainDriverOptions } from "../src/index.js";
import { decodeMessage } from "../src/messages/codec.js";
import { seededRandom, silentLog, TestChain } from "./harness.js";

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

describe("the votes of an epoch's last views", () => {
  it("are included by validators who had no seat in it", async () => {
    const chain = await TestChain.create(8, {
      lengthHeights: 6,
      sets: (epoch) => (epoch % 2 === 0 ? [0, 1, 2, 3] : [4, 5, 6, 7]),
    });
    const drivers = await chain.startAll();
    expect(await chain.clock.runUntil(() => drivers[0]!.finalized().height >= 22, LIMIT_MS)).toBe(true);
    const voters = new Map<string, number>();
    for (let height = 1; height <= 22; height++) {
      for (const { epoch, view, bitmap } of drivers[0]!.blockAt(height)!.payload.facts)
        voters.set(`${epoch} ${view}`, (voters.get(`${epoch} ${view}`) ?? 0) | bitmap[0]!);
    }
    for (const epoch of [0, 1, 2])
      for (let view = 1; view <= 6; view++) expect(voters.get(`${epoch} ${view}`)).toBe(0b1111);
  });
});

describe("the archive of votes", () => {
  it("stays bounded, whatever a validator signs", async () => {
    const chain = await TestChain.create(4);
    const suite = await loadBlstVoteSuite();
    const epochs = { current: toEpoch(0), setOf: () => chain.setOf(0) };
    let view = 1;
    const archive = new VoteArchive({
      chainId: chain.application().chainId,
      epochs,
      verifier: inlineVoteVerifier(suite, seededRandom(1)),
      tree: { body: () => undefined },
      evidence: new EvidenceDesk(silentLog, () => {}),
      view: () => view,
      judge: () => {},
    });
    const vote = (at: number, fill: number): Vote => ({
      ...{ kind: VoteKind.notarize, epoch: 0, view: at, parentView: 0, validator: 1 },
      ...{ digest: new Uint8Array(32).fill(fill), signature: new Uint8Array(96) },
    });
    expect(archive.offer(vote(1_000_000, 1))).toEqual([]);
    expect(archive.viewCount).toBe(0);
    for (; view <= 1_000; view++) for (let fill = 0; fill < 5; fill++) archive.offer(vote(view, fill));
    expect(archive.viewCount).toBeLessThanOrEqual(64);
    // Of one view, validator and kind two are kept, and they are what is to be verified.
    expect(archive.offer(vote(view, 1))).toEqual([]);
    expect(archive.offer(vote(view, 2))).toHaveLength(2);
    expect(archive.offer(vote(view, 3))).toEqual([]);
  });
});

describe("votes that wait for the next block of this node", () => {
  it("are sorted at the cost of one batch for each validator when one of them is forged", async () => {
    const chain = await TestChain.create(4);
    const suite = await loadBlstVoteSuite();
    const inner = inlineVoteVerifier(suite, seededRandom(1));
    const sizes: number[] = [];
    const verifier = {
      ...inner,
      verifyBatch: (votes: Parameters<typeof inner.verifyBatch>[0]) => {
        sizes.push(votes.length);
        return inner.verifyBatch(votes);
      },
    };
    const charged: string[] = [];
    const archive = new VoteArchive({
      chainId: chain.application().chainId,
      epochs: { current: toEpoch(0), setOf: () => chain.setOf(0) },
      verifier,
      tree: { body: () => undefined },
      evidence: new EvidenceDesk(silentLog, () => {}),
      view: () => 12,
      judge: (peer) => charged.push(peer),
    });
    for (const index of [0, 1, 2, 3]) {
      for (let view = 1; view <= 10; view++) {
        const subject = { kind: VoteKind.notarize, epoch: 0, view, parentView: view - 1 };
        const bytes = chain.signedVote(index, { ...subject, digest: new Uint8Array(32).fill(view) });
        const message = decodeMessage(bytes);
        if (message.kind !== "vote") throw new Error("not a vote");
        const { vote } = message;
        if (vote.validator === 3 && view === 5)
          vote.signature = suite.sign(chain.members[3]!.secret, vote.digest);
        expect(archive.offer(vote)).toEqual([]);
      }
    }
    const place = { parentDigest: new Uint8Array(32), height: 12, epoch: 0, view: 12 };
    const facts = await archive.factsFor(place);
    expect(sizes).toEqual([40, 10, 10, 10, 10]);
    expect(charged).toEqual([toHex(chain.setOf(0)[3]!.nodeId)]);
    expect(facts.map(({ bitmap }) => bitmap[0])).toEqual(Array.from({ length: 8 }, () => 0b0111));
    // What was refused is not looked at again.
    await archive.factsFor(place);
    expect(sizes).toHaveLength(5);
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
