import { ContainerType, ListBasicType, ListCompositeType, type ValueOf } from "@chainsafe/ssz";
import { limits } from "../limits.js";
import { B32, B48, B96, bytesUpTo, U8, U16, U32, U64 } from "./basic.js";

/** What a chain is for: the common alliance chain, or one member's private record chain. */
export const ChainKind = { alliance: 1, private: 2 } as const;

/**
 * A founding member: a hospital or institute and its node. The node key is Ed25519: node id, libp2p identity and first
 * account key at once. The exchange key is X25519, for catalogues sealed to the hospital.
 */
export const GenesisMember = new ContainerType({
  name: bytesUpTo(limits.nameBytes),
  nodeKey: B32,
  exchangeKey: B32,
  voteKey: B48,
  /** Proof of possession of the vote key. */
  votePossession: B96,
  /** Bonded stake, in the alliance's units. */
  stake: U64,
});
export type GenesisMember = ValueOf<typeof GenesisMember>;

export const GenesisParameters = new ContainerType({
  deltaMs: U32,
  blockIntervalMs: U32,
  heartbeatMs: U32,
  epochLengthHeights: U64,
  inactivityViews: U32,
  ceremonyWindowHeights: U32,
  responseWindowMs: U32,
  blockPayloadBytes: U32,
});

/** The first state of a chain. Its SSZ hash tree root is the chain id. */
export const Genesis = new ContainerType({
  version: U8,
  kind: U8,
  name: bytesUpTo(limits.nameBytes),
  /** Timestamp of the genesis block, Unix milliseconds. */
  timeMs: U64,
  parameters: GenesisParameters,
  /** N: validator seats that elections fill. */
  seats: U16,
  members: new ListCompositeType(GenesisMember, limits.membersMax),
  /** Indices of the members that form the key centre. Empty on a private chain. */
  keyCentre: new ListBasicType(U16, limits.validators),
  /** Chain id of the alliance a private chain belongs to; zero on the alliance chain. */
  allianceChainId: B32,
});
export type Genesis = ValueOf<typeof Genesis>;

export const chainIdOf = (genesis: Genesis): Uint8Array => Genesis.hashTreeRoot(genesis);
