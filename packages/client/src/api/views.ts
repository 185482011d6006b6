/**
 * JSON shapes of the HTTP API. Byte strings are lower-case hex, counters and times plain numbers (safe integers),
 * times Unix milliseconds. A field that may be missing is `null`, never left out, unless it is marked optional.
 */

/** Lower-case hex of bytes; the comment at each use says how many. */
export type Hex = string;

/** What every refusal looks like, whatever its HTTP status. `code` is stable; `message` says what to do. */
export interface ErrorBody {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details?: Readonly<Record<string, string | number | boolean>>;
  };
}

export interface ChainView {
  readonly chainId: Hex;
  readonly finalizedHeight: number;
  readonly finalizedDigest: Hex;
  /** Timestamp of the finalized tip. */
  readonly finalizedTimeMs: number;
  /** State root after the finalized tip was applied. */
  readonly stateRoot: Hex;
}

/** Whether a node votes on a chain, and if not, why. */
export interface VotingView {
  readonly role: "voting" | "following";
  /** A stable code such as NOT_A_VALIDATOR or SAFETY_RECORD_STALE; null while it votes. */
  readonly followReason: string | null;
  /** What its operator can do about it; null where nothing is wrong. */
  readonly remedy: string | null;
}

export interface StatusView {
  /** Node id: the member's Ed25519 key. */
  readonly node: Hex;
  readonly name: string;
  readonly version: string;
  readonly timeMs: number;
  readonly alliance: ChainView & VotingView & { readonly epoch: number; readonly view: number };
  readonly private: ChainView & VotingView;
  /** `awaited`: this node's state does not know it as a member yet. `left`: it was expelled. */
  readonly membership: "member" | "awaited" | "left";
  /** Members connected now. */
  readonly peers: readonly { readonly node: Hex; readonly name: string }[];
  readonly mempoolTransactions: number;
  /** Index from 1 in the serving committee of each purpose, or null. */
  readonly keyCentreIndex: number | null;
  readonly proxyIndex: number | null;
  /** True when this node's config allows demo faults. */
  readonly demo: boolean;
}

export interface MemberView {
  readonly name: string;
  readonly node: Hex;
  /** The member's account id on the alliance chain. */
  readonly account: Hex;
  /** X25519 key of the hospital; catalogues are sealed to it. */
  readonly exchangeKey: Hex;
  readonly stake: number;
}

export interface GenesisView {
  readonly chainId: Hex;
  readonly name: string;
  /** SSZ of Genesis; its hash tree root is the chain id. */
  readonly genesis: Hex;
  readonly members: readonly MemberView[];
}

export interface CommitteeView {
  readonly purpose: "key-centre" | "proxy";
  readonly keyNo: number;
  readonly shareEpoch: number;
  readonly threshold: number;
  /** P (G2, 96 bytes) of the key centre, Z (G1, 48 bytes) of the proxies. */
  readonly publicKey: Hex;
  readonly members: readonly {
    readonly index: number;
    readonly node: Hex;
    readonly name: string;
    /** VK_k, in the group of the public key. */
    readonly verificationKey: Hex;
  }[];
  /** Height of the switch from which this committee serves. */
  readonly sinceHeight: number;
}

/** The committees that serve now; null until the first ceremony of a purpose has switched. */
export interface CommitteesView {
  readonly keyCentre: CommitteeView | null;
  readonly proxy: CommitteeView | null;
}

export interface CeremonyView {
  readonly purpose: "key-centre" | "proxy";
  readonly sessionId: Hex;
  readonly keyNo: number;
  readonly shareEpoch: number;
  readonly attempt: number;
  /** One of DEAL, DISPUTE, CONFIRM, ACTIVE, ABORTED, SERVING. */
  readonly state: string;
  readonly startHeight: number;
  readonly members: readonly { readonly index: number; readonly node: Hex }[];
  readonly threshold: number;
  /** Indices that have a valid deal, and that confirmed. */
  readonly deals: readonly number[];
  readonly confirms: readonly number[];
  /** Indices found guilty, each with its code. */
  readonly offenders: readonly { readonly index: number; readonly code: string }[];
  /** Why it was aborted, or null. */
  readonly abortCode: string | null;
}

