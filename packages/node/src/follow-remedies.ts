import { toHex } from "@consilium/crypto";
import type { Chain, FollowReason } from "@consilium/driver";

const RESET =
  'then "consilium safety reset --config FILE": the node votes again from the epoch after the one that holds the reset.';

/** On the alliance chain, where the others go on and can take a reset. */
const allianceRemedies: Partial<Record<FollowReason, string>> = {
  NO_VOTE_KEY:
    'The vote key is not the one that was elected. Restore the keystore vote.json from a backup and start again, or let this key stand with "consilium candidate register".',
  SAFETY_RECORD_MISSING: `The record of this node's votes is gone, so it could contradict itself: it follows without voting. Put the data folder back from the disk it was on, never from an older copy. If it is lost, let the node catch up, ${RESET}`,
  SAFETY_RECORD_CORRUPT: `The record of this node's votes is damaged, so it could contradict itself: it follows without voting. Check the disk, ${RESET}`,
  SAFETY_RECORD_STALE: `The data folder is older than this node's last start, so votes are missing from its record: it follows without voting. Put the newest folder back if there is one; otherwise let the node catch up, ${RESET}`,
  OWN_VOTE_UNKNOWN: `A vote of this node's key was seen that it has no record of: another process may use the same keystores, or the data folder is an older copy. Find that out first, ${RESET}`,
  HALTED: "The chain's data cannot be trusted; the node's log says why.",
};

/** A private chain has one replica: while it does not vote nothing becomes final on it, a reset neither. */
const lossRemedies: Partial<Record<FollowReason, string>> = {
  SAFETY_RECORD_MISSING:
    "The record of this node's votes on its private chain is gone, so the chain stands still. Put the data folder back from the disk it was on",
  SAFETY_RECORD_CORRUPT:
    "The record of this node's votes on its private chain is damaged, so the chain stands still. Check the disk",
  SAFETY_RECORD_STALE:
    "The data folder is older than this node's last start, so the private chain stands still. Put the newest folder back if there is one",
  OWN_VOTE_UNKNOWN:
    "A vote of this node's key on its private chain was seen that it has no record of. Find out who else uses its keystores",
};

/** What an operator can do about a chain on which the node follows instead of voting; nothing where nothing is wrong. */
export function remedyOf(
  name: "alliance" | "private",
  chain: Pick<Chain, "status" | "finalized">,
): string | undefined {
  const { followReason } = chain.status();
  if (followReason === undefined) return undefined;
  const loss = name === "private" ? lossRemedies[followReason] : undefined;
  if (loss === undefined) return allianceRemedies[followReason];
  const { height, digest } = chain.finalized();
  return `${loss}. If the newest record that you know of is in this folder, stop the node and start it once with "consilium start --config FILE --resume-private ${height}:${toHex(digest)}": it goes on above that block, and what came after it is lost.`;
}
