import { describe, expect, it } from "vitest";
import { failureLines, runSimulator } from "../src/cli.js";
import { profileNamed, profiles } from "../src/profiles.js";
import { type SimulationResult, simulate } from "../src/simulation.js";

const FIRST_SEED = 1;
const SEEDS_EACH = 101;

/** Nothing but seed and size is given, or the command line could not replay a failure. */
const runSeed = (seed: number, nodes: number): Promise<SimulationResult> => simulate({ seed, nodes });

/** Every profile in turn; seed 100 signs with real BLS. */
async function failuresOf(nodes: number): Promise<string[]> {
  const failures: string[] = [];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS_EACH; seed++) {
    const result = await runSeed(seed, nodes);
    if (result.violations.length > 0) failures.push(...failureLines(result));
  }
  return failures;
}

/** What the command line says of one run. */
async function printedBy(args: readonly string[]): Promise<SimulationResult> {
  const lines: string[] = [];
  await runSimulator([...args, "--json"], (line) => lines.push(line));
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0]!);
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
      const result = await simulate({ seed: 5, nodes: 1, profile });
      expect(result.violations.length === 0 ? [] : failureLines(result)).toEqual([]);
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
  for (const nodes of [4, 7]) {
    it(`runs a seed of this file again from the command line, with ${nodes} validators`, async () => {
      for (let seed = FIRST_SEED; seed < FIRST_SEED + profiles.length; seed++) {
        const tested = await runSeed(seed, nodes);
        const args = ["run", "--seeds", "1", "--first-seed", `${seed}`, "--nodes", `${nodes}`];
        const replayed = await printedBy(args);
        expect(replayed.profile).toBe(tested.profile);
        expect(replayed.traceDigest).toBe(tested.traceDigest);
      }
    });
  }

  it("prints, with a failure, a command that runs that seed again", async () => {
    const tested = await runSeed(8, 7);
    const command = failureLines(tested).at(-1)!.split("pnpm sim ")[1]!;
    expect((await printedBy(command.split(" "))).traceDigest).toBe(tested.traceDigest);
  });

  it("gives the same trace digest for the same seed, whatever ran in between", async () => {
    const chaos = profileNamed("chaos")!;
    const first = await simulate({ seed: 42, nodes: 4, profile: chaos });
    const other = await simulate({ seed: 43, nodes: 4, profile: chaos });
    const again = await simulate({ seed: 42, nodes: 4, profile: chaos });
    expect(again).toEqual(first);
    expect(other.traceDigest).not.toBe(first.traceDigest);
  });
});
