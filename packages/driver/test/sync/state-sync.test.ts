import { ConsiliumError, codeOf, sha256, u32, u64 } from "@consilium/crypto";
import {
  ChainStatus,
  SnapshotChunk,
  SnapshotChunkRequest,
  SnapshotManifest,
  type Store,
  type StoreChange,
} from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { buckets, rangeOf } from "../../src/store/keys.js";
import { Snapshots } from "../../src/sync/snapshots.js";
import { MemoryStore } from "../../src/testing/index.js";
import { silentLog } from "../harness.js";
import { MadeChain } from "./made-chain.js";
import { SyncWorld, type Twist, type Twists } from "./sync-harness.js";

const LENGTH = 12;

/** A chain whose newest snapshot is of the boundary of epoch 1, and that went on for three blocks. */
async function worldWithSnapshot(values = 0): Promise<SyncWorld> {
  const chain = await MadeChain.create({ lengthHeights: LENGTH, blocks: 2 * LENGTH });
  if (values > 0) await chain.fill(values);
  const world = new SyncWorld(chain);
  await world.snapshot();
  for (let block = 0; block < 3; block++) await chain.grow({ lengthHeights: LENGTH, blocks: 2 * LENGTH + 3 });
  return world;
}

async function sizeOf(store: Store, bucket: (typeof buckets)[keyof typeof buckets]): Promise<number> {
  let size = 0;
  for await (const _ of store.range(rangeOf(bucket))) size += 1;
  return size;
}

async function stateOf(store: { range: Store["range"] }): Promise<string[]> {
  const entries: string[] = [];
  for await (const [key, value] of store.range({ from: Uint8Array.of(0), to: Uint8Array.of(0x80) }))
    entries.push(`${key.join(" ")}: ${value.join(" ")}`);
  return entries;
}

describe("a node without a chain", () => {
  it("takes the state of a boundary and goes on from there by range", async () => {
    const world = await worldWithSnapshot();
    for (const name of ["a", "b", "c"]) await world.peer(name);
    const store = new MemoryStore();
    const newcomer = await world.newcomer({ stateSync: true, store });
    await newcomer.run();
    expect(newcomer.tip).toEqual(world.chain.tip);
    expect(newcomer.landed).toEqual([25, 26, 27]);
    expect(newcomer.store.block(23)).toBeUndefined();
    expect(newcomer.store.block(0)).toBeDefined();
    expect(await stateOf(store)).toEqual(await stateOf(world.chain.store));
    expect(await sizeOf(store, buckets.stagedState)).toBe(0);
    expect(newcomer.charged).toEqual([]);
  });

  it("serves the snapshot that it took to the next one", async () => {
    const world = await worldWithSnapshot();
    await world.peer("a");
    const first = await world.newcomer({ stateSync: true });
    await first.run();
    const { lengthHeights } = world.chain.epochs;
    const rules = world.chain.application.snapshot;
    const parts = { rules, lengthHeights, clock: world.clock, log: silentLog };
    const own = new Snapshots({ store: first.store, ...parts });
    const other = new Snapshots({ store: world.chain.store, ...parts });
    expect(await own.newest(first.tip.height)).toEqual(await other.newest(first.tip.height));
    expect(own.chunk(1, 0)).toEqual(other.chunk(1, 0));
  });

  it("executes all blocks when nobody has a snapshot", async () => {
    const chain = await MadeChain.create({ lengthHeights: LENGTH, blocks: 2 * LENGTH + 3 });
    const world = new SyncWorld(chain);
    await world.peer("a");
    const newcomer = await world.newcomer({ stateSync: true });
    await newcomer.run();
    expect(newcomer.landed).toHaveLength(27);
  });

  it("executes the blocks of a chain whose first epoch has not ended", async () => {
    const world = new SyncWorld(await MadeChain.create({ lengthHeights: LENGTH, blocks: 5 }));
    await world.peer("a");
    const newcomer = await world.newcomer({ stateSync: true });
    await newcomer.run();
    expect(newcomer.landed).toEqual([1, 2, 3, 4, 5]);
  });

  it("takes a state of many chunks from several peers at once", async () => {
    const world = await worldWithSnapshot(12);
    const asked = new Set<string>();
    for (const name of ["a", "b", "c"]) {
      const note: Twist = async (_, honest) => {
        asked.add(name);
        return honest();
      };
      await world.peer(name, { "snapshot-chunk/1": note });
    }
    const newcomer = await world.newcomer({ stateSync: true });
    await newcomer.run();
    expect(newcomer.landed).toEqual([25, 26, 27]);
    expect(asked.size).toBeGreaterThan(1);
  });
});

