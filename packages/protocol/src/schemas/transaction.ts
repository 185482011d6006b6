import { ContainerType, ListCompositeType, OptionalType, type ValueOf } from "@chainsafe/ssz";
import { utf8 } from "@consilium/crypto";
import { limits } from "../limits.js";
import { B32, B48, B64, B96, B192, bytesUpTo, U8, U16, U32, U64 } from "./basic.js";
import { Vote } from "./vote.js";

/** Transaction kinds. Numbers are never reused. 0x80 and above live on private chains. */
export const TransactionKind = {
  memberPropose: 0x01,
  memberApprove: 0x02,
  stakeVote: 0x03,
  candidateRegister: 0x04,
  candidateReady: 0x05,
  candidateResign: 0x06,
  safetyReset: 0x07,
  identityRegister: 0x10,
  labelClose: 0x13,
  ceremonyEk: 0x20,
  ceremonyAnnounce: 0x21,
  ceremonyDeal: 0x22,
  ceremonyDispute: 0x23,
  ceremonyConfirm: 0x24,
  ceremonySwitch: 0x25,
  chainAnchor: 0x30,
  recordIndex: 0x31,
  accessRequest: 0x40,
  grantCreate: 0x41,
  grantRevoke: 0x42,
  accessOpen: 0x43,
  evidenceConsensus: 0x50,
  recordPut: 0x80,
} as const;
export type TransactionKind = (typeof TransactionKind)[keyof typeof TransactionKind];

/** The names people and logs use, as in `grant/create`. */
export const transactionKindNames: Readonly<Record<number, string>> = {
  [TransactionKind.memberPropose]: "member/propose",
  [TransactionKind.memberApprove]: "member/approve",
  [TransactionKind.stakeVote]: "stake/vote",
  [TransactionKind.candidateRegister]: "candidate/register",
  [TransactionKind.candidateReady]: "candidate/ready",
  [TransactionKind.candidateResign]: "candidate/resign",
  [TransactionKind.safetyReset]: "safety/reset",
  [TransactionKind.identityRegister]: "identity/register",
  [TransactionKind.labelClose]: "label/close",
  [TransactionKind.ceremonyEk]: "ceremony/ek",
  [TransactionKind.ceremonyAnnounce]: "ceremony/announce",
  [TransactionKind.ceremonyDeal]: "ceremony/deal",
  [TransactionKind.ceremonyDispute]: "ceremony/dispute",
  [TransactionKind.ceremonyConfirm]: "ceremony/confirm",
  [TransactionKind.ceremonySwitch]: "ceremony/switch",
  [TransactionKind.chainAnchor]: "chain/anchor",
  [TransactionKind.recordIndex]: "record/index",
  [TransactionKind.accessRequest]: "access/request",
  [TransactionKind.grantCreate]: "grant/create",
  [TransactionKind.grantRevoke]: "grant/revoke",
  [TransactionKind.accessOpen]: "access/open",
  [TransactionKind.evidenceConsensus]: "evidence/consensus",
  [TransactionKind.recordPut]: "record/put",
};

/** The envelope. `sender` is the account id; nonces of one account are strictly sequential from 0. */
export const Transaction = new ContainerType({
  chainId: B32,
  kind: U8,
  sender: B32,
  nonce: U64,
  /** Last height at which it may be included. */
  expiryHeight: U64,
  /** SSZ of the kind's payload container. */
  payload: bytesUpTo(limits.transactionPayloadBytes),
});
export type Transaction = ValueOf<typeof Transaction>;

/** Signature: Ed25519 of the sender's current key over {@link transactionSigningBytes}. */
export const SignedTransaction = new ContainerType({ transaction: Transaction, signature: B64 });
export type SignedTransaction = ValueOf<typeof SignedTransaction>;

/** The transaction id: SSZ hash tree root of the envelope without its signature. */
export const transactionIdOf = (transaction: Transaction): Uint8Array =>
  Transaction.hashTreeRoot(transaction);

const TRANSACTION_DOMAIN = utf8("CONSILIUM-V01-CS01-TRANSACTION");

/** What the sender signs: the domain tag followed by the transaction id. */
export const transactionSigningBytes = (transaction: Transaction): Uint8Array =>
  transactionIdSigningBytes(transactionIdOf(transaction));

/** The same for whoever has the id already: the hash tree root is most of the work. */
export function transactionIdSigningBytes(id: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(TRANSACTION_DOMAIN.length + id.length);
  bytes.set(TRANSACTION_DOMAIN);
  bytes.set(id, TRANSACTION_DOMAIN.length);
  return bytes;
}

/** What members decide together. Numbers are never reused. */
export const ProposalAction = { admit: 1, expel: 2, setStake: 3, setSeats: 4, reinstate: 5 } as const;
export type ProposalAction = (typeof ProposalAction)[keyof typeof ProposalAction];

/** A hospital that is to join: the fields of a founding member, its stake apart. */
export const NewMember = new ContainerType({
  name: bytesUpTo(limits.nameBytes),
  nodeKey: B32,
  exchangeKey: B32,
  voteKey: B48,
  votePossession: B96,
});
export type NewMember = ValueOf<typeof NewMember>;

