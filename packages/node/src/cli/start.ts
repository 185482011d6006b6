import { fromHex } from "@consilium/crypto";
import type { NamedTip } from "@consilium/driver";
import type { Command } from "commander";
import { loadConfig } from "../config/index.js";
import { startNode } from "../node.js";
import { addCommand, type CommandContext, UsageError } from "./output.js";

/** `consilium start`: runs one node until a signal stops it or its chain halts. */
export function registerStart(program: Command, context: CommandContext): void {
  addCommand<{ readonly config: string; readonly resumePrivate?: NamedTip; readonly json?: true }>(
    program,
    context,
    "start",
    "run the node that a config describes, until Ctrl-C",
    (command) =>
      command
        .requiredOption("--config <file>", "the node's config")
        .option(
          "--resume-private <height:digest>",
          "vote again on the private chain above this block, which must be its newest, after its record of votes was lost",
          readBlockName,
        ),
    async ({ config, resumePrivate, json }) => {
      const stopped = untilSignal();
      const start = resumePrivate === undefined ? {} : { resumePrivateAt: resumePrivate };
      const node = await startNode(loadConfig(config), start);
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

/** A block as `status` names it in its remedy. @throws UsageError */
function readBlockName(text: string): NamedTip {
  const [, height, digest] = /^(\d{1,15}):([0-9a-f]{64})$/i.exec(text) ?? [];
  if (height === undefined || digest === undefined)
    throw new UsageError(
      'Give --resume-private the height and the whole digest of a block, as "HEIGHT:DIGEST"; "consilium status" names both.',
    );
  return { height: Number(height), digest: fromHex(digest) };
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