export interface CeremoniesView {
  readonly ceremonies: readonly CeremonyView[];
}

export interface BlockView {
  readonly height: number;
  readonly digest: Hex;
  readonly parentDigest: Hex;
  readonly epoch: number;
  /** Node id of who proposed it. */
  readonly author: Hex;
  readonly timeMs: number;
  /** State root after the parent, as the header carries it. */
  readonly parentStateRoot: Hex;
  /** Ids in the order of the block; `/v1/transactions/:id` has their codes. */
  readonly transactions: readonly Hex[];
}

export interface EpochView {
  readonly epoch: number;
  /** The epoch of the next block: the same unless another one was asked for. */
  readonly presentEpoch: number;
  readonly lengthHeights: number;
  readonly firstHeight: number;
  readonly boundaryHeight: number;
  readonly finalizedHeight: number;
  /** Seats that elections fill. */
  readonly seats: number;
  readonly validators: readonly NamedNode[];
  /** Those of the epoch after it; null until its first block has elected them. */
  readonly nextValidators: readonly NamedNode[] | null;
  /** Block time at which the epoch began, null before its first block. */
  readonly startedAtMs: number | null;
  /** Why the next epoch keeps the old validators although an election was due, or null. */
  readonly refusal: string | null;
}

export interface NamedNode {
  readonly node: Hex;
  readonly name: string;
}

export interface MembersView {
  /** The members of now, in the order in which they joined. */
  readonly members: readonly MemberDetailView[];
}

export interface MemberDetailView extends MemberView {
  readonly keyCentre: boolean;
  /** 0 for a founding member. */
  readonly joinedHeight: number;
  readonly candidacy: "standing" | "resigned" | "banned" | "none";
  /** How it spreads its stake. */
  readonly votes: readonly { readonly candidate: Hex; readonly stake: number }[];
}

export type ProposalActionName = "admit" | "expel" | "set-stake" | "set-seats" | "reinstate";

export interface ProposalView {
  /** Id of the member/propose transaction. */
  readonly id: Hex;
  readonly action: ProposalActionName;
  /** The member it is about, or the newcomer; null for set-seats. */
  readonly subject: NamedNode | null;
  readonly stake: number | null;
  readonly seats: number | null;
  readonly approvals: readonly NamedNode[];
  /** Stake of the present members that approve, and of all. Two thirds pass. */
  readonly approvedStake: number;
  readonly wholeStake: number;
  readonly status: "open" | "passed" | "applied" | "lapsed" | "failed";
  readonly epoch: number;
  readonly height: number;
  /** Height at which it was applied, lapsed or failed; null before. */
  readonly closedHeight: number | null;
}

export interface ProposalsView {
  /** Newest first. */
  readonly proposals: readonly ProposalView[];
}

/** The public keys of a node that is to join, as `consilium init --name` writes them to member.json. */
export interface NewcomerBody {
  readonly name: string;
  readonly nodeId: Hex;
  readonly exchangeKey: Hex;
  readonly voteKey: Hex;
  readonly votePossession: Hex;
}

export type ProposalBody =
  | { readonly action: "admit"; readonly newcomer: NewcomerBody; readonly stake: number }
  | { readonly action: "set-stake"; readonly member: Hex; readonly stake: number }
  | { readonly action: "expel" | "reinstate"; readonly member: Hex }
  | { readonly action: "set-seats"; readonly seats: number };

