import type { StoredResult } from "../cli/report.js";
import { planOf, type Scenario } from "../scenario.js";
import type { Mutant } from "./catalogue.js";
import { locate } from "./source.js";
import { MutantWorker, type SeedOutcome } from "./worker.js";

export interface MutantRunOptions {
  readonly firstSeed: number;
  readonly seeds: number;
  readonly onSeed?: (mutant: Mutant, tried: number) => void;
}

/** A row of the table. */
export interface MutantReport {
  readonly mutant: string;
  readonly about: string;
  /** `file:line` of each edit. */
  readonly places: readonly string[];
  /** Undefined when no seed showed it. */
  readonly caught:
    | {
        /** Seeds tried until then, this one and those without the actor included. */
        readonly seeds: number;
        readonly seed: number;
        readonly invariant: string;
        readonly sentence: string;
        /** Whether the same seed passes on the code as it is. */
        readonly cleanWithout: boolean;
      }
    | undefined;
  readonly seedsTried: number;
  readonly seedsRun: number;
  readonly replay: string;
}

/** Tries seeds until one violates an invariant, then runs that seed on the code as it is: there it must pass. */
export async function runMutant(mutant: Mutant, options: MutantRunOptions): Promise<MutantReport> {
  const { edits, places } = locate(mutant);
  const worker = new MutantWorker(edits);
  const { name, about } = mutant;
  let [tried, ran] = [0, 0];
  try {
    for (; tried < options.seeds; tried++) {
      const scenario = scenarioOf(mutant, options.firstSeed + tried);
      options.onSeed?.(mutant, tried);
      if (!concerns(mutant, scenario)) continue;
      ran += 1;
      const found = findingOf(await worker.run(scenario));
      if (found === undefined) continue;
      const { seed } = scenario;
      const cleanWithout = await passesUnchanged(scenario);
      const caught = { seeds: tried + 1, seed, ...found, cleanWithout };
      return {
        mutant: name,
        about,
        places,
        caught,
        seedsTried: tried + 1,
        seedsRun: ran,
        replay: replayOf(mutant, seed),
      };
    }
  } finally {
    await worker.stop();
  }
  const replay = replayOf(mutant, options.firstSeed);
  return { mutant: name, about, places, caught: undefined, seedsTried: tried, seedsRun: ran, replay };
}

export const scenarioOf = ({ nodes, profile }: Mutant, seed: number): Scenario => ({ seed, nodes, profile });

/** Whether the actor that the mutant waits for is at work in this seed. */
function concerns({ actor }: Mutant, scenario: Scenario): boolean {
  return actor === undefined || planOf(scenario).actors.actors.some(([, { name }]) => name === actor);
}

function findingOf(outcome: SeedOutcome): { invariant: string; sentence: string } | undefined {
  if ("died" in outcome) return { invariant: "running", sentence: `the process ended: ${outcome.died}` };
  return firstViolation(outcome);
}

const firstViolation = ({ violations }: StoredResult) => violations[0];

async function passesUnchanged(scenario: Scenario): Promise<boolean> {
  const worker = new MutantWorker([]);
  try {
    return findingOf(await worker.run(scenario)) === undefined;
  } finally {
    await worker.stop();
  }
}

const replayOf = ({ name }: Mutant, seed: number): string =>
  `pnpm sim mutants --only ${name} --first-seed ${seed} --seeds 1`;
