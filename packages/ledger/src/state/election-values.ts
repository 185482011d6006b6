/** State of governance, elections, credit and evidence. Node ids and transaction ids are 32 bytes. */
import {
  B32,
  B48,
  bytesUpTo,
  ContainerType,
  ListCompositeType,
  limits,
  NewMember,
  OptionalType,
  U8,
  U16,
  U32,
  U64,
  type ValueOf,
} from "@consilium/protocol";

/** What elections run by, and from which epoch on sets are kept. */
export const ElectionState = new ContainerType({
  /** N: seats that an election fills. Below the least number of validators there are no elections. */
  seats: U16,
  /** The oldest epoch whose set is still here. */
  oldestEpoch: U64,
});
export type ElectionState = ValueOf<typeof ElectionState>;

/** How an epoch began: written by its first block. */
export const EpochEntry = new ContainerType({
  epoch: U64,
  /** Digest of the boundary block before, for epoch 0 the chain id: the order of proposers is drawn from it. */
  seed: B32,
  startHeight: U64,
  /** Timestamp of the boundary block before it, for epoch 0 of genesis: with that the epoch before was over. */
  startedAtMs: U64,
  /** Why the set of the next epoch is the old one: the code of the election's refusal, ASCII; empty when elected. */
  refusal: bytesUpTo(64),
});
export type EpochEntry = ValueOf<typeof EpochEntry>;

/** A member that stands, or stood, for election. */
export const CandidateEntry = new ContainerType({
  node: B32,
  voteKey: B48,
  /** 1 while it stands; 0 once it resigned or left. */
  standing: U8,
  /** The last epoch in which it said that it is up. */
  readyEpoch: new OptionalType(U64),
  /** 0 to 1000. */
  credit: U16,
  /** Epochs in which it sat in the set; fewer win a tie. */
  epochsServed: U32,
  /** Height of the conviction that banned it; 0 when it is not banned. */
  bannedHeight: U64,
});
export type CandidateEntry = ValueOf<typeof CandidateEntry>;

/** A view of which late votes still count (`ViewTally` of consensus). */
export const OpenViewEntry = new ContainerType({
  epoch: U64,
  view: U64,
  /** Height of the block that first told of it. */
  openedHeight: U64,
  /** Bitmap over the epoch's set: whose vote of any kind was included. */
  voters: bytesUpTo(4),
  /** Bit k is set when a fact of vote kind k had a quorum. */
  certified: U8,
});
export type OpenViewEntry = ValueOf<typeof OpenViewEntry>;

/** Views whose facts are still counted, in one value; the newest closed view is the floor below which none counts. */
export const OpenViews = new ContainerType({
  closedUpTo: new ContainerType({ epoch: U64, view: U64 }),
  open: new ListCompositeType(OpenViewEntry, 4 * limits.validators),
});
export type OpenViews = ValueOf<typeof OpenViews>;

/** What one node did in the running epoch, as far as the chain tells; the counts are those of consensus. */
export const TallyEntry = new ContainerType({
  node: B32,
  proposalsFinalized: U32,
  viewsNullified: U32,
  votesIncluded: U32,
  votesMissed: U32,
  ceremoniesConfirmed: U32,
  challengesAnswered: U32,
  challengesUnanswered: U32,
  disputesUpheld: U32,
});
export type TallyEntry = ValueOf<typeof TallyEntry>;

/** The tallies of the running epoch, in order of node ids. */
export const CreditTallies = new ListCompositeType(TallyEntry, 2 * limits.membersMax);
export type CreditTallies = ValueOf<typeof CreditTallies>;

export const ProposalStatus = { open: 1, passed: 2, applied: 3, lapsed: 4, failed: 5 } as const;
export type ProposalStatus = (typeof ProposalStatus)[keyof typeof ProposalStatus];

/** What members decide together; its id is the transaction id of member/propose. */
export const ProposalEntry = new ContainerType({
  id: B32,
  action: U8,
  subject: B32,
  stake: U64,
  seats: U16,
  newcomer: new OptionalType(NewMember),
  /** Node ids of the members that approve, the proposer first. */
  approvals: new ListCompositeType(B32, limits.membersMax),
  /** One of {@link ProposalStatus}. */
  status: U8,
  /** Epoch and height in which it was made. */
  epoch: U64,
  height: U64,
  /** Height at which it was applied, lapsed or failed; 0 before. */
  closedHeight: U64,
});
export type ProposalEntry = ValueOf<typeof ProposalEntry>;

/** Open proposals that every member may have, however many others have. */
export const openProposalsReserved = 2;

/** Ids of proposals that are open or passed and not applied yet, oldest first. */
export const OpenProposals = new ListCompositeType(
  B32,
  limits.openProposals + 2 * openProposalsReserved * limits.membersMax,
);

/** A validator convicted of contradicting itself: at most one per node and epoch. */
export const ConvictionEntry = new ContainerType({
  node: B32,
  /** Epoch and view of the votes. */
  epoch: U64,
  view: U64,
  /** Kinds of the two votes. */
  firstKind: U8,
  secondKind: U8,
  /** Transaction that brought the evidence, and the member that sent it. */
  transactionId: B32,
  reporter: B32,
  stakeLost: U64,
  height: U64,
  timestampMs: U64,
});
export type ConvictionEntry = ValueOf<typeof ConvictionEntry>;
