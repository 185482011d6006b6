import { Command, InvalidArgumentError } from "commander";
import { type Profile, profileNamed, profiles } from "./profiles.js";
import { type SimulationResult, simulate } from "./simulation.js";

interface RunOptions {
  readonly seeds: number;
  readonly firstSeed: number;
  readonly nodes: number;
  readonly profile?: Profile;
  readonly json?: boolean;
}

/** The simulator's command line. Returns the exit code: 1 when a seed failed. */
export async function runSimulator(args: readonly string[], print: (line: string) => void): Promise<number> {
  let failed = 0;
  const program = new Command("sim").description(
    "Runs the production consensus engine on a simulated clock, network and disk, one run per seed, and checks what must hold.",
  );
  program
    .command("run")
    .description("run seeds; the same seed gives the same trace digest")
    .option("--seeds <count>", "how many seeds", wholeNumber(1), 100)
    .option("--first-seed <seed>", "the first of them", wholeNumber(0), 0)
    .option("--nodes <count>", "validators", wholeNumber(1), 4)
    .option(
      "--profile <name>",
      `one of: ${profiles.map(({ name }) => name).join(", ")} (default: by seed)`,
      parseProfile,
    )
    .option("--json", "one JSON object a seed instead of the summary")
    .addHelpText(
      "after",
      `\nProfiles:\n${profiles.map(({ name, about }) => `  ${name.padEnd(12)}${about}`).join("\n")}`,
    )
    .action(async (options: RunOptions) => {
      failed = await runSeeds(options, print);
    });
  await program.parseAsync([...args], { from: "user" });
  return failed > 0 ? 1 : 0;
}

async function runSeeds(options: RunOptions, print: (line: string) => void): Promise<number> {
  const results: SimulationResult[] = [];
  for (let seed = options.firstSeed; seed < options.firstSeed + options.seeds; seed++) {
    const named = options.profile === undefined ? {} : { profile: options.profile };
    const result = await simulate({ seed, nodes: options.nodes, ...named });
    results.push(result);
    if (options.json) print(JSON.stringify(result));
    else if (result.violations.length > 0) for (const line of failureLines(result)) print(line);
  }
  const failed = results.filter(({ violations }) => violations.length > 0).length;
  if (!options.json) for (const line of summaryLines(results, failed)) print(line);
  return failed;
}

/** What a failing seed prints, the command that replays it included. */
export function failureLines({ seed, nodes, profile, violations }: SimulationResult): string[] {
  return [
    `seed ${seed} FAILED (${nodes} nodes, profile ${profile}):`,
    ...violations.map((violation) => `  ${violation}`),
    `  replay: pnpm sim run --seeds 1 --first-seed ${seed} --nodes ${nodes} --profile ${profile}`,
  ];
}

function summaryLines(results: readonly SimulationResult[], failed: number): string[] {
  const total = (of: (result: SimulationResult) => number): number =>
    results.reduce((sum, each) => sum + of(each), 0);
  const healing = results.flatMap(({ healedInMs }) => (healedInMs === undefined ? [] : [healedInMs]));
  healing.sort((left, right) => left - right);
  const lines = [
    `${results.length} seeds, ${failed} failed`,
    `  simulated       ${(total((each) => each.simulatedMs) / 1000).toFixed(0)} s, ${total((each) => each.messages)} messages`,
    `  final blocks    ${total((each) => each.height)} in ${total((each) => each.view)} views`,
    `  progress after healing: median ${healing[healing.length >> 1] ?? "none"} ms, longest ${healing.at(-1) ?? "none"} ms`,
    `  real BLS votes  ${results.filter(({ signatures }) => signatures === "bls").length} seeds (the others use a keyed-hash stand-in)`,
  ];
  if (results.length === 1) lines.push(`  trace digest    ${results[0]!.traceDigest}`);
  return lines;
}

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`Give a whole number of at least ${least}.`);
  };
}

function parseProfile(name: string): Profile {
  const profile = profileNamed(name);
  if (profile !== undefined) return profile;
  throw new InvalidArgumentError(`Give one of: ${profiles.map((each) => each.name).join(", ")}.`);
}
