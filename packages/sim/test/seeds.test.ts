import { describe, expect, it } from "vitest";
import { failureLines, storedResult } from "../src/cli/report.js";
import { profiles } from "../src/profiles.js";
import { seededRandom } from "../src/random.js";
import { planOf, type Scenario } from "../src/scenario.js";
import { type SimulationResult, simulate } from "../src/simulation.js";

/** Short seeds, three of each profile and most with four validators. Whole ones run as a step of their own in CI. */
const FIRST_SEED = 1;
const SEEDS = 3 * profiles.length;
const SHORT = { roughMs: 4_000, totalMs: 5_000 };
const SEVEN_EVERY = 5;

const scenarioOf = (seed: number): Scenario => ({
  seed,
  nodes: seed % SEVEN_EVERY === 0 ? 7 : 4,
  profile: profiles[seed % profiles.length]!.name,
  ...SHORT,
});

const failed = (result: SimulationResult): string[] =>
  result.violations.length === 0 ? [] : failureLines(storedResult(result), undefined);

describe("seeds", () => {
  it("keeps every invariant over three short seeds of each profile", async () => {
    const failures: string[] = [];
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      failures.push(...failed(await simulate(scenarioOf(seed))));
    }
    expect(failures).toEqual([]);
  }, 600_000);

  it("crosses epochs, and elects, under a full minute of load", async () => {
    const result = await simulate({ seed: 1, nodes: 4, profile: "calm" });
    expect(failed(result)).toEqual([]);
    expect(result.epoch).toBeGreaterThan(3);
    expect(result.transactions).toBeGreaterThan(50);
  });

  it("signs every hundredth seed with real BLS", async () => {
    const result = await simulate({
      seed: 100,
      nodes: 4,
      profile: "country",
      roughMs: 4_000,
      totalMs: 5_000,
    });
    expect(result.signatures).toBe("bls");
    expect(failed(result)).toEqual([]);
  });

  it("convicts a validator that votes twice", async () => {
    let convicted = 0;
    for (let seed = 1; seed <= 40 && convicted === 0; seed++) {
      const { actors } = planOf({ seed, nodes: 4, profile: "byzantine" });
      if (!actors.actors.some(([, actor]) => actor.name === "double-voter")) continue;
      const result = await simulate({
        seed,
        nodes: 4,
        profile: "byzantine",
        roughMs: 20_000,
        totalMs: 25_000,
      });
      expect(failed(result)).toEqual([]);
      convicted += result.convicted;
    }
    expect(convicted).toBeGreaterThan(0);
  });
});

describe("churn", () => {
  it("admits members while the chain works, and they finalize with the others", async () => {
    let joined = 0;
    for (const seed of [1, 2, 3]) {
      const result = await simulate({ seed, nodes: 4, profile: "churn" });
      expect(failed(result)).toEqual([]);
      joined += result.joined;
    }
    expect(joined).toBeGreaterThan(2);
  });
});

describe("replay", () => {
  it("gives the same trace digest for the same seed, whatever ran in between", async () => {
    const chaos = { nodes: 4, profile: "chaos", ...SHORT };
    const first = await simulate({ seed: 42, ...chaos });
    const other = await simulate({ seed: 43, ...chaos });
    const again = await simulate({ seed: 42, ...chaos });
    expect(again).toEqual(first);
    expect(other.traceDigest).not.toBe(first.traceDigest);
  });

  it("runs on when a fault is left out, and plans the others as before", async () => {
    const scenario = { seed: 7, nodes: 4, profile: "partitions", ...SHORT };
    const { faults } = planOf(scenario);
    const result = await simulate({ ...scenario, drop: [0] });
    expect(result.faults).toEqual(faults.slice(1));
  });

  it("draws the same numbers on every platform", () => {
    const random = seededRandom("known");
    const drawn = [random.between(0, 999), random.between(0, 999), Math.round(random.logNormal(100, 0.5))];
    expect(drawn).toEqual([584, 810, 65]);
  });
});
