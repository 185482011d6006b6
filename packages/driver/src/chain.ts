import type { LedgerEvent } from "@consilium/ledger";
import type { Block, BlockHeader, Certificate, Handover, StateReader } from "@consilium/protocol";

/** The newest finalized block of a chain, as this node knows it. */
export interface FinalizedTip {
  readonly height: number;
  readonly digest: Uint8Array;
  /** State root after executing this block; the header of the next block carries it. */
  readonly stateRoot: Uint8Array;
  /** The block's own timestamp, Unix milliseconds. */
  readonly timestampMs: number;
  readonly epoch: number;
  /** View that finalized the tip; 0 at genesis. */
  readonly view: number;
}

/** What became of one transaction in a finalized block. A code other than `OK` means that it had no effect. */
export interface TransactionResult {
  readonly id: Uint8Array;
  readonly height: number;
  /** Position in the block, from 0. */
  readonly index: number;
  readonly code: string;
  readonly timestampMs: number;
}

/** A block that became final on this node, in height order, each exactly once per run. */
export interface FinalizedBlockEvent {
  readonly tip: FinalizedTip;
  readonly block: Block;
  readonly results: readonly TransactionResult[];
  readonly events: readonly LedgerEvent[];
}

/** Answer to a submission: admitted to the mempool, or refused with a stable code and a sentence. */
export type SubmitResult =
  | { readonly accepted: true; readonly id: Uint8Array; readonly code: "OK" }
  | { readonly accepted: false; readonly id?: Uint8Array; readonly code: string; readonly reason: string };

/** A state together with what proves it: the header carries the state's root, the finalization names the header. */
export interface ProvableState {
  /** The state after the header's parent. Good until the next block becomes final: read at once, do not keep. */
  readonly reader: StateReader;
  readonly header: BlockHeader;
  readonly finalization: Certificate;
}

/** Where a chain stands in its epochs. */
export interface EpochStatus {
  readonly epoch: number;
  /** L: heights of every epoch. */
  readonly lengthHeights: number;
  /** Height of the boundary block that ends the epoch at work. */
  readonly boundaryHeight: number;
  /** Node ids of the validators at work, lower-case hex, in order of their vote indices. */
  readonly validators: readonly string[];
  /** Those of the next epoch; absent until the epoch's first block elected them. */
  readonly nextValidators?: readonly string[];
}

/** Why a node follows instead of voting. */
export type FollowReason =
  | "NOT_A_VALIDATOR"
  | "NO_VOTE_KEY"
  | "SAFETY_RECORD_MISSING"
  | "SAFETY_RECORD_CORRUPT"
  /** The store is older than the mark beside the vote key: it was restored from a copy. */
  | "SAFETY_RECORD_STALE"
  /** A vote of the own key was seen that the safety record lacks: another copy of the key is at work. */
  | "OWN_VOTE_UNKNOWN"
  /** The chain stopped on this node because its data cannot be trusted; see the log. */
  | "HALTED";

export interface ChainStatusReport {
  readonly chainId: string;
  readonly running: boolean;
  readonly finalized: FinalizedTip;
  readonly epoch: number;
  readonly view: number;
  readonly epochs: EpochStatus;
  /** Node ids of the members connected now. */
  readonly peers: readonly string[];
  readonly syncing: boolean;
  readonly role: "voting" | "following";
  readonly followReason?: FollowReason;
  readonly mempoolTransactions: number;
  readonly mempoolBytes: number;
}

/** Counters since start; plain numbers that only grow, for metrics. */
export interface ChainCounters {
  blocksFinalized: number;
  transactionsFinalized: number;
  blocksProposed: number;
  votesSigned: number;
  viewsNullified: number;
  messagesAccepted: number;
  messagesIgnored: number;
  messagesRejected: number;
  messagesDropped: number;
  bodiesFetched: number;
  blocksSynced: number;
  submissionsAccepted: number;
  submissionsRefused: number;
}

/** A chain as the rest of a node sees it: submit, read, wait. One instance per chain (alliance, private). */
export interface Chain {
  readonly chainId: Uint8Array;
  start(): Promise<void>;
  /** Finishes the effect that is running, then lets go of timers and subscribers. The store stays open. */
  stop(): Promise<void>;
  /** Checks an encoded SignedTransaction against the finalized state, admits it and passes it on. */
  submit(encoded: Uint8Array): Promise<SubmitResult>;
  finalized(): FinalizedTip;
  /** State at the finalized tip. Take it anew after each block: it always reads the newest. */
  state(): StateReader;
  headerAt(height: number): BlockHeader | undefined;
  /** Finalized block, or undefined above the tip. */
  blockAt(height: number): Block | undefined;
  /** The newest finalization that this node holds: proves `finalized()` and all its ancestors. */
  finalization(): Certificate | undefined;
  /** How an epoch ended: boundary header, its finalization, the next set. Undefined while that is not final here. */
  handover(epoch: number): Handover | undefined;
  /** A state that a final header proves: one block behind {@link state}. Undefined until a block lands after a start. */
  provable(): ProvableState | undefined;
  /** Undefined while the transaction is not final. */
  transactionResult(id: Uint8Array): TransactionResult | undefined;
  /** Calls the listener for each block after it is committed; returns the function that unsubscribes. */
  onFinalized(listener: (event: FinalizedBlockEvent) => void): () => void;
  /**
   * Resolves when the transaction is final, at once when it already is.
   * Throws `WAIT_TIMEOUT` after `timeoutMs`, `CHAIN_STOPPED` when the chain stops,
   * and, for transactions submitted at this node, `TRANSACTION_EXPIRED` once the chain passed its expiry height, and
   * `TRANSACTION_DROPPED` when it became invalid while it waited.
   */
  whenFinalized(id: Uint8Array, options: { readonly timeoutMs: number }): Promise<TransactionResult>;
  /** Resolves with the first defined value of `probe`, asked now and after every finalized block. */
  waitFor<Value>(probe: () => Value | undefined, options: { readonly timeoutMs: number }): Promise<Value>;
  status(): ChainStatusReport;
  readonly counters: Readonly<ChainCounters>;
}
