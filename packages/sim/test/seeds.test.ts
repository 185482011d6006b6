import { describe, expect, it } from "vitest";
import { profileNamed, profileOfSeed, profiles } from "../src/profiles.js";
import { simulate } from "../src/simulation.js";

const FIRST_SEED = 1;
const SEEDS_EACH = 101;

/** Every profile in turn; seed 100 signs with real BLS. */
async function failuresOf(nodes: number): Promise<string[]> {
  const failures: string[] = [];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS_EACH; seed++) {
    // Larger sets cost more per simulated second, so their rough time is shorter.
    const result = await simulate({
      seed,
      nodes,
      profile: profileOfSeed(seed),
      roughMs: nodes > 4 ? 5_000 : 6_000,
    });
    for (const violation of result.violations)
      failures.push(`seed ${seed} (${result.profile}): ${violation}`);
  }
  return failures;
}

describe("seeds", () => {
  it("keeps every rule over 101 seeds with four validators", async () => {
    expect(await failuresOf(4)).toEqual([]);
  }, 400_000);

  it("keeps every rule over 101 seeds with seven validators", async () => {
    expect(await failuresOf(7)).toEqual([]);
  }, 400_000);

  it("runs a chain of one validator through the same code", async () => {
    for (const profile of profiles) {
      const result = await simulate({ seed: 5, nodes: 1, profile, roughMs: 4_000 });
      expect(result.violations).toEqual([]);
      expect(result.height).toBeGreaterThan(2);
    }
  });

  it("signs one seed in a hundred with real BLS", async () => {
    const result = await simulate({ seed: 100, nodes: 4, profile: profileNamed("lossy")!, roughMs: 2_000 });
    expect(result.signatures).toBe("bls");
    expect(result.violations).toEqual([]);
  });

  it("reaches block sync, fetches, rebroadcasts and crashes, so that they are tried at all", async () => {
    const ran = new Map<string, number>();
    for (const name of ["absence", "chaos", "byzantine"]) {
      const result = await simulate({ seed: 4, nodes: 7, profile: profileNamed(name)! });
      for (const [what, count] of Object.entries(result.ran)) ran.set(what, (ran.get(what) ?? 0) + count);
    }
    for (const what of ["startSync", "fetch", "send", "forwardWork", "crash", "reportFault"]) {
      expect(ran.get(what) ?? 0, what).toBeGreaterThan(0);
    }
  });
});

describe("replay", () => {
  it("gives the same trace digest for the same seed, whatever ran in between", async () => {
    const chaos = profileNamed("chaos")!;
    const first = await simulate({ seed: 42, nodes: 4, profile: chaos });
    const other = await simulate({ seed: 43, nodes: 4, profile: chaos });
    const again = await simulate({ seed: 42, nodes: 4, profile: chaos });
    expect(again).toEqual(first);
    expect(other.traceDigest).not.toBe(first.traceDigest);
  });
});
