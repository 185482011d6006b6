import { describe, expect, it } from "vitest";
import { TestChain } from "./harness.js";

const LIMIT_MS = 60_000;

describe("four drivers", () => {
  it("finalize a transaction on every node with the same state root", async () => {
    const chain = await TestChain.create(4);
    const drivers = await chain.startAll();
    const submitted = await drivers[0]!.submit(chain.transaction(1, 0));
    expect(submitted).toMatchObject({ accepted: true, code: "OK" });
    const id = submitted.id!;
    const everywhere = () => drivers.every((driver) => driver.transactionResult(id)?.code === "OK");
    expect(await chain.clock.runUntil(everywhere, LIMIT_MS)).toBe(true);
    const [first, ...others] = drivers.map((driver) => driver.finalized());
    for (const other of others) expect(other.stateRoot).toEqual(first!.stateRoot);
  });
});
