import { type Command, InvalidArgumentError } from "commander";
import { wholeNumber } from "../cli/options.js";
import { commitOf } from "../cli/report.js";
import { type Mutant, mutants } from "./catalogue.js";
import { type MutantReport, runMutant } from "./run.js";

interface MutantsOptions {
  readonly only?: readonly Mutant[];
  readonly seeds: number;
  readonly firstSeed: number;
  readonly json?: boolean;
}

/** `sim mutants`: exits with 1 when a planted bug was not caught, or its seed fails without it. */
export function addMutantsCommand(
  program: Command,
  print: (line: string) => void,
  exit: (code: number) => void,
): void {
  program
    .command("mutants")
    .description("plant bugs on purpose, one at a time, and see within how many seeds each is caught")
    .option("--only <names>", "these mutants, as in certificate-of-few,boundary-rebuilt", parseNames)
    .option("--seeds <count>", "seeds of each mutant at most", wholeNumber(1), 200)
    .option("--first-seed <seed>", "the first of them", wholeNumber(0), 1)
    .option("--json", "one JSON object a mutant instead of the table")
    .addHelpText(
      "after",
      `\nMutants:\n${mutants.map(({ name, about }) => `  ${name.padEnd(30)}${about}`).join("\n")}`,
    )
    .action(async (options: MutantsOptions) => {
      const reports: MutantReport[] = [];
      for (const mutant of options.only ?? mutants) {
        const report = await runMutant(mutant, {
          ...options,
          onSeed: (_, tried) =>
            process.stderr.isTTY && process.stderr.write(`\r${mutant.name}: seed ${tried + 1}   `),
        });
        if (process.stderr.isTTY) process.stderr.write("\r");
        reports.push(report);
        if (options.json) print(JSON.stringify({ ...report, commit: commitOf() }));
        else for (const line of reportLines(report)) print(line);
      }
      const missed = reports.filter(({ caught }) => caught?.cleanWithout !== true);
      if (!options.json) for (const line of summaryLines(reports)) print(line);
      exit(missed.length > 0 ? 1 : 0);
    });
}

function parseNames(text: string): readonly Mutant[] {
  return text.split(",").map((name) => {
    const mutant = mutants.find((each) => each.name === name);
    if (mutant !== undefined) return mutant;
    throw new InvalidArgumentError(`There is no mutant ${name}; --help lists them.`);
  });
}

function reportLines({ mutant, about, places, caught, replay }: MutantReport): string[] {
  const lines = [`${mutant}: ${about}`, ...places.map((place) => `  ${place}`)];
  if (caught === undefined) return [...lines, "  NOT CAUGHT"];
  lines.push(`  ${caught.invariant}: ${caught.sentence.split("\n")[0]}`, `  replay: ${replay}`);
  if (!caught.cleanWithout) lines.push("  BUT THE SEED FAILS WITHOUT THE MUTANT, TOO");
  return lines;
}

function summaryLines(reports: readonly MutantReport[]): string[] {
  const rows = reports.map(({ mutant, places, caught, seedsTried, seedsRun }) => [
    mutant,
    places[0]!.replace(/^packages\//, "") + (places.length > 1 ? ` +${places.length - 1}` : ""),
    caught === undefined ? `none of ${seedsTried}` : String(caught.seeds),
    String(seedsRun),
    caught?.invariant ?? "-",
  ]);
  const table = [["mutant", "first edit", "caught by seed", "runs", "violated"], ...rows];
  const widths = table[0]!.map((_, at) => Math.max(...table.map((row) => row[at]!.length)));
  const caughtCount = reports.filter(({ caught }) => caught?.cleanWithout === true).length;
  return [
    "",
    ...table.map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join("  ")
        .trimEnd(),
    ),
    `${caughtCount} of ${reports.length} caught (commit ${commitOf() ?? "unknown"})`,
  ];
}
