import { codeOf } from "@consilium/crypto";
import type { Command } from "commander";

/** Exit codes of every command. */
export const ExitCode = {
  ok: 0,
  /** The act was refused or failed; a code says why. */
  refused: 1,
  /** Wrong usage, or a config or passphrase that cannot be used. */
  usage: 2,
} as const;

/** Where a command writes; a test gives its own. */
export interface CommandOutput {
  out(text: string): void;
  err(text: string): void;
}

export const processOutput: CommandOutput = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

/** What a command found out: facts for machines, and the lines that a person reads. */
export interface CommandResult {
  readonly json: unknown;
  readonly lines: readonly string[];
}

/** State shared by the commands of one run. */
export interface CommandContext {
  readonly output: CommandOutput;
  exitCode: number;
}

const USAGE_CODES = /^(CONFIG_|PASSPHRASE_|USAGE|GENESIS_NOT_FOUND|KEYSTORE_AUTH$)/;

/**
 * Adds a command that runs `action` and prints its result: lines, or with `--json` one JSON object. A failure prints
 * `CODE: sentence` to standard error, or with `--json` `{"error": {code, message}}`, and sets the exit code.
 */
export function addCommand<Options extends object>(
  parent: Command,
  context: CommandContext,
  usage: string,
  description: string,
  configure: (command: Command) => Command,
  action: (options: Options, args: readonly string[]) => Promise<CommandResult | undefined>,
): Command {
  const command = configure(parent.command(usage).description(description));
  return command.option("--json", "print one JSON object instead of text").action(async () => {
    const options = command.opts<Options & { json?: true }>();
    try {
      const result = await action(options, command.args);
      if (result !== undefined) printResult(context.output, result, options.json === true);
    } catch (error) {
      context.exitCode = printError(context.output, error, options.json === true);
    }
  });
}

/** Prints an error without its stack and returns the exit code that belongs to it. */
export function printError(output: CommandOutput, error: unknown, json: boolean): number {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (json) output.out(`${JSON.stringify({ error: { code, message } }, undefined, 2)}\n`);
  else output.err(`${code}: ${message}\n`);
  return USAGE_CODES.test(code) ? ExitCode.usage : ExitCode.refused;
}

function printResult(output: CommandOutput, result: CommandResult, json: boolean): void {
  if (json) output.out(`${JSON.stringify(result.json, undefined, 2)}\n`);
  else if (result.lines.length > 0) output.out(`${result.lines.join("\n")}\n`);
}

/** Collects an option that may be given several times. */
export const collect = (value: string, all: readonly string[] = []): string[] => [...all, value];

/** Lines of a table with aligned columns. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}

/** An option that must be a whole number. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new UsageError(`"${text}" is not a whole number.`);
}

/** Wrong usage that the option parser cannot see. */
export class UsageError extends Error {}
