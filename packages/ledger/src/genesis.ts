import { electGenesisSet } from "@consilium/consensus";
import { ChainKind, chainIdOf, type Genesis, ValidatorList } from "@consilium/protocol";
import { writeCandidate, writeMember } from "./elections/membership.js";
import { ElectionState, EpochEntry } from "./state/election-values.js";
import { epochKey, keyOf, prefixes } from "./state/keys.js";
import { ChainInfo } from "./state/values.js";
import type { StateWriter } from "./state/writer.js";

const NONE = new Uint8Array(0);

/**
 * Writes the first state: the chain's own facts, its members with their accounts, the validators of epochs 0 and 1 in
 * the order that consensus elects them, and on the alliance chain every founding member as a candidate that is ready in
 * epoch 0 and gives its whole stake to itself.
 * @throws ConsiliumError `GENESIS_BAD_SEATS`.
 */
export function writeGenesis(state: StateWriter, genesis: Genesis): ChainInfo {
  const chain = chainInfoOf(genesis);
  state.putValue(keyOf(prefixes.chain), ChainInfo, chain);
  for (const index of genesis.members.keys()) writeFounder(state, chain.chainId, genesis, index);
  const set = [...electGenesisSet(genesis)];
  for (const epoch of [0, 1]) state.putValue(epochKey(prefixes.validatorSet, epoch), ValidatorList, set);
  state.putValue(keyOf(prefixes.election), ElectionState, { seats: genesis.seats, oldestEpoch: 0 });
  state.putValue(epochKey(prefixes.epoch, 0), EpochEntry, {
    epoch: 0,
    seed: chain.chainId,
    startHeight: 1,
    startedAtMs: genesis.timeMs,
    refusal: NONE,
  });
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

function writeFounder(state: StateWriter, chainId: Uint8Array, genesis: Genesis, index: number): void {
  const founder = genesis.members[index]!;
  const keyCentre = genesis.keyCentre.includes(index) ? 1 : 0;
  writeMember(state, chainId, { ...founder, keyCentre, height: 0 });
  if (genesis.kind === ChainKind.alliance) writeCandidate(state, founder.nodeKey, founder.voteKey, 0);
}
