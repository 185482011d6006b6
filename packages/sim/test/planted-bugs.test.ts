import { canSign } from "@consilium/consensus";
import { describe, expect, it } from "vitest";
import { type SafetyRules, safetyRules } from "../src/node-parts.js";
import { profileNamed } from "../src/profiles.js";
import { type SimulationOptions, simulate } from "../src/simulation.js";

/** Findings over seeds of the profile that loses most: every node is killed at once. */
async function findings(planted: Partial<SimulationOptions>): Promise<string[]> {
  const found: string[] = [];
  for (let seed = 1; seed <= 25; seed++) {
    const result = await simulate({
      seed,
      nodes: 4,
      profile: profileNamed("blackout")!,
      ...planted,
      roughMs: 6_000,
    });
    found.push(...result.violations);
  }
  return found;
}

describe("planted bugs", () => {
  it("finds nothing with the real safety record", async () => {
    expect(await findings({ rules: safetyRules })).toEqual([]);
  });

  it("catches a safety record that forgets what was signed", async () => {
    const forgetful: SafetyRules = { canSign, recordVote: (record) => record };
    const found = await findings({ rules: forgetful });
    expect(found.some((each) => /two votes of kind|notarize after nullify|after finalize/.test(each))).toBe(
      true,
    );
  });

  it("catches a disk that says synced before it is", async () => {
    expect(await findings({ diskLieMs: 300 })).not.toEqual([]);
  });
});