/** What a member's operator lets the node say to the alliance in its own name. Members and candidates are node ids. */
export type MemberAct =
  | { readonly act: "vote"; readonly votes: readonly { readonly candidate: Hex; readonly stake: number }[] }
  | { readonly act: "register" | "resign" | "reset-safety-record" }
  | { readonly act: "propose"; readonly proposal: ProposalBody }
  | { readonly act: "approve"; readonly proposal: Hex };

export interface MemberActView {
  readonly transaction: Hex;
  /** Height at which it became final, null while it has not. */
  readonly height: number | null;
}

export interface DelegatesView {
  readonly epoch: number;
  readonly delegates: readonly DelegateView[];
}

export interface DelegateView extends NamedNode {
  /** Vote index, from 0. */
  readonly index: number;
  /** 48 bytes. */
  readonly voteKey: Hex;
  readonly stake: number;
  /** 0 to 1000; null for a node that never registered as a candidate. */
  readonly credit: number | null;
  readonly epochsServed: number;
  /** What the chain tells of it in the running epoch; null for another epoch. */
  readonly tally: {
    readonly proposalsFinalized: number;
    readonly viewsNullified: number;
    readonly votesIncluded: number;
    readonly votesMissed: number;
  } | null;
}

export interface CandidatesView {
  /** The epoch of the next block. */
  readonly epoch: number;
  readonly candidates: readonly CandidateView[];
}

export interface CandidateView extends NamedNode {
  /** Its own bond. */
  readonly stake: number;
  /** Stake votes for it, its own included. */
  readonly votes: number;
  /** The same, at most ten bonds. */
  readonly cappedVotes: number;
  readonly credit: number;
  readonly class: "trusted" | "normal" | "probation" | "banned";
  /** Capped votes × credit / 1000: what elections rank by. */
  readonly weight: number;
  readonly epochsServed: number;
  /** The last epoch in which it said that it is up. */
  readonly readyEpoch: number | null;
  /** Why it could not be elected now: UNREGISTERED, BANNED, RESIGNED or NOT_READY; null when it could. */
  readonly ineligible: string | null;
  /** Whether the next election would seat it, were it held on the state of now. */
  readonly seated: boolean;
}

/** A final block's header and what proves it final. */
export interface LightHeadView {
  /** SSZ of BlockHeader. */
  readonly header: Hex;
  /** SSZ of the Certificate that finalizes exactly this header. */
  readonly finalization: Hex;
}

export interface LightHandoversView {
  /** SSZ of Handover, in order of epochs. */
  readonly handovers: readonly Hex[];
}

/** What the state after the parent of `header` says of each key that was asked for, in the same order. */
export interface LightProofView extends LightHeadView {
  readonly proofs: readonly StateProofView[];
}

/** One key's value, or null where it has none, and its path in the state tree. */
export interface StateProofView {
  readonly value: Hex | null;
  /** Hashes beside the path from the root downwards, 32 bytes each, joined. */
  readonly siblings: Hex;
  /** keyHash(32) ‖ valueHash(32) of the other key whose leaf stands where this one would, or null. */
  readonly otherLeaf: Hex | null;
}

export type RoleName = "member" | "owner" | "recipient";

export interface AccountView {
  readonly account: Hex;
  readonly role: RoleName;
  readonly signKey: Hex;
  readonly exchangeKey: Hex;
  /** Node id of the member that attested the account (for a member: its own). */
  readonly member: Hex;
  /** Key number of the key centre under which the current owner key stands; 0 for recipients and members. */
  readonly kgcKeyNo: number;
  /** The number of the current owner key; 0 for custodial owners, recipients and members. */
  readonly ownerKeyNo: number;
  /** The current owner key Pi (96 bytes; P for a custodial owner), null for recipients and members. */
  readonly pi: Hex | null;
  /** Next envelope nonce, counting this node's mempool. */
  readonly nextNonce: number;
  /** Smallest grant nonce that is still unused. */
  readonly nextGrantNonce: number;
  readonly registeredHeight: number;
}

