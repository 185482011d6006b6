import type { Command } from "commander";
import { loadConfig } from "../config/index.js";
import { startNode } from "../node.js";
import { addCommand, type CommandContext } from "./output.js";

/** `consilium start`: runs one node until a signal stops it or its chain halts. */
export function registerStart(program: Command, context: CommandContext): void {
  addCommand<{ readonly config: string; readonly json?: true }>(
    program,
    context,
    "start",
    "run the node that a config describes, until Ctrl-C",
    (command) => command.requiredOption("--config <file>", "the node's config"),
    async ({ config, json }) => {
      const stopped = untilSignal();
      const node = await startNode(loadConfig(config));
      const facts = { node: node.nodeId, api: node.apiUrl, addresses: node.addresses, pid: process.pid };
      const line = json
        ? JSON.stringify({ started: facts })
        : `Node ${node.nodeId.slice(0, 16)} serves ${node.apiUrl}`;
      context.output.out(`${line}\n`);
      const error = await Promise.race([stopped, node.halted]);
      await node.stop();
      if (error !== undefined) throw error;
      return undefined;
    },
  ).addHelpText("after", "\nExample:\n  $ consilium start --config c/north/consilium.yaml");
}

/**
 * Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. A node that another program started
 * with a channel to itself, as the demonstration does, stops too when that program is gone.
 */
function untilSignal(): Promise<undefined> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (): void => {
      if (asked) process.exit(130);
      asked = true;
      resolve(undefined);
    };
    process.on("SIGINT", onSignal);
    process.on("SIGTERM", onSignal);
    process.once("disconnect", () => resolve(undefined));
    // Listening would keep a node alive that has stopped.
    process.channel?.unref();
  });
}
