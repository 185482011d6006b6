import { InvalidArgumentError } from "commander";
import { profileNamed } from "../profiles.js";
import type { Scenario } from "../scenario.js";

/** Options that say which scenarios run. */
export interface SeedOptions {
  readonly seeds: number;
  readonly firstSeed: number;
  readonly nodes: number;
  readonly profile?: string;
  readonly drop?: readonly number[];
  readonly roughMs?: number;
  readonly totalMs?: number;
}

export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`Give a whole number of at least ${least}.`);
  };
}

export function parseProfile(name: string): string {
  if (profileNamed(name) !== undefined) return name;
  throw new InvalidArgumentError(`There is no profile ${name}; --help lists them.`);
}

/** Places in the fault plan, as in 0,3,7. */
export function parsePlaces(text: string): number[] {
  const places = text.split(",").map(Number);
  if (places.every((place) => Number.isSafeInteger(place) && place >= 0)) return places;
  throw new InvalidArgumentError("Give places of the fault plan, as in 0,3,7.");
}

/** The scenarios of a run, in order. */
export function scenariosOf(options: SeedOptions): Scenario[] {
  const { seeds, firstSeed, nodes, profile, drop, roughMs, totalMs } = options;
  const more = {
    ...(profile === undefined ? {} : { profile }),
    ...(drop === undefined ? {} : { drop }),
    ...(roughMs === undefined ? {} : { roughMs }),
    ...(totalMs === undefined ? {} : { totalMs }),
  };
  return Array.from({ length: seeds }, (_, place) => ({ seed: firstSeed + place, nodes, ...more }));
}

/** The one command that runs a scenario again. */
export function replayCommand(scenario: Scenario, profile: string): string {
  const { seed, nodes, drop, roughMs, totalMs } = scenario;
  const parts = [`pnpm sim run --seeds 1 --first-seed ${seed} --nodes ${nodes} --profile ${profile}`];
  if (drop !== undefined && drop.length > 0) parts.push(`--drop ${drop.join(",")}`);
  if (roughMs !== undefined) parts.push(`--rough-ms ${roughMs}`);
  if (totalMs !== undefined) parts.push(`--total-ms ${totalMs}`);
  return parts.join(" ");
}
