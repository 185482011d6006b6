import { writeFileSync } from "node:fs";
import { codeOf } from "@consilium/crypto";
import { Command, CommanderError } from "commander";
import { loadManifest } from "../manifest/load.js";
import { manifestText, randomManifest } from "../manifest/random.js";
import type { Manifest } from "../manifest/schema.js";
import { ExitCode, type RunFlags, run } from "./run-command.js";

interface DrawFlags {
  readonly seed: number;
  readonly minutes: number;
  readonly validators?: number;
  readonly fullNodes?: number;
}

const EXAMPLES = `
Examples:
  $ pnpm e2e run.yml
  $ pnpm e2e generate --seed 7 --minutes 2 --out run.yml
  $ pnpm e2e run-random --seed 7 --minutes 10 --keep logs
  $ pnpm e2e run.yml --netns

Exit codes: 0 everything held; 1 a check failed or the run could not be made; 2 wrong usage or manifest; 130 interrupted.
docs/e2e.md explains manifests and checks.`;

/** Runs one command line of `pnpm e2e`; returns the exit code. */
export async function runCommand(args: readonly string[]): Promise<number> {
  let exitCode: number = ExitCode.ok;
  const act = (work: () => Promise<number> | number) => async () => {
    try {
      exitCode = await work();
    } catch (error) {
      exitCode = printError(error, args.includes("--json"));
    }
  };
  try {
    await buildProgram(args, act).parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  }
  return exitCode;
}

type Act = (work: () => Promise<number> | number) => () => Promise<void>;

function buildProgram(args: readonly string[], act: Act): Command {
  const program = new Command("e2e")
    .description(
      "Runs real nodes over real TCP from a manifest, perturbs them, and checks that nothing final is lost.",
    )
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("(add --help for the options)")
    .exitOverride()
    .enablePositionalOptions();
  const runIt = withRunFlags(program.argument("[manifest]", "the run as YAML"));
  runIt.action((file: string | undefined, flags: RunFlags) =>
    act(() => {
      if (file === undefined) program.error("error: name a manifest, or use generate or run-random");
      return run(loadManifest(file!), flags, args);
    })(),
  );
  const generate = withDrawFlags(program.command("generate").description("draws a manifest from a seed"));
  generate
    .option("--out <file>", "file to write; standard output when left out")
    .action((flags: DrawFlags & { out?: string }) =>
      act(() => {
        const text = manifestText(drawn(flags));
        if (flags.out === undefined) process.stdout.write(text);
        else writeFileSync(flags.out, text);
        return ExitCode.ok;
      })(),
    );
  const random = withDrawFlags(
    program.command("run-random").description("draws a manifest from a seed and runs it"),
  );
  withRunFlags(random).action((flags: DrawFlags & RunFlags) => act(() => run(drawn(flags), flags, args))());
  return program;
}

const withDrawFlags = (command: Command): Command =>
  command
    .requiredOption(
      "--seed <n>",
      "what everything is drawn from; the same seed gives the same run",
      wholeNumber,
    )
    .option("--minutes <n>", "how long load and perturbations last", positive, 10)
    .option("--validators <n>", "instead of a drawn number", wholeNumber)
    .option("--full-nodes <n>", "instead of a drawn number", wholeNumber);

const withRunFlags = (command: Command): Command =>
  command
    .option("--json", "print the report as one JSON object; progress goes to standard error")
    .option(
      "--keep <folder>",
      "leave genesis, data and logs of all nodes there; removed when left out and all held",
    )
    .option("--plan", "print the plan of perturbations and run nothing")
    .option("--netns", "give each node a network namespace of its own (Linux, needs root)");

const drawn = ({ seed, minutes, validators, fullNodes }: DrawFlags): Manifest =>
  randomManifest({
    seed,
    durationSeconds: Math.round(minutes * 60),
    ...(validators === undefined ? {} : { validators }),
    ...(fullNodes === undefined ? {} : { fullNodes }),
  });

function printError(error: unknown, asJson: boolean): number {
  if (error instanceof CommanderError) throw error;
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (asJson) process.stdout.write(`${JSON.stringify({ error: { code, message } }, undefined, 2)}\n`);
  else process.stderr.write(`${code}: ${message}\n`);
  return code.startsWith("MANIFEST_") || code === "USAGE" ? ExitCode.usage : ExitCode.failed;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new CommanderError(2, "e2e.number", `error: "${text}" is not a whole number`);
}

function positive(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 360) return value;
  throw new CommanderError(2, "e2e.minutes", `error: "${text}" is not a number of minutes up to 360`);
}
