import {
  B32,
  B48,
  B64,
  B96,
  B192,
  bytesUpTo,
  ContainerType,
  ListBasicType,
  ListCompositeType,
  limits,
  U8,
  U16,
  U32,
  U64,
  type ValueOf,
} from "@consilium/protocol";

/** What a chain is: from its genesis, never changed by a transaction. */
export const ChainInfo = new ContainerType({
  chainId: B32,
  kind: U8,
  genesisTimeMs: U64,
  epochLengthHeights: U64,
  ceremonyWindowHeights: U32,
  responseWindowMs: U32,
  heartbeatMs: U32,
  blockPayloadBytes: U32,
  allianceChainId: B32,
});
export type ChainInfo = ValueOf<typeof ChainInfo>;

/** The last block applied. */
export const Tip = new ContainerType({ height: U64, timestampMs: U64 });
export type Tip = ValueOf<typeof Tip>;

export const Member = new ContainerType({
  /** Founding members in order of the genesis, from 0; those who join later follow. */
  index: U16,
  name: bytesUpTo(limits.nameBytes),
  /** Node id: Ed25519 public key. */
  nodeKey: B32,
  /** H("ACCT", chain ‖ nodeKey): the sender of its transactions. */
  account: B32,
  exchangeKey: B32,
  /** The vote key it joined with; its candidate says the present one. */
  voteKey: B48,
  /** Bonded stake; moved by governance and by convictions only. */
  stake: U64,
  /** Whether it is one of the founding members that form the key centre. */
  keyCentre: U8,
  /** Height of the boundary block that admitted it, 0 for founding members. */
  joinedHeight: U64,
  /** Height of the boundary block that expelled it, 0 while it is a member. Its bond stays punishable. */
  leftHeight: U64,
});
export type Member = ValueOf<typeof Member>;

export const AccountStatus = { live: 1, retired: 2 } as const;

export const Account = new ContainerType({
  id: B32,
  role: U8,
  status: U8,
  /** Current Ed25519 key. */
  signKey: B32,
  /** Current X25519 key. */
  exchangeKey: B32,
  /** Node id of the member that attested it; a member's own node id for members. */
  member: B32,
  registeredHeight: U64,
  /** Key number of the key centre under which the current owner key stands; 0 for recipients and members. */
  kgcKeyNo: U32,
  /** Current owner key number; 0 is custodial, or none. */
  ownerKeyNo: U32,
});
export type Account = ValueOf<typeof Account>;

/** One of an owner's keys: Pi (P itself for a custodial owner). */
export const OwnerKey = new ContainerType({ pi: B96, height: U64 });
export type OwnerKey = ValueOf<typeof OwnerKey>;

/** One run of a ceremony, from its announcement to ACTIVE or ABORTED. */
export const CeremonyRun = new ContainerType({
  purpose: U8,
  mode: U8,
  keyNo: U32,
  shareEpoch: U32,
  attempt: U8,
  sessionId: B32,
  announcedHeight: U64,
  /** h0: deals are accepted from this height on. */
  startHeight: U64,
  threshold: U16,
  /** Node ids in order of their indices from 1. */
  members: new ListCompositeType(B32, limits.validators),
  /** Dealing keys EK_j frozen at the announcement. */
  dealingKeys: new ListCompositeType(B48, limits.validators),
  /** Transcript hash of the key a reshare continues; zero for a fresh key. */
  previousTranscript: B32,
  /** DEAL, DISPUTE, CONFIRM, ACTIVE or ABORTED, in ASCII. */
  phase: bytesUpTo(16),
  /** Code of the abort, or empty. */
  reason: bytesUpTo(64),
  /** Indices of members that an abort blames: they leave before the retry. */
  offenders: new ListBasicType(U16, limits.validators),
  /** th of the qualified deals once there is one, else zero. */
  transcript: B32,
  /** Height at which the run ended; 0 while it is open. */
  endedHeight: U64,
  /** 1 once a switch made it serve. */
  switched: U8,
});
export type CeremonyRun = ValueOf<typeof CeremonyRun>;

/** The shareholders of one generation of a key. Never assumed to be the present validators. */
export const Committee = new ContainerType({
  purpose: U8,
  keyNo: U32,
  shareEpoch: U32,
  sessionId: B32,
  transcript: B32,
  threshold: U16,
  /** Node ids in order of their indices from 1. */
  members: new ListCompositeType(B32, limits.validators),
  /** VK_j in order of indices: 96 bytes for the key centre (G2), 48 for proxies (G1). */
  verificationKeys: new ListCompositeType(bytesUpTo(96), limits.validators),
  /** P (96 bytes) or Z (48 bytes). */
  publicKey: bytesUpTo(96),
  activeHeight: U64,
  /** Height and block time of the switch; 0 before. */
  servingHeight: U64,
  servingSinceMs: U64,
  /** Block time at which a later generation replaced it; 0 while it serves. */
  replacedAtMs: U64,
});
export type Committee = ValueOf<typeof Committee>;

