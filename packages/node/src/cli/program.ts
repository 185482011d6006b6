import { ConsiliumError } from "@consilium/crypto";
import { Command, CommanderError } from "commander";
import { version } from "../version.js";
import { registerInit } from "./init.js";
import { registerOperator } from "./operator/index.js";
import {
  type CommandContext,
  type CommandOutput,
  ExitCode,
  printError,
  processOutput,
  UsageError,
} from "./output.js";
import { registerStart } from "./start.js";
import { registerUserCommands } from "./user/index.js";

const EXIT_CODES = `
Exit codes: 0 done; 1 refused or failed, with a code; 2 wrong usage, config or passphrase.`;

/** The whole command line. Commands report through `context`. */
export function buildProgram(context: CommandContext): Command {
  const program = new Command("consilium")
    .description("A network of hospital nodes that share medical records which stay the patient's.")
    .version(version, "--version", "print the version")
    .showHelpAfterError("(add --help for the options)")
    .addHelpText("after", EXIT_CODES)
    .configureOutput({
      writeOut: (text) => context.output.out(text),
      writeErr: (text) => context.output.err(text),
    })
    .exitOverride();
  registerInit(program, context);
  registerStart(program, context);
  registerOperator(program, context);
  registerUserCommands(program, context);
  return program;
}

/**
 * Runs one command line.
 * @param args without the interpreter and the script.
 * @returns the exit code.
 */
export async function runCommand(
  args: readonly string[],
  output: CommandOutput = processOutput,
): Promise<number> {
  const context: CommandContext = { output, exitCode: ExitCode.ok };
  const program = buildProgram(context);
  if (args[0] === "demo") await registerDemo(program, context);
  else
    program
      .command("demo")
      .description("found an alliance of four hospitals and share a record, step by step");
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    const asJson = args.includes("--json") && args[0] !== "demo";
    // Commander has already told a person what is wrong, and throws for --help too.
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return ExitCode.ok;
      if (asJson)
        printError(output, new ConsiliumError("USAGE", error.message.replace(/^error: /, "")), true);
      return ExitCode.usage;
    }
    printError(output, error, asJson);
    return error instanceof UsageError ? ExitCode.usage : ExitCode.refused;
  }
  return context.exitCode;
}

/** The demonstration is loaded only when asked for: no other command waits for it. */
async function registerDemo(program: Command, context: CommandContext): Promise<void> {
  const demo = await import("./demo/main.js");
  demo.registerDemo(program, context);
}