/**
 * member/propose, by a member, whose own approval it is: admit (`newcomer`, `stake`), expel (`subject`), set a member's
 * stake (`subject`, `stake`), set the number of validator seats (`seats`), or lift a ban (`subject`). Fields that the
 * action does not use are zero or absent. Its transaction id names it. It passes with two thirds of the stake and takes
 * effect at the next epoch boundary; it lapses when it has not passed within the evidence window's epochs.
 */
export const MemberPropose = new ContainerType({
  action: U8,
  /** Node id of the member it is about, or zero. */
  subject: B32,
  stake: U64,
  seats: U16,
  newcomer: new OptionalType(NewMember),
});
export type MemberPropose = ValueOf<typeof MemberPropose>;

/** member/approve, by another member: adds the stake it holds to a proposal. */
export const MemberApprove = new ContainerType({ proposalId: B32 });
export type MemberApprove = ValueOf<typeof MemberApprove>;

/** stake/vote, by a member: spreads its bonded stake over candidates (node ids), in place of its votes before. */
export const StakeVote = new ContainerType({
  votes: new ListCompositeType(new ContainerType({ candidate: B32, stake: U64 }), limits.stakeVotesPerMember),
});
export type StakeVote = ValueOf<typeof StakeVote>;

/** candidate/register, by a member: stands for election with this BLS key, whose possession it proves. */
export const CandidateRegister = new ContainerType({ voteKey: B48, votePossession: B96 });
export type CandidateRegister = ValueOf<typeof CandidateRegister>;

/** candidate/ready: the node is up; it counts for the snapshot that ends this epoch, which must be the present one. */
export const CandidateReady = new ContainerType({ epoch: U64 });
export type CandidateReady = ValueOf<typeof CandidateReady>;

/** candidate/resign: out of the elections from the next snapshot on. `epoch` must be the present one. */
export const CandidateResign = new ContainerType({ epoch: U64 });
export type CandidateResign = ValueOf<typeof CandidateResign>;

/**
 * safety/reset, by a member whose node lost its safety record: its vote key signs again from the epoch after the one
 * that finalizes this, and nothing before. `epoch` must be the present one.
 */
export const SafetyReset = new ContainerType({ epoch: U64 });
export type SafetyReset = ValueOf<typeof SafetyReset>;

/** evidence/consensus, by any member: two signed votes of one validator that contradict. */
export const EvidenceConsensus = new ContainerType({ first: Vote, second: Vote });
export type EvidenceConsensus = ValueOf<typeof EvidenceConsensus>;

/** Roles of a user account. */
export const Role = { member: 0, owner: 1, recipient: 2 } as const;
export type Role = (typeof Role)[keyof typeof Role];

/**
 * identity/register, sent by the new account itself (nonce 0), attested by the member that enrolled the person.
 * The account id is H("ACCT", chain ‖ signKey).
 */
export const IdentityRegister = new ContainerType({
  signKey: B32,
  /** X25519 key that requests and grants are sealed to. */
  exchangeKey: B32,
  role: U8,
  /** Node id of the attesting member. */
  member: B32,
  /** Ed25519 of the member over {@link attestationBytes}. */
  attestation: B64,
  kgcKeyNo: U32,
  /** From 1; 0 means custodial (no factor, Pi = P) or, for recipients, none. */
  ownerKeyNo: U32,
  /** 208 bytes X ‖ Pi ‖ proof (CS01 §6), or empty. */
  ownerFactor: bytesUpTo(208),
});
export type IdentityRegister = ValueOf<typeof IdentityRegister>;

const ATTESTATION_DOMAIN = utf8("CONSILIUM-V01-CS01-ATTEST");

/** What the enrolling member signs: domain ‖ chain ‖ signKey ‖ exchangeKey ‖ role ‖ member. */
export function attestationBytes(
  chainId: Uint8Array,
  identity: Pick<IdentityRegister, "signKey" | "exchangeKey" | "role" | "member">,
): Uint8Array {
  return Uint8Array.of(
    ...ATTESTATION_DOMAIN,
    ...chainId,
    ...identity.signKey,
    ...identity.exchangeKey,
    identity.role,
    ...identity.member,
  );
}

/** label/close, by the owner: no new record under that label. */
export const LabelClose = new ContainerType({ label: B32 });
export type LabelClose = ValueOf<typeof LabelClose>;

/** Purposes of ceremonies and committees: 1 is the key centre's `s`, 2 the proxy committee's `z`. */
export const Purpose = { keyCentre: 1, proxy: 2 } as const;
export type Purpose = (typeof Purpose)[keyof typeof Purpose];

/** ceremony/ek: the sender's dealing key for a purpose; 112 bytes EK ‖ c ‖ y (CS01 §13.1). */
export const CeremonyEk = new ContainerType({ purpose: U8, message: bytesUpTo(112) });
export type CeremonyEk = ValueOf<typeof CeremonyEk>;

