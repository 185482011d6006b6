import { concat, u32, u64 } from "@consilium/crypto";

/**
 * The first byte of every state key: one per kind of thing, numbers never reused, all below 0x80.
 *
 * Reads are synchronous point reads, so a list is a counter and indexed keys: the count stands under `prefix ‖ subject`,
 * item n (from 0) under `prefix ‖ subject ‖ u64 n`.
 */
export const prefixes = {
  chain: 0x01,
  tip: 0x02,
  member: 0x03,
  members: 0x04,
  // 0x05 held the one set of the first version.
  validatorSet: 0x06,
  epoch: 0x07,
  election: 0x08,
  candidate: 0x09,
  stakeVotes: 0x0a,
  openViews: 0x0b,
  creditTallies: 0x0c,
  voteKeyOwner: 0x0d,
  safetyReset: 0x0e,

  account: 0x10,
  envelopeNonce: 0x11,
  ownerKey: 0x12,
  labelClosed: 0x13,
  recordNonce: 0x14,
  grantNonce: 0x15,
  requestKeyUsed: 0x16,
  accountsOfMember: 0x17,

  proposal: 0x18,
  proposals: 0x19,
  openProposals: 0x1a,
  conviction: 0x1b,
  convictions: 0x1c,
  convictionsOfMember: 0x1d,

  dealingKey: 0x20,
  ceremonies: 0x21,
  ceremony: 0x22,
  ceremonyState: 0x23,
  committee: 0x25,
  serving: 0x26,

  anchor: 0x30,
  anchorAtHeight: 0x32,

  record: 0x40,
  recordsOfOwner: 0x41,
  recordsOfLabel: 0x42,

  request: 0x48,
  requestsOfOwner: 0x49,

  grant: 0x50,
  grantsOfOwner: 0x51,
  grantsOfRecipient: 0x52,
  grantsExpiring: 0x53,
  grantExpiryCursor: 0x54,

  access: 0x58,
  accessesOfOwner: 0x59,
  accessesOfRecipient: 0x5a,

  transactionResult: 0x60,
  resultsAtHeight: 0x61,

  recordPut: 0x68,
  recordPuts: 0x69,

  /** Nodes of the authenticated tree, and its root. The tree covers every key below this one. */
  treeNode: 0x70,
  treeRoot: 0x71,
} as const;

export type Prefix = (typeof prefixes)[keyof typeof prefixes];

/** The state key `prefix ‖ parts`. */
export const keyOf = (prefix: Prefix, ...parts: readonly Uint8Array[]): Uint8Array =>
  concat(Uint8Array.of(prefix), ...parts);

export const listItemKey = (prefix: Prefix, subject: Uint8Array, index: number): Uint8Array =>
  keyOf(prefix, subject, u64(index));

export const ownerKeyKey = (account: Uint8Array, kgcKeyNo: number, ownerKeyNo: number): Uint8Array =>
  keyOf(prefixes.ownerKey, account, u32(kgcKeyNo), u32(ownerKeyNo));

export const committeeKey = (purpose: number, keyNo: number, shareEpoch: number): Uint8Array =>
  keyOf(prefixes.committee, Uint8Array.of(purpose), u32(keyNo), u32(shareEpoch));

export const dealingKeyKey = (purpose: number, node: Uint8Array): Uint8Array =>
  keyOf(prefixes.dealingKey, Uint8Array.of(purpose), node);

export const heightKey = (prefix: Prefix, subject: Uint8Array, height: number): Uint8Array =>
  keyOf(prefix, subject, u64(height));

export const epochKey = (prefix: Prefix, epoch: number): Uint8Array => keyOf(prefix, u64(epoch));

export const convictionKey = (node: Uint8Array, epoch: number): Uint8Array =>
  keyOf(prefixes.conviction, node, u64(epoch));
