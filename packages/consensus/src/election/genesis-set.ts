import { ConsiliumError, toHex } from "@consilium/crypto";
import { type Genesis, type GenesisMember, limits } from "@consilium/protocol";
import type { ValidatorSet } from "../validator-set.js";

/**
 * The set of epochs 0 and 1: the members with the most bonded stake fill the seats, ties go to the lower node id.
 * Pure, so every node elects the same set from the same genesis.
 *
 * @throws ConsiliumError `GENESIS_BAD_SEATS` when no seat can be filled or there are more seats than validators allowed.
 */
export function electGenesisSet(genesis: Pick<Genesis, "members" | "seats">): ValidatorSet {
  const seats = Math.min(genesis.seats, genesis.members.length);
  if (seats < 1 || genesis.seats > limits.validators) {
    throw new ConsiliumError(
      "GENESIS_BAD_SEATS",
      `Give the genesis at least one member and between 1 and ${limits.validators} seats.`,
      { seats: genesis.seats, members: genesis.members.length },
    );
  }
  return [...genesis.members]
    .sort(byStakeThenId)
    .slice(0, seats)
    .map(({ nodeKey, voteKey }) => ({ nodeId: nodeKey, voteKey }));
}

function byStakeThenId(left: GenesisMember, right: GenesisMember): number {
  if (left.stake !== right.stake) return right.stake - left.stake;
  return toHex(left.nodeKey) < toHex(right.nodeKey) ? -1 : 1;
}
