import { faultBound } from "@consilium/protocol";
import { type ActorPlan, chooseActors } from "./byzantine/index.js";
import { type Profile, profileNamed, profileOfSeed } from "./profiles.js";
import { type SeededRandom, seededRandom } from "./random.js";
import { type FaultEvent, planFaults } from "./world/fault-plan.js";

/** What is run: everything else follows from these. */
export interface Scenario {
  readonly seed: number;
  /** Validator seats, each with a founder. */
  readonly nodes: number;
  /** By the seed when absent. */
  readonly profile?: string;
  /** Planned faults that are left out, by their place in the plan. */
  readonly drop?: readonly number[];
  /** How long things go wrong. */
  readonly roughMs?: number;
  /** The whole run, healing included. */
  readonly totalMs?: number;
  readonly keepTrace?: boolean;
}

/** The one default for tests and command line alike: a seed that failed in one must fail in the other. */
export const ROUGH_MS = 36_000;
export const TOTAL_MS = 60_000;

/** A scenario with everything that its seed draws before time starts. */
export interface Plan {
  readonly profile: Profile;
  readonly random: SeededRandom;
  readonly actors: ActorPlan;
  /** All faults in order of time, those that the scenario leaves out included. */
  readonly faults: readonly FaultEvent[];
  readonly roughMs: number;
  readonly totalMs: number;
}

/** Throws RangeError for a profile that does not exist. */
export function planOf(scenario: Scenario): Plan {
  const profile =
    scenario.profile === undefined ? profileOfSeed(scenario.seed) : profileNamed(scenario.profile);
  if (profile === undefined) throw new RangeError(`There is no profile ${scenario.profile}.`);
  const random = seededRandom(`${scenario.seed}/${scenario.nodes}/${profile.name}`);
  const actors = chooseActors(profile, scenario.nodes, random.fork("actors"));
  const { roughMs = ROUGH_MS, totalMs = TOTAL_MS } = scenario;
  const shape = {
    machines: scenario.nodes + actors.twinsOf.length,
    faultBound: faultBound(scenario.nodes),
    actors: new Set([...actors.actors.map(([machine]) => machine), ...actors.twinsOf]),
    roughMs,
  };
  const faults = planFaults(profile, shape, random.fork("faults"));
  return { profile, random, actors, faults, roughMs, totalMs };
}