/** Which generation of a purpose's key serves. */
export const Serving = new ContainerType({
  keyNo: U32,
  shareEpoch: U32,
  /** The generation before it, 0 and 0 when there was none. */
  previousKeyNo: U32,
  previousShareEpoch: U32,
});
export type Serving = ValueOf<typeof Serving>;

export const Anchor = new ContainerType({
  member: B32,
  chainId: B32,
  height: U64,
  digest: B32,
  /** Alliance height at which it was anchored. */
  anchoredHeight: U64,
});
export type Anchor = ValueOf<typeof Anchor>;

export const RecordStatus = { live: 1, superseded: 2, erased: 3 } as const;

/** An index entry: everything a capsule's context binds, and where the ciphertext is. */
export const RecordEntry = new ContainerType({
  recordId: B32,
  status: U8,
  /** Node id of the author. */
  author: B32,
  owner: B32,
  label: B32,
  kgcKeyNo: U32,
  ownerKeyNo: U32,
  pi: B96,
  headerDigest: B32,
  lengthBytes: U64,
  digest: B32,
  commitment: B32,
  capsule: B192,
  custodian: B32,
  privateHeight: U64,
  dateBucket: U32,
  height: U64,
  timestampMs: U64,
});
export type RecordEntry = ValueOf<typeof RecordEntry>;

/** A request in an owner's inbox; `id` is the transaction id. */
export const AccessRequestEntry = new ContainerType({
  id: B32,
  owner: B32,
  recipient: B32,
  sealed: bytesUpTo(limits.sealedRequestBytes),
  height: U64,
  timestampMs: U64,
});
export type AccessRequestEntry = ValueOf<typeof AccessRequestEntry>;

export const GrantEntry = new ContainerType({
  grantId: B32,
  owner: B32,
  /** The owner's Ed25519 key at the time: gid and the grant's signature are under it. */
  ownerSignKey: B32,
  recipient: B32,
  label: B32,
  kgcKeyNo: U32,
  ownerKeyNo: U32,
  pi: B96,
  zKeyNo: U32,
  z: B48,
  recipientExchangeKey: B32,
  notBeforeMs: U64,
  expiryMs: U64,
  scope: bytesUpTo(limits.grantScopeBytes),
  body: bytesUpTo(limits.grantBodyBytes),
  signature: B64,
  height: U64,
  timestampMs: U64,
  /** Height of the revocation; 0 while it stands. */
  revokedHeight: U64,
  revokedAtMs: U64,
});
export type GrantEntry = ValueOf<typeof GrantEntry>;

/** The audit record of one finalized access: who, what, why, when. */
export const AccessEntry = new ContainerType({
  requestId: B32,
  transactionId: B32,
  grantId: B32,
  owner: B32,
  recipient: B32,
  label: B32,
  keyNo: U32,
  shareEpoch: U32,
  addressee: U16,
  requestKey: B32,
  scope: bytesUpTo(limits.grantScopeBytes),
  recordIds: new ListCompositeType(B32, limits.recordsPerAccess),
  height: U64,
  timestampMs: U64,
});
export type AccessEntry = ValueOf<typeof AccessEntry>;

export const TransactionResult = new ContainerType({
  height: U64,
  kind: U8,
  sender: B32,
  nonce: U64,
  /** `OK` or a stable code, ASCII. */
  code: bytesUpTo(64),
});
export type TransactionResult = ValueOf<typeof TransactionResult>;

export const ResultsAtHeight = new ListCompositeType(B32, limits.transactionsPerBlock);

/** A record on a private chain, with its header; the ciphertext lies beside the chain. */
export const RecordPutEntry = new ContainerType({
  recordId: B32,
  author: B32,
  owner: B32,
  label: B32,
  kgcKeyNo: U32,
  ownerKeyNo: U32,
  header: bytesUpTo(limits.recordHeaderBytes),
  lengthBytes: U64,
  digest: B32,
  commitment: B32,
  capsule: B192,
  dateBucket: U32,
  height: U64,
  timestampMs: U64,
});
export type RecordPutEntry = ValueOf<typeof RecordPutEntry>;
