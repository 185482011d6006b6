import { hasher, setHasher } from "@chainsafe/persistent-merkle-tree";
import { afterAll, describe, expect, it } from "vitest";
import { BlockPayload, installFastTreeHasher, TransactionBatch } from "../src/index.js";

const portable = hasher;
afterAll(() => setHasher(portable));

/** Payloads of many shapes: empty, one short transaction, lengths around chunk and batch sizes. */
const payloads = [0, 1, 3, 4, 5, 17, 64].map((count) => ({
  transactions: Array.from({ length: count }, (_, index) => new Uint8Array(1 + 31 * index).fill(index)),
  facts: [],
}));
const batches = payloads.map(({ transactions }) => ({ transactions }));

describe("the fast tree hasher", () => {
  it("gives the portable one's roots", async () => {
    const roots = () => [
      ...payloads.map((payload) => BlockPayload.hashTreeRoot(payload)),
      ...batches.map((batch) => TransactionBatch.hashTreeRoot(batch)),
    ];
    const before = roots();
    await installFastTreeHasher();
    expect(roots()).toEqual(before);
  });
});
