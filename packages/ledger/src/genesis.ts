import { electGenesisSet } from "@consilium/consensus";
import { accountId } from "@consilium/crypto";
import { chainIdOf, type Genesis, Role } from "@consilium/protocol";
import { keyOf, prefixes } from "./state/keys.js";
import { Account, AccountStatus, ChainInfo, Member, ValidatorSet } from "./state/values.js";
import type { StateWriter } from "./state/writer.js";

const NONE = new Uint8Array(0);

/**
 * Writes the first state: the chain's own facts, its members with their accounts, and the first validators in the
 * order that consensus elects them.
 * @throws ConsiliumError `GENESIS_BAD_SEATS`.
 */
export function writeGenesis(state: StateWriter, genesis: Genesis): ChainInfo {
  const chain = chainInfoOf(genesis);
  state.putValue(keyOf(prefixes.chain), ChainInfo, chain);
  for (const index of genesis.members.keys()) writeMember(state, chain.chainId, genesis, index);
  const nodes = electGenesisSet(genesis).map(({ nodeId }) => nodeId);
  state.putValue(keyOf(prefixes.validatorSet), ValidatorSet, { nodes });
  return chain;
}

function chainInfoOf(genesis: Genesis): ChainInfo {
  const { parameters } = genesis;
  return {
    chainId: chainIdOf(genesis),
    kind: genesis.kind,
    genesisTimeMs: genesis.timeMs,
    epochLengthHeights: parameters.epochLengthHeights,
    ceremonyWindowHeights: parameters.ceremonyWindowHeights,
    responseWindowMs: parameters.responseWindowMs,
    heartbeatMs: parameters.heartbeatMs,
    blockPayloadBytes: parameters.blockPayloadBytes,
    allianceChainId: genesis.allianceChainId,
  };
}

function writeMember(state: StateWriter, chainId: Uint8Array, genesis: Genesis, index: number): void {
  const { name, nodeKey, exchangeKey, voteKey, stake } = genesis.members[index]!;
  const id = accountId(chainId, nodeKey);
  const keyCentre = genesis.keyCentre.includes(index) ? 1 : 0;
  const member = { index, name, nodeKey, account: id, exchangeKey, voteKey, stake, keyCentre };
  state.putValue(keyOf(prefixes.member, nodeKey), Member, member);
  state.append(prefixes.members, NONE, nodeKey);
  state.putValue(keyOf(prefixes.account, id), Account, {
    id,
    role: Role.member,
    status: AccountStatus.live,
    signKey: nodeKey,
    exchangeKey,
    member: nodeKey,
    registeredHeight: 0,
    kgcKeyNo: 0,
    ownerKeyNo: 0,
  });
}
