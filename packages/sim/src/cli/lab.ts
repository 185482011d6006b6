import type { Command } from "commander";
import { addExperimentCommand } from "../experiments/command.js";
import { addGoldenCommand } from "../golden/command.js";
import { addMutantsCommand } from "../mutants/command.js";

/** Commands that study the simulator and with it: planted bugs, golden scenarios, experiments. */
export function addLabCommands(
  program: Command,
  print: (line: string) => void,
  exit: (code: number) => void,
): void {
  addMutantsCommand(program, print, exit);
  addGoldenCommand(program, print, exit);
  addExperimentCommand(program, print);
}