describe("a hostile peer's snapshot", () => {
  const manifest =
    (edit: (manifest: SnapshotManifest) => SnapshotManifest): Twist =>
    async (_, honest) =>
      SnapshotManifest.serialize(edit(SnapshotManifest.deserialize(await honest())));
  /** The chunk with one value flipped, under a manifest that names it. */
  const flippedChunk = (chunk: Uint8Array) => {
    const entries = SnapshotChunk.deserialize(chunk);
    entries[1]!.value = entries[1]!.value.map((byte, index) => (index === 0 ? byte ^ 1 : byte));
    return SnapshotChunk.serialize(entries);
  };

  async function flipped(world: SyncWorld): Promise<Twists> {
    const chunk = world.chain.store.read(buckets.snapshotChunk, u64(1), u32(0))!;
    const chunkDigests = [sha256(flippedChunk(chunk))];
    return {
      "snapshot/1": manifest((each) => ({ ...each, chunkDigests })),
      "snapshot-chunk/1": async (_, honest) => flippedChunk(await honest()),
    };
  }

  it("with one flipped value is thrown away, its peer charged, and another's taken", async () => {
    const world = await worldWithSnapshot();
    await world.peer("liar", await flipped(world));
    await world.peer("twin", await flipped(world));
    await world.peer("honest");
    const store = new MemoryStore();
    const newcomer = await world.newcomer({ stateSync: true, store });
    await newcomer.run();
    expect(newcomer.landed).toEqual([25, 26, 27]);
    expect(new Set(newcomer.charged)).toEqual(
      new Set(["liar SNAPSHOT_WRONG_STATE", "twin SNAPSHOT_WRONG_STATE"]),
    );
    expect(await stateOf(store)).toEqual(await stateOf(world.chain.store));
  });

  it("leaves the chain at genesis when it is the only one, and the blocks are executed instead", async () => {
    const world = await worldWithSnapshot();
    await world.peer("liar", await flipped(world));
    await world.peer("blocks", { "snapshot/1": async () => Promise.reject(new Error("none")) });
    const store = new MemoryStore();
    const newcomer = await world.newcomer({ stateSync: true, store });
    await newcomer.run();
    expect(newcomer.landed).toHaveLength(27);
    expect(await sizeOf(store, buckets.stagedState)).toBe(0);
    expect(await sizeOf(store, buckets.snapshotChunk)).toBe(0);
    expect(await sizeOf(store, buckets.stateSync)).toBe(0);
  });

  it("with another root than a final header carries is refused before a chunk is asked for", async () => {
    const world = await worldWithSnapshot();
    const stateRoot = new Uint8Array(32).fill(9);
    await world.peer("liar", { "snapshot/1": manifest((each) => ({ ...each, stateRoot })) });
    await world.peer("honest");
    const newcomer = await world.newcomer({ stateSync: true });
    await newcomer.run();
    expect(newcomer.landed).toEqual([25, 26, 27]);
    expect(newcomer.charged).toEqual(["liar SNAPSHOT_BAD_ROOT"]);
    expect(world.requests).not.toContain("liar snapshot-chunk/1");
  });

  it("with digests that are not its chunks' is given up for another", async () => {
    const world = await worldWithSnapshot();
    const chunkDigests = [new Uint8Array(32).fill(1)];
    await world.peer("liar", { "snapshot/1": manifest((each) => ({ ...each, chunkDigests })) });
    await world.peer("honest");
    const newcomer = await world.newcomer({ stateSync: true });
    await newcomer.run();
    expect(newcomer.landed).toEqual([25, 26, 27]);
    expect(newcomer.charged.every((each) => each === "liar SNAPSHOT_BAD_CHUNK")).toBe(true);
  });

  it("of many chunks loses against a smaller one", async () => {
    const world = await worldWithSnapshot();
    const chunkDigests = Array.from({ length: 500 }, (_, index) => sha256(u32(index)));
    await world.peer("liar", {
      "snapshot/1": manifest((each) => ({ ...each, chunkDigests })),
      "snapshot-chunk/1": async (request) => u32(SnapshotChunkRequest.deserialize(request).index),
    });
    await world.peer("honest");
    const newcomer = await world.newcomer({ stateSync: true });
    await newcomer.run();
    expect(newcomer.landed).toEqual([25, 26, 27]);
    expect(world.requests).not.toContain("liar snapshot-chunk/1");
  });

  it("of an epoch that nobody can prove is left alone", async () => {
    const world = await worldWithSnapshot();
    const edit = manifest((each) => ({ ...each, epoch: 40, height: 41 * LENGTH }));
    const status: Twist = async (_, honest) =>
      ChainStatus.serialize({ ...ChainStatus.deserialize(await honest()), finalizedHeight: 1_000 });
    await world.peer("liar", { "snapshot/1": edit, "status/1": status });
    await world.peer("honest");
    const newcomer = await world.newcomer({ stateSync: true });
    await newcomer.run();
    expect(newcomer.landed).toEqual([25, 26, 27]);
  });
});

