import { ConsiliumError, equalBytes, toHex } from "@consilium/crypto";
import { ChainKind, chainIdOf, type Genesis } from "@consilium/protocol";

/**
 * The genesis of a member's private chain: a function of the alliance's genesis and the member, so that a node that lost
 * its disk starts the same chain again. One validator, the member itself.
 * @throws ConsiliumError `GENESIS_NOT_A_MEMBER` when the node key is none of the alliance's.
 */
export function privateGenesisOf(alliance: Genesis, nodeKey: Uint8Array): Genesis {
  const member = alliance.members.find((each) => equalBytes(each.nodeKey, nodeKey));
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
