import type { Candidate } from "@consilium/consensus";
import { toHex } from "@consilium/crypto";
import type { StateReader } from "@consilium/protocol";
import * as chain from "../queries/chain.js";
import * as elections from "../queries/elections.js";
import type { Member } from "../state/values.js";

/**
 * The candidates as an election sees them in a state: every present member with its bond, its total of stake votes, and
 * how it stands. A member's votes count in their order until its bond is used up, so that a bond which shrank since is
 * not counted twice.
 */
export function candidatesOf(state: StateReader): Candidate[] {
  const members = chain.members(state);
  const totals = voteTotals(state, members);
  return members.map(({ nodeKey, stake }) => {
    const entry = elections.candidate(state, nodeKey);
    return {
      nodeId: nodeKey,
      voteKey: entry?.voteKey,
      bond: stake,
      votes: Number(totals.get(toHex(nodeKey)) ?? 0n),
      credit: entry?.credit ?? 0,
      epochsServed: entry?.epochsServed ?? 0,
      banned: entry !== undefined && entry.bannedHeight > 0,
      resigned: entry?.standing === 0,
      readyEpoch: entry?.readyEpoch ?? undefined,
    };
  });
}

/** Stake votes by candidate. The whole stake of an alliance is a safe integer, so that every total is one. */
function voteTotals(state: StateReader, members: readonly Member[]): Map<string, bigint> {
  const totals = new Map<string, bigint>();
  for (const { nodeKey, stake } of members) {
    let left = BigInt(stake);
    for (const vote of elections.stakeVotes(state, nodeKey)) {
      const wanted = BigInt(vote.stake);
      const counted = wanted < left ? wanted : left;
      left -= counted;
      const name = toHex(vote.candidate);
      totals.set(name, (totals.get(name) ?? 0n) + counted);
    }
  }
  return totals;
}
