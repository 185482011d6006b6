import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { profiles } from "../profiles.js";
import { simulate } from "../simulation.js";
import { describeFault } from "../world/faults.js";
import { bench } from "./bench.js";
import { addLabCommands } from "./lab.js";
import {
  parsePlaces,
  parseProfile,
  replayCommand,
  type SeedOptions,
  scenariosOf,
  wholeNumber,
} from "./options.js";
import { Progress } from "./progress.js";
import { commitOf, failureLines, type StoredResult, storedResult, summaryLines } from "./report.js";
import { ResultsFile } from "./results-file.js";
import { shrink } from "./shrink.js";
import { runScenarios } from "./workers.js";

type Print = (line: string) => void;

interface RunOptions extends SeedOptions {
  readonly json?: boolean;
  readonly append?: string;
  readonly jobs: number;
  readonly trace?: string;
}

/** The simulator's command line. Returns the exit code: 1 when a seed failed. */
export async function runSimulator(args: readonly string[], print: Print): Promise<number> {
  let code = 0;
  const program = new Command("sim").description(
    "Runs whole nodes - production driver, engine, mempool, sync and ledger - on a simulated clock, network and disk, one alliance a seed, and checks what must hold.",
  );
  addSeedOptions(program.command("run").description("run seeds; the same seed gives the same trace digest"))
    .option("--seeds <count>", "how many seeds", wholeNumber(1), 100)
    .option("--first-seed <seed>", "the first of them", wholeNumber(0), 0)
    .option("--json", "one JSON object a seed instead of the summary")
    .option("--append <file>", "add each result to this file as a JSON line, and skip those it holds")
    .option("--jobs <count>", "processes that run seeds side by side", wholeNumber(1), 1)
    .option("--trace <file>", "write what happened in the (only) seed as text")
    .addHelpText("after", `\nProfiles:\n${profileLines().join("\n")}`)
    .action(async (options: RunOptions) => {
      code = (await runSeeds(options, print)) > 0 ? 1 : 0;
    });
  addSeedOptions(program.command("shrink").description("make a failing seed's scenario as small as it goes"))
    .requiredOption("--seed <seed>", "the failing seed", wholeNumber(0))
    .action(async (options: SeedOptions & { readonly seed: number }) => {
      code = await shrinkSeed(options, print);
    });
  program
    .command("bench")
    .description("print simulated seconds per real second and core")
    .option("--nodes <count>", "validators", wholeNumber(1), 7)
    .option("--seeds <count>", "seeds of each profile", wholeNumber(1), 1)
    .action(async (options: { readonly nodes: number; readonly seeds: number }) => bench(options, print));
  addLabCommands(program, print, (labCode) => {
    code = labCode;
  });
  await program.parseAsync([...args], { from: "user" });
  return code;
}

function addSeedOptions(command: Command): Command {
  return command
    .option("--nodes <count>", "validators", wholeNumber(1), 4)
    .option("--profile <name>", "what goes wrong (default: by seed)", parseProfile)
    .option("--drop <places>", "leave these faults of the plan out", parsePlaces)
    .option("--rough-ms <duration>", "how long things go wrong", wholeNumber(4_000))
    .option("--total-ms <duration>", "the whole run", wholeNumber(1));
}

const profileLines = (): string[] => profiles.map(({ name, about }) => `  ${name.padEnd(16)}${about}`);

async function runSeeds(options: RunOptions, print: Print): Promise<number> {
  const scenarios = scenariosOf(options);
  if (options.trace !== undefined) return traceSeed(options, print);
  const file = new ResultsFile(options.append);
  const commit = commitOf();
  const results: StoredResult[] = [];
  const progress = new Progress(scenarios.length);
  const take = (result: StoredResult): void => {
    results.push(result);
    const failed = result.violations.length > 0;
    if (options.json) print(JSON.stringify({ ...result, commit }));
    else if (failed) for (const line of failureLines(result, commit)) print(line);
    progress.step(failed);
  };
  const left = scenarios.filter((scenario) => {
    const known = file.resultOf(scenario);
    if (known !== undefined) take(known);
    return known === undefined;
  });
  await runScenarios(left, options.jobs, (result) => {
    file.append(result);
    take(result);
  });
  progress.end();
  const failed = results.filter(({ violations }) => violations.length > 0).length;
  if (!options.json)
    for (const line of [...headLines(results, failed), ...summaryLines(results)]) print(line);
  return failed;
}

function headLines(results: readonly StoredResult[], failed: number): string[] {
  const lines = [`${results.length} seeds, ${failed} failed`];
  if (results.length === 1) lines.push(`trace digest ${results[0]!.traceDigest}`);
  return lines;
}

async function traceSeed(options: RunOptions, print: Print): Promise<number> {
  const [scenario] = scenariosOf({ ...options, seeds: 1 });
  const result = await simulate({ ...scenario!, keepTrace: true });
  writeFileSync(options.trace!, result.traceLines.join(""));
  print(`${result.traceLines.length} lines written to ${options.trace}, trace digest ${result.traceDigest}`);
  if (result.violations.length === 0) return 0;
  for (const line of failureLines(storedResult(result), commitOf())) print(line);
  return 1;
}

async function shrinkSeed(options: SeedOptions & { readonly seed: number }, print: Print): Promise<number> {
  const [scenario] = scenariosOf({ ...options, seeds: 1, firstSeed: options.seed });
  const shrunk = await shrink(scenario!, print);
  if (shrunk === undefined) {
    print(`seed ${options.seed} does not fail`);
    return 0;
  }
  const { result, runs } = shrunk;
  print(`smallest failing scenario after ${runs} runs:`);
  for (const event of result.faults) print(`  ${event.atMs} ms ${describeFault(event)}`);
  for (const line of failureLines(storedResult(result), commitOf())) print(line);
  print(`trace:  ${replayCommand(shrunk.scenario, result.profile)} --trace trace.txt`);
  return 1;
}
