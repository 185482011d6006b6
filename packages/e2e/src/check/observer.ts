import { routes } from "@consilium/client";
import type { RunNode } from "../cluster/cluster.js";
import { pause } from "../pause.js";
import type { SeededRandom } from "../seeded-random.js";
import type { Witness } from "./witness.js";

const STATUS_INTERVAL_MS = 400;
/** Of so many rounds one asks again for a transaction that was reported final before. */
const RECHECK_EVERY = 5;

/**
 * Asks every node for its status all the time, and now and then again for what was reported final, until aborted.
 * @param epochs collects the highest epoch that each node reported.
 */
export async function observe(
  nodes: readonly RunNode[],
  witness: Witness,
  random: SeededRandom,
  epochs: Map<string, number>,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(nodes.map((node) => observeOne(node, witness, random, epochs, signal)));
}

async function observeOne(
  node: RunNode,
  witness: Witness,
  random: SeededRandom,
  epochs: Map<string, number>,
  signal: AbortSignal,
): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    if (!node.isAway) {
      try {
        await askStatus(node, witness, epochs, signal);
        if (round % RECHECK_EVERY === 0) await recheck(node, witness, random, signal);
      } catch {
        // Away, cut off from the runner, or starting: it is asked again.
      }
    }
    await pause(STATUS_INTERVAL_MS, signal);
  }
}

/** An answer counts only when the node was not taken down or wiped while it was under way. */
async function askStatus(
  node: RunNode,
  witness: Witness,
  epochs: Map<string, number>,
  signal: AbortSignal,
): Promise<void> {
  const { starts, wipes } = node;
  const view = await node.api.call(routes.status, {}, undefined, { signal });
  if (node.starts !== starts || node.wipes !== wipes) return;
  witness.status(node.name, view);
  epochs.set(node.name, Math.max(epochs.get(node.name) ?? 0, view.alliance.epoch));
}

/** A node whose tip is above a final transaction's height must know it, and say the same of it. */
async function recheck(
  node: RunNode,
  witness: Witness,
  random: SeededRandom,
  signal: AbortSignal,
): Promise<void> {
  const reports = [...witness.transactions];
  if (reports.length === 0) return;
  const [id, report] = random.pick(reports);
  const { wipes } = node;
  if (wipes > 0 || witness.heightOf(node.name) < report.height) return;
  const view = await node.api.call(routes.transaction, { id }, undefined, { signal });
  witness.transaction(node.name, view);
  if (view.state !== "final" && node.wipes === wipes) {
    const sentence = `${node.name} stands at height ${witness.heightOf(node.name)} and calls transaction ${id} of height ${report.height} ${view.state}.`;
    witness.violated("TRANSACTION_LOST", sentence);
  }
}
