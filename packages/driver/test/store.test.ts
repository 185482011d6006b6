import { describe, expect, it } from "vitest";
import { prefixedStore } from "../src/index.js";
import { MemoryStore, storeContract } from "../src/testing/index.js";

describe("the store in memory", () => {
  for (const { title, run } of storeContract) it(title, () => run(new MemoryStore()));
});

describe("a store inside a store", () => {
  for (const { title, run } of storeContract.filter((each) => !each.title.includes("closed"))) {
    it(title, () => run(prefixedStore(new MemoryStore(), Uint8Array.of(1))));
  }

  it("does not see its neighbour's keys", async () => {
    const whole = new MemoryStore();
    const [left, right] = [prefixedStore(whole, Uint8Array.of(1)), prefixedStore(whole, Uint8Array.of(2))];
    await left.batch([{ key: Uint8Array.of(5), value: Uint8Array.of(9) }]);
    expect(right.get(Uint8Array.of(5))).toBeUndefined();
    expect(whole.get(Uint8Array.of(1, 5))).toEqual(Uint8Array.of(9));
  });
});
