import { inlineVoteVerifier, verifyHandover } from "@consilium/consensus";
import { loadBlstVoteSuite } from "@consilium/crypto/votes-blst";
import { digestOf } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import type { ChainDriver } from "../src/index.js";
import { seededRandom, TestChain } from "./harness.js";

const LIMIT_MS = 600_000;
const LENGTH = 4;

const heights = (drivers: readonly ChainDriver[]) => drivers.map((each) => each.finalized().height);

/** Runs until every running node's tip is at this height at least. */
async function grow(chain: TestChain, height: number): Promise<void> {
  const reached = () => chain.running().every((each) => each.finalized().height >= height);
  const done = await chain.clock.runUntil(reached, LIMIT_MS);
  if (!done) throw new Error(`stuck at ${heights(chain.running())} below ${height}`);
}

async function submitOne(chain: TestChain, driver: ChainDriver, sender: number, nonce: number) {
  const { id } = await driver.submit(chain.transaction(sender, nonce));
  return () => driver.transactionResult(id!)?.code === "OK";
}

/** Every block of the shortest chain is the same on all nodes. */
function expectOneHistory(drivers: readonly ChainDriver[]): void {
  for (let height = 1; height <= Math.min(...heights(drivers)); height++) {
    const digests = drivers.flatMap((each) => {
      const header = each.headerAt(height);
      return header === undefined ? [] : [String(digestOf(header))];
    });
    expect(new Set(digests).size).toBe(1);
  }
}

describe("a chain of four", () => {
  it("crosses five epochs and loses no transaction on the way", async () => {
    const chain = await TestChain.create(4, { lengthHeights: LENGTH });
    const drivers = await chain.startAll();
    const pending: (() => boolean)[] = [];
    for (let nonce = 0; nonce < 12; nonce++) {
      pending.push(await submitOne(chain, drivers[nonce % 4]!, nonce % 4, Math.floor(nonce / 4)));
      await chain.clock.runUntil(() => false, 700);
    }
    await grow(chain, 5 * LENGTH + 1);
    expect(pending.every((done) => done())).toBe(true);
    expectOneHistory(drivers);
    expect(drivers.map(({ counters }) => counters.viewsNullified)).toEqual([0, 0, 0, 0]);
    for (const driver of drivers) expect(driver.status().epoch).toBeGreaterThanOrEqual(5);
  });

  it("keeps a hand-over for each epoch that ended, and they lead from genesis to the present set", async () => {
    const chain = await TestChain.create(5, {
      lengthHeights: LENGTH,
      sets: (epoch) => (epoch < 2 ? [0, 1, 2, 3] : [1, 2, 3, 4]),
    });
    const drivers = await chain.startAll();
    await grow(chain, 3 * LENGTH + 1);
    const verifier = inlineVoteVerifier(await loadBlstVoteSuite(), seededRandom(9));
    const { chainId } = drivers[0]!;
    let set = chain.setOf(0);
    for (let epoch = 0; epoch < 3; epoch++) {
      const handover = drivers[4]!.handover(epoch)!;
      const verdict = await verifyHandover(verifier, chainId, set, epoch, LENGTH, handover);
      if (verdict.kind !== "valid") throw new Error(verdict.reason);
      set = verdict.value;
    }
    expect(set).toEqual(chain.setOf(3));
    expect(drivers[0]!.handover(drivers[0]!.status().epoch)).toBeUndefined();
  });

  it("lets a follower become a validator and a validator a follower, and back", async () => {
    const chain = await TestChain.create(5, {
      lengthHeights: LENGTH,
      sets: (epoch) => (epoch % 2 === 0 ? [0, 1, 2, 3] : [1, 2, 3, 4]),
    });
    const drivers = await chain.startAll();
    const roles = new Map<number, string>();
    drivers[4]!.onFinalized(() => {
      const { epoch, role } = drivers[4]!.status();
      roles.set(epoch, `${roles.get(epoch) ?? ""}${role === "voting" ? "v" : "f"}`);
    });
    await grow(chain, 5 * LENGTH + 1);
    expectOneHistory(drivers);
    // A boundary block is announced before the next epoch's seat is taken.
    expect([1, 2, 3, 4].map((epoch) => [...roles.get(epoch)!].at(-1))).toEqual(["v", "f", "v", "f"]);
    expect(drivers[0]!.status()).toMatchObject({
      epoch: 5,
      role: "following",
      followReason: "NOT_A_VALIDATOR",
    });
    expect(drivers[4]!.counters.blocksProposed).toBeGreaterThan(0);
  });

  it("goes on when the whole set is replaced", async () => {
    const chain = await TestChain.create(8, {
      lengthHeights: LENGTH,
      sets: (epoch) => (epoch % 2 === 0 ? [0, 1, 2, 3] : [4, 5, 6, 7]),
    });
    const drivers = await chain.startAll();
    const done = await submitOne(chain, drivers[0]!, 1, 0);
    await grow(chain, 4 * LENGTH + 2);
    expect(done()).toBe(true);
    expectOneHistory(drivers);
    expect(drivers.map(({ counters }) => counters.viewsNullified)).toEqual(drivers.map(() => 0));
  });

  it("names the next set in the boundary block and nowhere else", async () => {
    const chain = await TestChain.create(4, { lengthHeights: LENGTH });
    const [driver] = await chain.startAll();
    await grow(chain, 2 * LENGTH);
    for (let height = 1; height <= 2 * LENGTH; height++) {
      const named = driver!.headerAt(height)!.nextSetRoot.some((byte) => byte !== 0);
      expect(named).toBe(height % LENGTH === 0);
    }
  });
});

