import { type Command, InvalidArgumentError } from "commander";
import { wholeNumber } from "../cli/options.js";
import type { Experiment } from "./experiment.js";
import { experiments } from "./index.js";
import { writeExperiment } from "./output.js";

interface CommandOptions {
  readonly out: string;
  readonly quick?: boolean;
  readonly seed: number;
}

/** `sim experiment NAME --out DIR` and `sim experiment list`. */
export function addExperimentCommand(program: Command, print: (line: string) => void): void {
  const names = experiments.map(({ name, about }) => `  ${name.padEnd(22)}${about}`);
  program
    .command("experiment")
    .description("run an experiment and write its table (CSV, JSON) and its plot (SVG)")
    .argument("<name>", "list, all, or one of those below", parseName)
    .option("--out <folder>", "where the files go", ".")
    .option("--quick", "few points and short runs")
    .option("--seed <seed>", "everything but measured times follows from it", wholeNumber(1), 1)
    .addHelpText("after", `\nExperiments:\n${names.join("\n")}`)
    .action(async (chosen: readonly Experiment[], { out, quick = false, seed }: CommandOptions) => {
      if (chosen.length === 0) for (const line of names) print(line);
      for (const experiment of chosen) {
        const progress = (sentence: string): void => {
          process.stderr.write(`${experiment.name}: ${sentence}\n`);
        };
        const result = await experiment.run({ quick, seed, progress });
        for (const path of writeExperiment(out, experiment, result, { seed, quick })) print(path);
      }
    });
}

/** The chosen ones; none for `list`. */
function parseName(name: string): readonly Experiment[] {
  if (name === "list") return [];
  const chosen = experiments.filter((each) => name === "all" || each.name === name);
  if (chosen.length > 0) return chosen;
  throw new InvalidArgumentError(`There is no experiment ${name}; sim experiment list shows them.`);
}
