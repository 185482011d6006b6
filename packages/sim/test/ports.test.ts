import { storeContract } from "@consilium/driver/testing";
import { describe, expect, it } from "vitest";
import { SimulatedDisk } from "../src/ports/disk.js";
import { EventQueue } from "../src/ports/event-queue.js";
import { Processor } from "../src/ports/node-clock.js";
import { seededRandom } from "../src/random.js";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

function makeDisk(torn = false) {
  const queue = new EventQueue();
  const quality = { syncMs: [5, 5] as const, torn, lieMs: 0 };
  const disk = new SimulatedDisk(queue, seededRandom(1), quality);
  const processor = new Processor(queue);
  return { queue, disk, open: () => disk.open({ alive: true }, processor) };
}

describe("event queue", () => {
  it("settles all promises of a moment before time goes on", async () => {
    const queue = new EventQueue();
    const seen: string[] = [];
    queue.at(1, () => {
      const wait = async (): Promise<void> => {
        for (let step = 0; step < 1_000; step++) await null;
        seen.push(`settled at ${queue.nowMs}`);
      };
      void wait();
    });
    queue.at(2, () => seen.push("next"));
    await queue.runUntil(10);
    expect(seen).toEqual(["settled at 1", "next"]);
  });

  it("runs events in the order of time, then of scheduling, and none that was cancelled", async () => {
    const queue = new EventQueue();
    const seen: number[] = [];
    const random = seededRandom("heap");
    for (let count = 0; count < 200; count++) {
      const atMs = random.between(0, 50);
      queue.at(atMs, () => seen.push(atMs));
    }
    queue.at(25, () => seen.push(-1)).cancel();
    await queue.runUntil(50);
    expect(seen).toHaveLength(200);
    expect(seen).toEqual([...seen].sort((left, right) => left - right));
  });
});

describe("simulated disk", () => {
  it.each(storeContract.map((each) => [each.title, each] as const))("%s", async (_title, contract) => {
    const { queue, open } = makeDisk();
    const run = contract.run(open());
    await queue.runUntil(1_000);
    await run;
  });

  it("keeps through a crash what was synced, and of the rest only whole batches from the front", async () => {
    for (let seed = 0; seed < 30; seed++) {
      const queue = new EventQueue();
      const disk = new SimulatedDisk(queue, seededRandom(seed), { syncMs: [1, 1], torn: false, lieMs: 0 });
      const store = disk.open({ alive: true }, new Processor(queue));
      const written = store.batch([{ key: bytes(1), value: bytes(1) }], { sync: true });
      await queue.runUntil(10);
      await written;
      await store.batch([{ key: bytes(2), value: bytes(2) }]);
      await store.batch([
        { key: bytes(3), value: bytes(3) },
        { key: bytes(1), value: undefined },
      ]);
      disk.crash();
      const [first, second, third] = [1, 2, 3].map((name) => disk.read(bytes(name)) !== undefined);
      expect(first).toBe(!third);
      if (third) expect(second).toBe(true);
    }
  });

  it("loses a batch whose sync did not end before the crash, at least sometimes", async () => {
    const survived = new Set<boolean>();
    for (let seed = 0; seed < 20; seed++) {
      const queue = new EventQueue();
      const disk = new SimulatedDisk(queue, seededRandom(seed), { syncMs: [5, 5], torn: false, lieMs: 0 });
      void disk
        .open({ alive: true }, new Processor(queue))
        .batch([{ key: bytes(1), value: bytes(1) }], { sync: true });
      await queue.runUntil(3);
      disk.crash();
      survived.add(disk.read(bytes(1)) !== undefined);
    }
    expect([...survived].sort()).toEqual([false, true]);
  });
});
