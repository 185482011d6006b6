import { toHex } from "@consilium/crypto";
import type { Chain } from "@consilium/driver";
import { queries } from "@consilium/ledger";
import type { Log } from "@consilium/protocol";
import type { NodeConfig } from "./config/index.js";
import { remedyOf } from "./follow-remedies.js";

/** Says at start what an operator must know about: a node that does not vote, and committees that share machines. */
export function warnOperator(
  chains: Readonly<Record<"alliance" | "private", Chain>>,
  config: NodeConfig,
  log: Log,
): void {
  for (const chain of ["alliance", "private"] as const) {
    const { followReason } = chains[chain].status();
    const remedy = remedyOf(chain, chains[chain]);
    if (remedy !== undefined) log.warn({ chain, reason: followReason, remedy }, "consensus.not-voting");
  }
  if (sharesMachines(chains.alliance)) {
    const remedy =
      "One break-in reaches a share of both keys. Larger alliances keep the two committees apart.";
    log.warn({ remedy }, "committees.share-machines");
  }
  if (config.demo.allowFaults) {
    log.warn({ remedy: "Set demo.allowFaults to false outside a demonstration." }, "demo.faults-allowed");
  }
}

/** Whether a node of the key centre is a validator, and so a proxy, as well. */
function sharesMachines(alliance: Chain): boolean {
  const state = alliance.state();
  const validators = new Set(queries.validators(state, queries.presentEpoch(state)).map(toHex));
  return queries
    .members(state)
    .some(({ keyCentre, nodeKey }) => keyCentre === 1 && validators.has(toHex(nodeKey)));
}
