import { ConsiliumError } from "@consilium/crypto";
import { queries } from "@consilium/ledger";
import { beforeAll, describe, expect, it } from "vitest";
import { TestChain } from "../../../ledger/test/support/chain.js";
import { requireFreshTip } from "../../src/committee/freshness.js";
import { LedgerChain } from "../support/ledger-chain.js";

let chain: LedgerChain;
let heartbeatMs: number;

beforeAll(async () => {
  const ledger = await TestChain.start();
  await ledger.block();
  chain = new LedgerChain(ledger);
  heartbeatMs = queries.chainInfo(ledger.state)!.heartbeatMs;
});

/** The refusal at a clock that lies some milliseconds after the tip. */
function refusalAfter(ms: number): ConsiliumError | undefined {
  try {
    requireFreshTip(chain, chain.finalized().timestampMs + ms);
    return undefined;
  } catch (error) {
    if (error instanceof ConsiliumError) return error;
    throw error;
  }
}

describe("a share", () => {
  it("is used while the finalized tip is less than three heartbeats old, and not a millisecond longer", () => {
    expect(refusalAfter(0)).toBeUndefined();
    expect(refusalAfter(3 * heartbeatMs - 1)).toBeUndefined();
    expect(refusalAfter(3 * heartbeatMs)?.code).toBe("TIP_STALE");
  });

  it("is used when blocks run a little ahead of the clock, as voters allow", () => {
    expect(refusalAfter(-2_000)).toBeUndefined();
    expect(refusalAfter(-3 * heartbeatMs)).toBeUndefined();
  });

  it("is not used by a node whose clock is so far behind that it cannot tell how old its tip is", () => {
    const refusal = refusalAfter(-3 * heartbeatMs - 1);
    expect(refusal?.code).toBe("CLOCK_WRONG");
    expect(refusal?.details).toEqual({ behindMs: 3 * heartbeatMs + 1, limitMs: 3 * heartbeatMs });
  });
});
