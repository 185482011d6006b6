import { sha256, u32, u64 } from "@consilium/crypto";
import { SnapshotChunk, SnapshotChunkRequest, SnapshotManifest } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { buckets, rangeOf } from "../../src/store/keys.js";
import { judgeChunk } from "../../src/sync/snapshot-chunk.js";
import { MadeChain } from "./made-chain.js";
import { type Newcomer, SyncWorld, type Twist, type Twists } from "./sync-harness.js";

const LENGTH = 6;
const rules = {
  from: Uint8Array.of(0),
  to: Uint8Array.of(0x70),
  rebuild: () => ({ changes: [], root: u32(0) }),
};

/** A chain with snapshots of the boundaries of epochs 0 and 1, and two blocks more. */
async function twoSnapshots(): Promise<SyncWorld> {
  const shape = { lengthHeights: LENGTH, blocks: 2 * LENGTH + 2 };
  const world = new SyncWorld(await MadeChain.create({ ...shape, blocks: LENGTH }));
  await world.snapshot();
  for (let block = 0; block < LENGTH; block++) await world.chain.grow(shape);
  await world.snapshot();
  for (let block = 0; block < 2; block++) await world.chain.grow(shape);
  return world;
}

/** Offers the right root over chunks of one's own making. */
const offering = (chunkDigests: Uint8Array[], chunkAt: (index: number) => Uint8Array): Twists => ({
  "snapshot/1": async (_, honest) =>
    SnapshotManifest.serialize({ ...SnapshotManifest.deserialize(await honest()), chunkDigests }),
  "snapshot-chunk/1": async (request) => chunkAt(SnapshotChunkRequest.deserialize(request).index),
});

function always(chunk: Uint8Array, count: number): Twists {
  const digest = sha256(chunk);
  return offering(Array(count).fill(digest), () => chunk);
}

const chunkRequestsOf = (world: SyncWorld, name: string): number =>
  world.requests.filter((each) => each === `${name} snapshot-chunk/1`).length;

async function storedChunks({ store }: Newcomer): Promise<number> {
  let count = 0;
  for await (const _ of store.range(rangeOf(buckets.snapshotChunk))) count += 1;
  return count;
}

const entry = (first: number, sizeBytes: number, ...rest: number[]) => ({
  key: Uint8Array.of(first, ...rest),
  value: new Uint8Array(sizeBytes),
});

const madeUp = {
  "is larger than a chunk of several entries may be": [entry(1, 700_000), entry(2, 700_000)],
  "holds keys out of order": [entry(2, 1), entry(1, 1)],
  "holds a key twice": [entry(1, 1), entry(1, 1)],
  "holds a derived key": [entry(1, 1), entry(0x70, 1)],
  "holds a key of the driver": [entry(0x8d, 1)],
  "holds nothing": [],
};

