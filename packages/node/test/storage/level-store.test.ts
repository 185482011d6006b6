import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConsiliumError, codeOf } from "@consilium/crypto";
import { storeContract } from "@consilium/driver/testing";
import { Level } from "level";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLevelStore } from "../../src/storage/index.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "consilium-level-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the store on LevelDB", () => {
  for (const { title, run } of storeContract) {
    it(title, async () => {
      const store = await openLevelStore(folder);
      try {
        await run(store);
      } finally {
        await store.close();
      }
    });
  }

  it("reads after reopening what was written before", async () => {
    const first = await openLevelStore(folder);
    await first.batch([{ key: Uint8Array.of(1), value: Uint8Array.of(2) }], { sync: true });
    await first.close();
    const second = await openLevelStore(folder);
    expect(second.get(Uint8Array.of(1))).toEqual(Uint8Array.of(2));
    await second.close();
  });

  it("gives back an empty value, by its key and in a range", async () => {
    const store = await openLevelStore(folder);
    const key = Uint8Array.of(1, 7, 9);
    await store.batch([{ key, value: new Uint8Array() }]);
    expect(store.get(key)).toEqual(new Uint8Array());
    const found: (readonly [Uint8Array, Uint8Array])[] = [];
    for await (const each of store.range({ from: Uint8Array.of(0), to: Uint8Array.of(9) })) found.push(each);
    expect(found).toEqual([[key, new Uint8Array()]]);
    await store.close();
  });

  it("names the key prefix of a value whose bytes rotted, and goes on serving the others", async () => {
    const first = await openLevelStore(folder);
    await first.batch([
      { key: Uint8Array.of(1, 7, 9), value: Uint8Array.of(2) },
      { key: Uint8Array.of(1, 8, 9), value: Uint8Array.of(3) },
    ]);
    await first.close();
    const raw = new Level<Uint8Array, Uint8Array>(folder, { keyEncoding: "view", valueEncoding: "view" });
    const stored = Uint8Array.from(await raw.get(Uint8Array.of(1, 7, 9)));
    stored[stored.length - 1] = 0xff;
    await raw.put(Uint8Array.of(1, 7, 9), stored);
    await raw.close();

    const store = await openLevelStore(folder);
    const thrown = await attempt(() => store.get(Uint8Array.of(1, 7, 9)));
    expect(thrown.code).toBe("STORE_CORRUPT");
    expect(thrown.details).toMatchObject({ keyPrefix: "0107" });
    expect(store.get(Uint8Array.of(1, 8, 9))).toEqual(Uint8Array.of(3));
    const walked = await walk(store.range({ from: Uint8Array.of(0), to: Uint8Array.of(9) })).catch(codeOf);
    expect(walked).toBe("STORE_CORRUPT");
    await store.close();
  });

  it("refuses a folder that is open elsewhere", async () => {
    const store = await openLevelStore(folder);
    expect(await openLevelStore(folder).then(() => "opened", codeOf)).toBe("DATA_FOLDER_IN_USE");
    await store.close();
  });
});

async function attempt(action: () => unknown): Promise<ConsiliumError> {
  try {
    action();
  } catch (error) {
    return error as ConsiliumError;
  }
  throw new Error("nothing was thrown");
}

async function walk(range: AsyncIterable<unknown>): Promise<string> {
  for await (const _ of range) void _;
  return "walked";
}
