import { ChainKind, type ChainParameters, type Genesis } from "@consilium/protocol";
import { START_MS } from "../ports/node-clock.js";
import type { SeededRandom } from "../random.js";
import type { NodeKey } from "./node-keys.js";
import { standInPossession } from "./pool.js";
import type { VoteKeys } from "./vote-keys.js";

/**
 * Pace of a simulated chain: epochs so short that a minute passes several, and blocks somewhat apart, because what is
 * tried is what happens between them.
 */
export const simulatedParameters: ChainParameters = {
  deltaMs: 400,
  blockIntervalMs: 500,
  heartbeatMs: 3_000,
  epochLengthHeights: 12,
  inactivityViews: 10,
  ceremonyWindowHeights: 40,
  responseWindowMs: 5_000,
  blockPayloadBytes: 2 * 1024 * 1024,
};

export interface GenesisOptions {
  readonly founders: readonly NodeKey[];
  readonly voteKeys: VoteKeys;
  readonly seats: number;
  readonly parameters: ChainParameters;
  readonly random: SeededRandom;
}

/** An alliance of these founders; keys of later members come after theirs. */
export function makeGenesis({ founders, voteKeys, seats, parameters, random }: GenesisOptions): Genesis {
  return {
    version: 1,
    kind: ChainKind.alliance,
    name: new TextEncoder().encode("simulated alliance"),
    timeMs: START_MS - 60_000,
    parameters,
    seats,
    members: founders.map(({ publicKey }, index) => ({
      name: new TextEncoder().encode(`hospital ${index}`),
      nodeKey: publicKey,
      exchangeKey: exchangeKeyFrom(random),
      voteKey: voteKeys.publicKeys[index]!,
      votePossession: standInPossession(voteKeys.publicKeys[index]!),
      stake: 100 + random.between(0, 20),
    })),
    keyCentre: [],
    allianceChainId: new Uint8Array(32),
  };
}

/** A canonical X25519 key; nobody has its secret, and nobody seals to it here. */
export function exchangeKeyFrom(random: SeededRandom): Uint8Array {
  const key = random.bytes(32);
  key[31]! &= 0x7f;
  return key;
}
