import { describe, expect, it } from "vitest";
import { simulate } from "../src/simulation.js";

describe("seeds", () => {
  it("runs four production drivers to finality", async () => {
    const result = await simulate({ seed: 1, nodes: 4, profile: "calm" });
    expect(result.violations).toEqual([]);
    expect(result.height).toBeGreaterThan(20);
  });

  it("gives the same trace digest for the same seed, whatever ran in between", async () => {
    const first = await simulate({ seed: 42, nodes: 4, profile: "lossy" });
    const other = await simulate({ seed: 43, nodes: 4, profile: "lossy" });
    const again = await simulate({ seed: 42, nodes: 4, profile: "lossy" });
    expect(again).toEqual(first);
    expect(other.traceDigest).not.toBe(first.traceDigest);
  });
});