describe("a restart in an epoch", () => {
  it("exactly at a boundary goes on in the next epoch, whichever node it is", async () => {
    const chain = await TestChain.create(4, { lengthHeights: LENGTH });
    await chain.startAll();
    for (let round = 1; round <= 4; round++) {
      const index = round - 1;
      const driver = chain.drivers.get(chain.members[index]!.name)!;
      const atBoundary = () => driver.finalized().height === round * LENGTH;
      expect(await chain.clock.runUntil(atBoundary, LIMIT_MS)).toBe(true);
      await chain.stop(index);
      const again = await chain.start(index);
      expect(again.finalized().height).toBe(round * LENGTH);
      expect(again.status()).toMatchObject({ role: "voting" });
    }
    await grow(chain, 5 * LENGTH);
    expectOneHistory(chain.running());
  });

  it("of all nodes at once at the boundary loses nothing", async () => {
    const chain = await TestChain.create(4, { lengthHeights: LENGTH });
    const drivers = await chain.startAll();
    expect(await chain.clock.runUntil(() => drivers[2]!.finalized().height === LENGTH, LIMIT_MS)).toBe(true);
    const boundary = drivers[2]!.headerAt(LENGTH)!;
    for (const index of chain.members.keys()) await chain.stop(index);
    const again = await chain.startAll();
    await grow(chain, 2 * LENGTH + 1);
    expectOneHistory(again);
    expect(again[0]!.headerAt(LENGTH)).toEqual(boundary);
  });

  it("after epochs passed finds its way by the boundary finalizations and votes again", async () => {
    const chain = await TestChain.create(4, { lengthHeights: LENGTH });
    await chain.startAll();
    await grow(chain, 2);
    await chain.stop(3);
    await grow(chain, 6 * LENGTH);
    const back = await chain.start(3);
    await grow(chain, 7 * LENGTH);
    expect(back.status()).toMatchObject({ role: "voting", syncing: false });
    const { votesSigned } = back.counters;
    await grow(chain, 8 * LENGTH);
    expect(back.counters.votesSigned).toBeGreaterThan(votesSigned);
    expectOneHistory(chain.running());
  });
});

describe("a final header", () => {
  it("proves the state after its parent, which the driver can still read", async () => {
    const chain = await TestChain.create(4, { lengthHeights: LENGTH });
    const [driver] = await chain.startAll();
    expect(driver!.provable()).toBeUndefined();
    const seen: boolean[] = [];
    let before: Uint8Array | undefined;
    driver!.onFinalized(({ tip }) => {
      const provable = driver!.provable();
      const root = driver!.state().get(Uint8Array.of(2));
      const same = String(provable?.reader.get(Uint8Array.of(2))) === String(before);
      if (before !== undefined) seen.push(same && provable?.header.height === tip.height);
      before = root;
    });
    await grow(chain, 2 * LENGTH + 1);
    expect(seen.length).toBeGreaterThan(LENGTH);
    expect(seen.every(Boolean)).toBe(true);
  });
});
