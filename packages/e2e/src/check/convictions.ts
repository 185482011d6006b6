import { routes } from "@consilium/client";
import type { RunNode } from "../cluster/cluster.js";
import type { Manifest } from "../manifest/schema.js";
import { answered } from "./answered.js";
import type { Witness } from "./witness.js";

/** What proves that a validator cheated stands on the chain; a silent proposer only loses credit. */
const CONVICTED_FOR: readonly Manifest["byzantine"][string][] = ["double-voter"];

/**
 * Compares who is banned with who misbehaved: whatever was done to an honest node, it must not be convicted, and a
 * double voter must be.
 * @returns names of the members that are banned.
 */
export async function checkConvictions(
  nodes: readonly RunNode[],
  byzantine: Manifest["byzantine"],
  witness: Witness,
): Promise<string[]> {
  const convicted = new Set<string>();
  for (const node of nodes.filter(({ name }) => !(name in byzantine))) {
    await answered(node, witness, async () => {
      const { candidates } = await node.api.call(routes.candidates, {});
      const banned = candidates.filter((each) => each.class === "banned").map(({ name }) => name);
      for (const name of banned) {
        convicted.add(name);
        if (byzantine[name] === undefined)
          witness.violated(
            "HONEST_CONVICTED",
            `${node.name} says that ${name}, which never cheated, is banned.`,
          );
      }
      for (const [name, behaviour] of Object.entries(byzantine)) {
        if (CONVICTED_FOR.includes(behaviour) && !banned.includes(name))
          witness.violated(
            "NOT_CONVICTED",
            `${name} was a ${behaviour}, and on ${node.name} it is not banned.`,
          );
      }
    });
  }
  return [...convicted].sort();
}
