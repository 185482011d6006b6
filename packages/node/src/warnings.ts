import { toHex } from "@consilium/crypto";
import type { Chain, FollowReason } from "@consilium/driver";
import { queries } from "@consilium/ledger";
import type { Log } from "@consilium/protocol";
import type { NodeConfig } from "./config/index.js";

/** Why this node follows instead of voting, and what its operator can do. */
const REMEDIES: Partial<Record<FollowReason, string>> = {
  NO_VOTE_KEY: "Restore the keystore vote.json from a backup and start again.",
  SAFETY_RECORD_MISSING:
    "The record of this node's votes is gone, so it could contradict itself: it follows without voting. Put the data folder back from the disk it was on, never from an older copy.",
  SAFETY_RECORD_CORRUPT:
    "The record of this node's votes is damaged, so it could contradict itself: it follows without voting. Check the disk.",
  OWN_VOTE_UNKNOWN:
    "A vote of this node's key was seen that it has no record of: another process may use the same keystores, or the data folder is an older copy. Find that out first.",
  HALTED: "The chain's data cannot be trusted; the log line before this one says why.",
};

/** Says at start what an operator must know about: a node that does not vote, and committees that share machines. */
export function warnOperator(
  chains: Readonly<Record<"alliance" | "private", Chain>>,
  config: NodeConfig,
  log: Log,
): void {
  for (const [chain, source] of Object.entries(chains)) {
    const { followReason } = source.status();
    const remedy = followReason && REMEDIES[followReason];
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
  const validators = new Set(queries.validators(state, alliance.finalized().epoch).map(toHex));
  return queries
    .members(state)
    .some(({ keyCentre, nodeKey }) => keyCentre === 1 && validators.has(toHex(nodeKey)));
}
