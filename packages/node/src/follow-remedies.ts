import type { FollowReason } from "@consilium/driver";

const RESET =
  'then "consilium safety reset --config FILE": the node votes again from the epoch after the one that holds the reset.';

/** What an operator can do about a node that follows instead of voting; nothing where nothing is wrong. */
export const followRemedies: Partial<Record<FollowReason, string>> = {
  NO_VOTE_KEY:
    'The vote key is not the one that was elected. Restore the keystore vote.json from a backup and start again, or let this key stand with "consilium candidate register".',
  SAFETY_RECORD_MISSING: `The record of this node's votes is gone, so it could contradict itself: it follows without voting. Put the data folder back from the disk it was on, never from an older copy. If it is lost, let the node catch up, ${RESET}`,
  SAFETY_RECORD_CORRUPT: `The record of this node's votes is damaged, so it could contradict itself: it follows without voting. Check the disk, ${RESET}`,
  SAFETY_RECORD_STALE: `The data folder is older than this node's last start, so votes are missing from its record: it follows without voting. Put the newest folder back if there is one; otherwise let the node catch up, ${RESET}`,
  OWN_VOTE_UNKNOWN: `A vote of this node's key was seen that it has no record of: another process may use the same keystores, or the data folder is an older copy. Find that out first, ${RESET}`,
  HALTED: "The chain's data cannot be trusted; the node's log says why.",
};