/** ceremony/announce: starts the run that the state calls for; the fields must equal what the state derives. */
export const CeremonyAnnounce = new ContainerType({
  purpose: U8,
  mode: U8,
  keyNo: U32,
  shareEpoch: U32,
  attempt: U8,
});
export type CeremonyAnnounce = ValueOf<typeof CeremonyAnnounce>;

/** ceremony/deal, /dispute, /confirm, /switch: the message bytes of CS01 §13. */
export const CeremonyMessage = new ContainerType({ body: bytesUpTo(limits.ceremonyMessageBytes) });
export type CeremonyMessage = ValueOf<typeof CeremonyMessage>;

/** chain/anchor: digest and height of a finalized block of the sender's private chain. */
export const ChainAnchor = new ContainerType({ chainId: B32, height: U64, digest: B32 });
export type ChainAnchor = ValueOf<typeof ChainAnchor>;

/** record/index, signed by the author: everything the capsule's context binds, and where the ciphertext is. */
export const RecordIndex = new ContainerType({
  /** Counter of the author's record ids: recordId = H("RID", chain ‖ author key ‖ nonce). */
  recordNonce: U64,
  owner: B32,
  label: B32,
  kgcKeyNo: U32,
  /** Which of the owner's keys is Pi; 0 is P (custodial). */
  ownerKeyNo: U32,
  /** H("HDR", header). The header itself stands on the custodian's private chain. */
  headerDigest: B32,
  /** Length of the payload ciphertext in bytes. */
  lengthBytes: U64,
  digest: B32,
  commitment: B32,
  capsule: B192,
  /** Node id of the member that keeps the ciphertext. */
  custodian: B32,
  /** Height of record/put on the custodian's private chain. */
  privateHeight: U64,
  /** Days since 1970-01-01 of the newest content, rounded to the month's first day. */
  dateBucket: U32,
});
export type RecordIndex = ValueOf<typeof RecordIndex>;

/** access/request: asks an owner; `sealed` is HPKE to the owner's exchange key over an {@link AccessRequestNote}. */
export const AccessRequest = new ContainerType({ owner: B32, sealed: bytesUpTo(limits.sealedRequestBytes) });
export type AccessRequest = ValueOf<typeof AccessRequest>;

/** What an access/request says to the owner alone. */
export const AccessRequestNote = new ContainerType({
  type: bytesUpTo(limits.nameBytes),
  purpose: bytesUpTo(64),
  note: bytesUpTo(1_024),
});
export type AccessRequestNote = ValueOf<typeof AccessRequestNote>;

/** A grant's scope: fixed encoding of its purpose, repeated by access/open and compared by the chain. */
export const GrantScope = new ContainerType({
  version: U8,
  /** Bit 0: emergency grant. */
  flags: U8,
  /** HL7 v3 PurposeOfUse code such as TREAT. */
  purpose: bytesUpTo(64),
});
export type GrantScope = ValueOf<typeof GrantScope>;

/** grant/create: the public fields of CS01 §9 that state does not already hold, the body and the owner's signature. */
export const GrantCreate = new ContainerType({
  /** Counter of the owner's grant ids: gid = H("GID", chain ‖ owner key ‖ nonce). */
  grantNonce: U64,
  label: B32,
  kgcKeyNo: U32,
  ownerKeyNo: U32,
  zKeyNo: U32,
  recipient: B32,
  /** The recipient's registered X25519 key, or zero. */
  recipientExchangeKey: B32,
  notBeforeMs: U64,
  expiryMs: U64,
  scope: bytesUpTo(limits.grantScopeBytes),
  body: bytesUpTo(limits.grantBodyBytes),
  signature: B64,
});
export type GrantCreate = ValueOf<typeof GrantCreate>;

export const GrantRevoke = new ContainerType({ grantId: B32 });
export type GrantRevoke = ValueOf<typeof GrantRevoke>;

/** access/open: the audit record. Nothing is released before it is final. */
export const AccessOpen = new ContainerType({
  grantId: B32,
  scope: bytesUpTo(limits.grantScopeBytes),
  keyNo: U32,
  shareEpoch: U32,
  /** 0: all proxies; k > 0: proxy k alone, in a challenge. */
  addressee: U16,
  /** Fresh X25519 key that fragments are sealed to. */
  requestKey: B32,
  nonce: U64,
  recordIds: new ListCompositeType(B32, limits.recordsPerAccess),
});
export type AccessOpen = ValueOf<typeof AccessOpen>;

/** Clear-text header of a sealed record: what a reader needs before it has the key. Names no type. */
export const RecordHeader = new ContainerType({
  version: U8,
  /** Plaintext bytes per chunk, as a power of two. */
  log2ChunkBytes: U8,
  /** SHA-256 of each ciphertext chunk, the stream head counted with the first. */
  chunkDigests: new ListCompositeType(B32, 1_000),
});
export type RecordHeader = ValueOf<typeof RecordHeader>;

/** record/put, on the member's private chain: the whole entry with its header; the body lies in the blob store. */
export const RecordPut = new ContainerType({
  recordId: B32,
  recordNonce: U64,
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
});
export type RecordPut = ValueOf<typeof RecordPut>;
