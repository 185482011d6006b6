import { codeOf } from "@consilium/crypto";
import type { RunNode } from "../cluster/cluster.js";
import type { Witness } from "./witness.js";

/** Checks that a node may leave unanswered; after that it is asked no more, so that the end of a run stays bounded. */
const UNANSWERED_MAX = 5;

/** Runs one check; a node that does not answer it, though nothing perturbs it any more, is a finding too. */
export async function answered(node: RunNode, witness: Witness, check: () => Promise<void>): Promise<void> {
  if (node.unanswered >= UNANSWERED_MAX) return;
  try {
    await check();
  } catch (error) {
    node.unanswered += 1;
    const reason = error instanceof Error ? error.message : String(error);
    witness.violated("NO_ANSWER", `${node.name} did not answer a check (${codeOf(error)}): ${reason}`);
  }
}
