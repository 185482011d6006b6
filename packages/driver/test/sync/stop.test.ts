import type { Store, StoreChange } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { buckets } from "../../src/store/keys.js";
import { MemoryStore } from "../../src/testing/index.js";
import { MadeChain } from "./made-chain.js";
import { SyncWorld } from "./sync-harness.js";

const LENGTH = 6;

async function worldWithSnapshot(): Promise<SyncWorld> {
  const shape = { lengthHeights: LENGTH, blocks: LENGTH };
  const world = new SyncWorld(await MadeChain.create(shape));
  await world.chain.fill(5);
  await world.snapshot();
  for (let block = 0; block < 3; block++) await world.chain.grow({ ...shape, blocks: LENGTH + 3 });
  return world;
}

/** A store that counts what is written to it, and holds writes of one bucket back while `gate` is closed. */
function watched(bucket: number) {
  const disk = new MemoryStore();
  const watch = { writes: 0, held: 0, open: true, release: () => {} };
  const store: Store = {
    get: (key) => disk.get(key),
    range: (range) => disk.range(range),
    close: () => disk.close(),
    batch: async (changes: readonly StoreChange[], options) => {
      if (!watch.open && changes.some(({ key }) => key[0] === bucket)) {
        watch.held += 1;
        await new Promise<void>((resolve) => {
          watch.release = resolve;
        });
      }
      watch.writes += 1;
      await disk.batch(changes, options);
    },
  };
  return { store, watch };
}

describe("a node that stops while it catches up", () => {
  for (const protocol of ["handovers/1", "snapshot/1", "snapshot-chunk/1", "blocks/1"]) {
    it(`asks nobody and writes nothing any more (${protocol})`, async () => {
      const world = await worldWithSnapshot();
      const { store, watch } = watched(buckets.snapshotChunk);
      const newcomer = await world.newcomer({ stateSync: true, store });
      let requests = 0;
      let before = 0;
      await world.peer("a", {
        [protocol]: async (_, honest) => {
          if (!newcomer.stopped) {
            newcomer.stopped = true;
            before = watch.writes;
            requests = world.requests.length;
          }
          return honest();
        },
      });
      await newcomer.run();
      await newcomer.catchUp.settled();
      await world.clock.advance(60_000);
      expect(newcomer.stopped).toBe(true);
      expect(newcomer.landed).toEqual([]);
      // Chunks are asked for three at a time.
      expect(world.requests.length - requests).toBeLessThanOrEqual(2);
      expect(watch.writes).toBe(before);
    });
  }

  it("is settled only when the chunk that is being written is on the disk", async () => {
    const world = await worldWithSnapshot();
    await world.peer("a");
    const { store, watch } = watched(buckets.snapshotChunk);
    const newcomer = await world.newcomer({ stateSync: true, store });
    watch.open = false;
    const run = newcomer.catchUp.run(world.chain.target);
    expect(await world.clock.runUntil(() => watch.held === 1, 60_000)).toBe(true);
    newcomer.stopped = true;
    watch.open = true;
    let settled = false;
    const settling = newcomer.catchUp.settled().then(() => {
      settled = true;
    });
    await world.clock.advance(1_000);
    expect(settled).toBe(false);
    watch.release();
    await settling;
    const { writes } = watch;
    await world.finish(run);
    expect(watch.writes).toBe(writes);
  });
});
