import type { Command } from "commander";
import type { CommandContext } from "../output.js";
import { registerElections } from "./elections.js";
import { registerMembers } from "./members.js";
import { registerNode } from "./node.js";

/** What an operator asks of a node, and what a member says to the alliance through it. */
export function registerOperator(program: Command, context: CommandContext): void {
  registerNode(program, context);
  registerElections(program, context);
  registerMembers(program, context);
}