export interface TransactionAccepted {
  /** Transaction id. */
  readonly id: Hex;
}

/**
 * `unknown`: neither in a finalized block nor in this node's mempool (submit again). `final`: in a finalized block;
 * `code` is null when it took effect, otherwise the stable code of its refusal.
 */
export interface TransactionView {
  readonly id: Hex;
  readonly state: "unknown" | "pending" | "final";
  readonly height: number | null;
  readonly timeMs: number | null;
  readonly code: string | null;
}

/** One entry of the security index: record/index as it stands in state. */
export interface RecordView {
  readonly recordId: Hex;
  readonly status: "live" | "superseded" | "erased";
  /** Node id of the author. */
  readonly author: Hex;
  readonly owner: Hex;
  readonly label: Hex;
  readonly kgcKeyNo: number;
  readonly ownerKeyNo: number;
  /** The owner key Pi it was sealed under, 96 bytes. */
  readonly pi: Hex;
  readonly headerDigest: Hex;
  readonly lengthBytes: number;
  readonly digest: Hex;
  readonly commitment: Hex;
  /** 192 bytes. */
  readonly capsule: Hex;
  /** Node id. */
  readonly custodian: Hex;
  readonly privateHeight: number;
  readonly dateBucket: number;
  /** Height and block time of the index entry on the alliance chain. */
  readonly height: number;
  readonly timeMs: number;
}

export interface GrantView {
  readonly grantId: Hex;
  readonly owner: Hex;
  /** The owner's Ed25519 key at the time; the grant is signed by it. */
  readonly ownerSignKey: Hex;
  readonly recipient: Hex;
  readonly label: Hex;
  readonly kgcKeyNo: number;
  readonly ownerKeyNo: number;
  /** 96 bytes. */
  readonly pi: Hex;
  readonly zKeyNo: number;
  /** 48 bytes. */
  readonly z: Hex;
  readonly recipientExchangeKey: Hex;
  readonly notBeforeMs: number;
  readonly expiryMs: number;
  /** SSZ of GrantScope. */
  readonly scope: Hex;
  readonly body: Hex;
  /** The owner's Ed25519 signature over the grant. */
  readonly signature: Hex;
  readonly height: number;
  readonly timeMs: number;
  /** Height of the revocation, or null while it was not revoked. */
  readonly revokedHeight: number | null;
}

/** An access/request in the owner's inbox. */
export interface AccessRequestView {
  /** Id of the transaction. */
  readonly id: Hex;
  readonly requester: Hex;
  /** Node id and name of the member that vouches for the requester. */
  readonly member: Hex;
  readonly memberName: string;
  /** enc(32) ‖ ciphertext: HPKE to the owner's exchange key. */
  readonly sealed: Hex;
  readonly height: number;
  readonly timeMs: number;
}

/** One finalized access/open under a grant of the owner. */
export interface AccessView {
  readonly requestId: Hex;
  readonly grantId: Hex;
  readonly recipient: Hex;
  readonly member: Hex;
  readonly memberName: string;
  readonly label: Hex;
  readonly scope: Hex;
  readonly recordIds: readonly Hex[];
  readonly height: number;
  readonly timeMs: number;
}

/** A record on the hospital's own private chain. */
export interface HospitalRecordView {
  readonly recordId: Hex;
  readonly recordNonce: number;
  readonly owner: Hex;
  readonly label: Hex;
  readonly lengthBytes: number;
  readonly digest: Hex;
  readonly dateBucket: number;
  readonly privateHeight: number;
  /** Height of the index entry on the alliance chain, null while it is not final. */
  readonly indexHeight: number | null;
}

/** The owner's catalogue for one hospital, opened: what the hospital's importer may seal under. */
export interface CatalogueView {
  readonly owner: Hex;
  readonly number: number;
  readonly entries: readonly { readonly type: string; readonly version: number; readonly salt: Hex }[];
}
