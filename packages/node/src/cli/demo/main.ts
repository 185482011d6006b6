import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { type CommandContext, ExitCode, wholeNumber } from "../output.js";
import { runDemo } from "./run.js";

interface DemoCommandOptions {
  readonly dir: string;
  readonly bundle?: string;
  readonly once?: true;
  readonly reset?: true;
  readonly json?: string;
  readonly basePort?: number;
}

const SYNTHETIC_BUNDLE = import.meta.resolve("@consilium/client/fixtures/synthetic-bundle.json");

/** `consilium demo`: the whole of Consilium at work, with real processes on this machine. */
export function registerDemo(program: Command, context: CommandContext): void {
  program
    .command("demo")
    .description("found an alliance of four hospitals and share a record, step by step")
    .option("--dir <folder>", "folder of everything that is written", ".consilium/demo")
    .option("--bundle <file>", "a FHIR R4 Bundle to import instead of the synthetic one")
    .option("--once", "stop the network and exit at the end; code 0 only if every step held")
    .option("--json <file>", "write the facts of the run for machines")
    .option("--reset", "start over: forget the folder first")
    .option("--base-port <port>", "first of eight ports; free ones are chosen when left out", wholeNumber)
    .addHelpText("after", "\nExample:\n  $ consilium demo --once --dir folder --json facts.json")
    .action(async (options: DemoCommandOptions) => {
      const report = await runDemo(
        {
          dir: options.dir,
          bundleFile: options.bundle ?? fileURLToPath(SYNTHETIC_BUNDLE),
          once: options.once === true,
          reset: options.reset === true,
          ...(options.json === undefined ? {} : { jsonFile: options.json }),
          ...(options.basePort === undefined ? {} : { basePort: options.basePort }),
          command: [process.execPath, ...process.execArgv, process.argv[1]!],
        },
        process.stdout,
        interruption(),
      );
      context.exitCode = report.ok ? ExitCode.ok : ExitCode.refused;
      // A step that was interrupted may still be waiting for a node; the nodes are stopped, so nothing will come.
      if (!report.ok) process.exit(context.exitCode);
    });
}

/** Resolves at the first Ctrl-C or SIGTERM; a second Ctrl-C ends the process the hard way. */
function interruption(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}
