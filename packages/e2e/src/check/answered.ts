import { codeOf } from "@consilium/crypto";
import type { RunNode } from "../cluster/cluster.js";
import type { Witness } from "./witness.js";

/** Runs one check; a node that does not answer it, though nothing perturbs it any more, is a finding too. */
export async function answered(node: RunNode, witness: Witness, check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    witness.violated("NO_ANSWER", `${node.name} did not answer a check (${codeOf(error)}): ${reason}`);
  }
}
