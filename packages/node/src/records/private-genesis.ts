import { ConsiliumError, equalBytes, toHex, utf8 } from "@consilium/crypto";
import { ChainKind, chainIdOf, type Genesis, type GenesisMember } from "@consilium/protocol";

/** Public keys of a node that is no founding member. */
export type NewcomerKeys = Pick<GenesisMember, "exchangeKey" | "voteKey" | "votePossession">;

/**
 * The genesis of a member's private chain: a function of the alliance's genesis and the node's keys, so that a node that
 * lost its disk starts the same chain again. One validator, the member itself.
 * @param newcomer used when the node is no founding member. Its chain begins before anybody has agreed on a name for it,
 * so it is called by its node key.
 * @throws ConsiliumError `GENESIS_NOT_A_MEMBER` for a node that is neither.
 */
export function privateGenesisOf(alliance: Genesis, nodeKey: Uint8Array, newcomer?: NewcomerKeys): Genesis {
  const founder = alliance.members.find((each) => equalBytes(each.nodeKey, nodeKey));
  const member = founder ?? (newcomer && newcomerOf(nodeKey, newcomer));
  if (member === undefined) {
    throw new ConsiliumError(
      "GENESIS_NOT_A_MEMBER",
      "This node's key is not among the members of the genesis; use the keystores that the alliance was founded with.",
      { node: toHex(nodeKey) },
    );
  }
  return {
    ...alliance,
    kind: ChainKind.private,
    name: member.name,
    seats: 1,
    members: [member],
    keyCentre: [],
    allianceChainId: chainIdOf(alliance),
  };
}

const newcomerOf = (nodeKey: Uint8Array, keys: NewcomerKeys): GenesisMember => {
  const { exchangeKey, voteKey, votePossession } = keys;
  return {
    name: utf8(toHex(nodeKey).slice(0, 16)),
    ...{ nodeKey, exchangeKey, voteKey, votePossession },
    stake: 1,
  };
};