describe("a crash while a snapshot is taken", () => {
  it("at any write leaves a chain that is genesis or the snapshot, and the next start finishes", async () => {
    const world = await worldWithSnapshot(3);
    for (const name of ["a", "b"]) await world.peer(name);
    const writes = await countWrites(world);
    expect(writes).toBeGreaterThan(10);
    for (let crashAt = 1; crashAt <= writes; crashAt++) {
      const disk = new MemoryStore();
      const crashed = await world.newcomer({ stateSync: true, store: failingAt(disk, crashAt) }).then(
        (newcomer) =>
          newcomer.run().then(
            () => "ran",
            (error: unknown) => {
              newcomer.stopped = true;
              return codeOf(error);
            },
          ),
        codeOf,
      );
      expect(["STORE_FAILED", "ran"]).toContain(crashed);
      const again = await world.newcomer({ stateSync: true, store: disk });
      expect([0, 24, 25, 26, 27]).toContain(again.tip.height);
      await again.run();
      expect(again.tip).toEqual(world.chain.tip);
      expect(await stateOf(disk)).toEqual(await stateOf(world.chain.store));
    }
  });

  it("goes on with the chunks that are there", async () => {
    const world = await worldWithSnapshot(6);
    let served = 0;
    const twist: Twist = async (_, honest) => {
      served += 1;
      return served > 3 ? Promise.reject(new Error("gone")) : honest();
    };
    await world.peer("a", { "snapshot-chunk/1": twist });
    const disk = new MemoryStore();
    const first = await world.newcomer({ stateSync: true, store: disk });
    const run = first.catchUp.run(world.chain.target);
    await world.clock.runUntil(() => served > 4, 10_000);
    first.stopped = true;
    await world.finish(run);
    expect(await sizeOf(disk, buckets.snapshotChunk)).toBe(3);
    expect(first.tip.height).toBe(0);
    const asked: number[] = [];
    await world.peer("a", {
      "snapshot-chunk/1": async (request, honest) => {
        asked.push(SnapshotChunkRequest.deserialize(request).index);
        return honest();
      },
    });
    const again = await world.newcomer({ stateSync: true, store: disk });
    await again.run();
    expect(again.landed).toEqual([25, 26, 27]);
    expect(asked.length).toBeGreaterThan(0);
    expect(new Set(asked).size).toBe((await sizeOf(disk, buckets.snapshotChunk)) - 3);
  });
});

describe("snapshots of a node's own state", () => {
  it("show the boundary's state although the chain goes on while they are written, and two are kept", async () => {
    const chain = await MadeChain.create({ lengthHeights: 4, blocks: 0 });
    const { clock } = new SyncWorld(chain);
    const parts = { rules: chain.application.snapshot, lengthHeights: 4, clock, log: silentLog };
    const snapshots = new Snapshots({ store: chain.store, ...parts });
    const roots: Uint8Array[] = [];
    for (let height = 1; height <= 17; height++) {
      await chain.grow({ lengthHeights: 4, blocks: 17 });
      snapshots.landed(chain.tip);
      if (height % 4 === 0) roots.push(chain.tip.stateRoot);
      if (height % 4 === 1) await clock.advance(1_000);
    }
    const newest = SnapshotManifest.deserialize(await snapshots.newest(17));
    expect(newest).toMatchObject({ epoch: 3, height: 16 });
    expect(newest.stateRoot).toEqual(roots[3]);
    const entries = SnapshotChunk.deserialize(snapshots.chunk(3, 0));
    const { root } = chain.application.snapshot!.rebuild({ get: () => undefined }, entries);
    expect(root).toEqual(roots[3]);
    expect(() => snapshots.chunk(2, 0)).not.toThrow();
    expect(() => snapshots.chunk(1, 0)).toThrow();
  });

  it("are not offered before the block after the boundary is final, nor when a crash cut them short", async () => {
    const chain = await MadeChain.create({ lengthHeights: 4, blocks: 4 });
    const world = new SyncWorld(chain);
    const parts = { rules: chain.application.snapshot, lengthHeights: 4, clock: world.clock, log: silentLog };
    const cut = new Snapshots({ store: chain.store, ...parts });
    cut.landed(chain.tip);
    await world.clock.advance(0);
    await cut.stop();
    const snapshots = new Snapshots({ store: chain.store, ...parts });
    expect(await snapshots.newest(5).catch(codeOf)).toBe("SNAPSHOT_NONE");
    expect(() => snapshots.chunk(0, 0)).toThrow();
    await snapshots.clean();
    expect(chain.store.read(buckets.snapshotChunk, u64(0), u32(0))).toBeUndefined();
    await world.snapshot();
    expect(await snapshots.newest(4).catch(codeOf)).toBe("SNAPSHOT_NONE");
    expect(SnapshotManifest.deserialize(await snapshots.newest(5))).toMatchObject({ epoch: 0, height: 4 });
  });
});

/** A store whose batch fails from one write on, as a process that is killed writes no more. */
function failingAt(disk: MemoryStore, crashAt: number, count: { writes: number } = { writes: 0 }): Store {
  return {
    get: (key) => disk.get(key),
    range: (range) => disk.range(range),
    close: () => disk.close(),
    batch: async (changes: readonly StoreChange[], options) => {
      count.writes += 1;
      if (count.writes >= crashAt) throw new ConsiliumError("STORE_FAILED", "The process was killed.");
      await disk.batch(changes, options);
    },
  };
}

async function countWrites(world: SyncWorld): Promise<number> {
  const count = { writes: 0 };
  const store = failingAt(new MemoryStore(), Number.POSITIVE_INFINITY, count);
  const newcomer = await world.newcomer({ stateSync: true, store });
  await newcomer.run();
  return count.writes;
}