describe("a snapshot's chunk", () => {
  for (const [what, entries] of Object.entries(madeUp)) {
    it(`that ${what} ends the snapshot that names it, at once`, async () => {
      const world = await twoSnapshots();
      const chunk = SnapshotChunk.serialize(entries);
      for (const name of ["liar", "twin"]) await world.peer(name, always(chunk, 300));
      await world.peer("honest");
      const newcomer = await world.newcomer({ stateSync: true });
      await newcomer.run();
      expect(newcomer.landed).toEqual([13, 14]);
      const charged = ["liar SNAPSHOT_WRONG_STATE", "twin SNAPSHOT_WRONG_STATE"];
      expect(new Set(newcomer.charged)).toEqual(new Set(charged));
      // Those that were under way together.
      const asked = chunkRequestsOf(world, "liar") + chunkRequestsOf(world, "twin");
      expect(asked).toBeGreaterThan(0);
      expect(asked).toBeLessThanOrEqual(3);
      expect(await storedChunks(newcomer)).toBe(1);
    });
  }

  it("that repeats its neighbour's keys ends the snapshot too", async () => {
    const world = await twoSnapshots();
    const chunk = SnapshotChunk.serialize([entry(1, 1), entry(2, 1)]);
    for (const name of ["liar", "twin"]) await world.peer(name, always(chunk, 300));
    await world.peer("honest");
    const newcomer = await world.newcomer({ stateSync: true });
    await newcomer.run();
    expect(newcomer.landed).toEqual([13, 14]);
    // Until the second one is here, each of the three that are asked for together may be followed by another.
    expect(chunkRequestsOf(world, "liar") + chunkRequestsOf(world, "twin")).toBeLessThanOrEqual(5);
  });

  it("may be larger than the limit with a single entry, and as large as it with several", () => {
    const single = SnapshotChunk.serialize([entry(1, 2 * 1024 * 1024)]);
    expect(judgeChunk(single, rules)).toMatchObject({ kind: "valid", value: { first: "01", last: "01" } });
    // Two entries cost 12 bytes each besides their keys and values.
    const full = (spare: number) => SnapshotChunk.serialize([entry(1, 500_000), entry(2, 548_550 + spare)]);
    expect(full(0)).toHaveLength(1024 * 1024);
    expect(judgeChunk(full(0), rules)).toMatchObject({ kind: "valid" });
    expect(judgeChunk(full(1), rules)).toMatchObject({ kind: "fault", code: "SNAPSHOT_BAD_CHUNK" });
  });

  it("is refused when a byte is missing or another follows", () => {
    const chunk = SnapshotChunk.serialize([entry(1, 8), entry(2, 8)]);
    expect(judgeChunk(chunk.subarray(0, 3), rules)).toMatchObject({ kind: "fault" });
    expect(judgeChunk(Uint8Array.of(8, ...chunk), rules)).toMatchObject({ kind: "fault" });
  });
});

describe("the choice among offers", () => {
  it("prefers the snapshot of several peers to a newer one that a single peer offers", async () => {
    const world = await twoSnapshots();
    const older: Twist = async () => world.chain.store.read(buckets.snapshotManifest, u64(0))!;
    const chunks = Array.from({ length: 200 }, (_, index) => SnapshotChunk.serialize([entry(1, 8, index)]));
    await world.peer(
      "liar",
      offering(
        chunks.map((chunk) => sha256(chunk)),
        (index) => chunks[index]!,
      ),
    );
    for (const name of ["a", "b"]) await world.peer(name, { "snapshot/1": older });
    const newcomer = await world.newcomer({ stateSync: true });
    await newcomer.run();
    expect(newcomer.landed).toEqual([7, 8, 9, 10, 11, 12, 13, 14]);
    expect(chunkRequestsOf(world, "liar")).toBe(0);
  });

  it("takes the newest of those that several peers offer", async () => {
    const world = await twoSnapshots();
    const older: Twist = async () => world.chain.store.read(buckets.snapshotManifest, u64(0))!;
    for (const name of ["a", "b", "c"]) await world.peer(name, { "snapshot/1": older });
    for (const name of ["d", "e"]) await world.peer(name);
    const newcomer = await world.newcomer({ stateSync: true });
    await newcomer.run();
    expect(newcomer.landed).toEqual([13, 14]);
  });

  it("leaves a snapshot alone that is larger than the chain can have become", async () => {
    const world = await twoSnapshots();
    const chunkDigests = Array.from({ length: 60_000 }, (_, index) => sha256(u32(index)));
    const endless = offering(chunkDigests, (index) => u32(index));
    for (const name of ["liar", "twin"]) await world.peer(name, endless);
    await world.peer("honest");
    const newcomer = await world.newcomer({ stateSync: true });
    await newcomer.run();
    expect(newcomer.landed).toEqual([13, 14]);
    expect(chunkRequestsOf(world, "liar") + chunkRequestsOf(world, "twin")).toBe(0);
  });
});
