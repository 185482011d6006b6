import type {
  BlockHeader,
  Certificate,
  Epoch,
  Height,
  HexId,
  Proposal,
  Verdict,
  View,
  Vote,
  VoteSubject,
} from "@consilium/protocol";

/** What never changes while the engine runs. Durations in milliseconds, sizes in bytes. */
export interface EngineConfig {
  readonly chainId: Uint8Array;
  /** This node's id (Ed25519 public key), lower-case hex. */
  readonly self: HexId;
  readonly deltaMs: number;
  readonly blockIntervalMs: number;
  readonly heartbeatMs: number;
  /** r: a proposer that signed nothing in this many views of known history is not waited for. */
  readonly inactivityViews: number;
  readonly blockPayloadBytes: number;
}

/** A block by name, with the two header fields that its child is judged by. */
export interface BlockReference {
  readonly digest: Uint8Array;
  readonly height: Height;
  readonly timestampMs: number;
}

/** The newest final block and what proves it; the certificate is absent only on top of genesis. */
export interface FinalizedTip extends BlockReference {
  /** View of this epoch that finalized it; 0 for the epoch's first parent. */
  readonly view: View;
  readonly finalization: Certificate | undefined;
}

/** One validator set at work. */
export interface EpochContext {
  readonly epoch: Epoch;
  /** Node ids of the set in set order, lower-case hex: index i here is `Vote.validator` i. */
  readonly validators: readonly HexId[];
  /** Permutation of the set's indices; view v is proposed by `proposerOrder[(v − 1) mod n]`. */
  readonly proposerOrder: readonly number[];
  /** Height of the epoch's boundary block: nothing above it is proposed, judged or finalized in this epoch. */
  readonly lastHeight: Height;
}

/** Timers of the engine. Each belongs to one view; one that fires after the view was left is dropped in `step`. */
export type TimerKind = "interval" | "heartbeat" | "propose" | "advance" | "rebroadcast" | "retry";

/** A known header of a block above the tip, and whether its body is stored here. */
export interface KnownBlock {
  readonly header: BlockHeader;
  readonly digest: Uint8Array;
  bodyHere: boolean;
}

/** What this node itself voted in a view: asked of the signer, and signed once the answer came. */
export interface OwnVote {
  readonly subject: VoteSubject;
  /** Undefined while the signer works; null when the safety record refused. */
  vote: Vote | null | undefined;
  /** The safety record held it at the start, so it was signed before, whatever the signer says now. */
  readonly recorded: boolean;
}

/** All that is known of one view above the finalized tip. */
export interface Slot {
  readonly view: View;
  /** First verified vote of each validator, by validator index; a contradicting second one is evidence. */
  readonly notarizeVotes: Map<number, Vote>;
  readonly nullifyVotes: Map<number, Vote>;
  readonly finalizeVotes: Map<number, Vote>;
  notarization: Certificate | undefined;
  nullification: Certificate | undefined;
  finalization: Certificate | undefined;
  /** First proposal of the view from its proposer. */
  proposal: Proposal | undefined;
  proposalFrom: HexId;
  /** `refused` also when the header is not well formed. */
  check: "none" | "running" | "passed" | "refused";
  readonly own: { notarize?: OwnVote; nullify?: OwnVote; finalize?: OwnVote };
  /** Kinds whose assembly was asked for already. */
  readonly assembling: Set<number>;
  /** Validators whose contradiction in this view was reported. */
  readonly equivocators: Set<number>;
}

/** The engine's whole memory: plain data, changed in place by `step` only. */
export interface State {
  readonly config: EngineConfig;
  epoch: EpochContext;
  /** Index of this node in the set; undefined when it only follows. */
  selfIndex: number | undefined;
  /** False when the safety record is missing or corrupt, or when this key was seen voting elsewhere. */
  mayVote: boolean;
  started: boolean;
  view: View;
  tip: FinalizedTip;
  /** Views above the tip, by view number. */
  readonly slots: Map<number, Slot>;
  /** Headers above the tip, by digest in hex. */
  readonly blocks: Map<HexId, KnownBlock>;
  /** The newest finalization whose ancestors are not all here yet. */
  pendingFinalization: Certificate | undefined;
  syncing: boolean;
  /** Level of `workKnown`. */
  work: boolean;
  intervalPassed: boolean;
  heartbeatPassed: boolean;
  timersStarted: boolean;
  /** The proposer is waiting for certificates, or for the payload, of this view. */
  proposing: "no" | "wanted" | "building" | "done";
  /** The block being built, so that the answer is matched with its parent. */
  buildParentView: View;
  /** A timer of this view ran out: own votes and the newest certificates are sent again, backing off. */
  stuck: boolean;
  rebroadcasts: number;
  retryArmed: boolean;
  retries: number;
  /** Sync ended without progress: it is started again at the next retry, not at once. */
  syncStalled: boolean;
  /** Digests (hex) of bodies asked for. */
  readonly wantedBodies: Set<HexId>;
  /** Certificates asked for: inclusive range of views. */
  wantedViews: { from: View; to: View } | undefined;
  /** Failed views since the last finalization, and the steps of back-off they led to. */
  failedViews: number;
  backoffSteps: number;
  /** Newest view in which each validator is known to have signed something, and since when history is known. */
  readonly lastSignedView: number[];
  historyFromView: View;
}

/** What a message for other nodes carries. */
export type EngineMessage =
  | { readonly kind: "proposal"; readonly proposal: Proposal }
  | { readonly kind: "vote"; readonly vote: Vote }
  | { readonly kind: "certificate"; readonly certificate: Certificate };

/**
 * Inputs. Everything from peers was verified before (signatures, decoding); `from` is the delivering peer's node id,
 * or undefined for what this node made or fetched from its own store.
 */
export type Input =
  /** Must be the first input: durable state after a start. */
  | {
      readonly kind: "restored";
      readonly epoch: EpochContext;
      readonly tip: FinalizedTip;
      /** Certificates above the tip, any order. */
      readonly certificates: readonly Certificate[];
      /** Blocks above the tip whose bodies are stored. */
      readonly headers: readonly BlockHeader[];
      /** Own votes above the tip, as the safety record holds them; they are signed and sent again. */
      readonly ownVotes: readonly VoteSubject[];
      /** False when the safety record is missing or corrupt: follow, do not vote. */
      readonly mayVote: boolean;
    }
  | { readonly kind: "proposal"; readonly proposal: Proposal; readonly from: HexId }
  | { readonly kind: "vote"; readonly vote: Vote; readonly from: HexId }
  | { readonly kind: "certificate"; readonly certificate: Certificate; readonly from: HexId | undefined }
  | { readonly kind: "timeout"; readonly epoch: Epoch; readonly view: View; readonly timer: TimerKind }
  /** The signer's answer; `vote` undefined means that the safety record refused. */
  | { readonly kind: "signed"; readonly subject: VoteSubject; readonly vote: Vote | undefined }
  /** The body of this header is here (gossip, fetch, or own store). Unwanted ones are ignored and may be sent freely. */
  | { readonly kind: "bodyArrived"; readonly header: BlockHeader }
  /** The block that `buildPayload` asked for; its body is stored (not yet synced) by the driver. */
  | {
      readonly kind: "payloadBuilt";
      readonly epoch: Epoch;
      readonly view: View;
      readonly header: BlockHeader;
    }
  /** `ignore` means could not be judged (gave up waiting); `fault` refuses the block. */
  | {
      readonly kind: "payloadChecked";
      readonly epoch: Epoch;
      readonly view: View;
      readonly digest: Uint8Array;
      readonly verdict: Verdict;
    }
  /** A level, sent again on change: a valid pending transaction, an open ceremony window or a due expiry is known. */
  | { readonly kind: "workKnown"; readonly work: boolean }
  /** Sync stored and executed blocks of this epoch up to this tip (durable before this input). */
  | { readonly kind: "caughtUp"; readonly epoch: EpochContext; readonly tip: FinalizedTip }
  /**
   * The epoch before is over: its boundary block is final, durable and executed. Sent right after the `finalize` effect
   * that landed it, or, instead of `caughtUp`, after a sync that ended in a later epoch.
   */
  | {
      readonly kind: "newEpoch";
      readonly epoch: EpochContext;
      /** The new epoch's first parent: view 0 and the finalization that proves it, or a later block where sync got further. */
      readonly tip: FinalizedTip;
      /** Whether this node's signer may vote in the new epoch, if it has a seat. */
      readonly mayVote: boolean;
    };

/** One thing to make durable. */
export type PersistRecord =
  | { readonly kind: "certificate"; readonly certificate: Certificate }
  /** The body with this digest, which the driver holds already. */
  | { readonly kind: "body"; readonly digest: Uint8Array };

/**
 * Effects, run strictly in order. The law: `persist` and `finalize` are durable (synced) before the next effect runs.
 */
export type Effect =
  | { readonly kind: "persist"; readonly records: readonly PersistRecord[] }
  /** Hand to the signer: it checks the safety record, writes it (synced), signs; answer with `signed`. */
  | { readonly kind: "sign"; readonly subject: VoteSubject }
  /** To all other validators of the epoch. The driver also gossips the body of an own proposal. */
  | { readonly kind: "broadcast"; readonly message: EngineMessage }
  | { readonly kind: "send"; readonly to: HexId; readonly message: EngineMessage }
  /** Pending transactions go to the proposer of the view, before it is held to a deadline. */
  | { readonly kind: "forwardWork"; readonly to: HexId }
  /** One timer per kind: a new one of a kind replaces the old. Answer with `timeout`. */
  | {
      readonly kind: "setTimer";
      readonly epoch: Epoch;
      readonly view: View;
      readonly timer: TimerKind;
      readonly delayMs: number;
    }
  /** A quorum of equal, verified votes: aggregate them and answer with `certificate` (from undefined). */
  | { readonly kind: "assemble"; readonly votes: readonly Vote[] }
  /** Ask one peer; the engine asks again if nothing comes. A body that is already here is answered at once. */
  | { readonly kind: "fetch"; readonly what: "body"; readonly digest: Uint8Array }
  /** Answers are notarizations and nullifications of these views (both inclusive), as `certificate` inputs. */
  | {
      readonly kind: "fetch";
      readonly what: "certificates";
      readonly epoch: Epoch;
      readonly fromView: View;
      readonly toView: View;
    }
  /** Too far behind to fetch block by block: block sync up to at least this finalization, then `caughtUp`. */
  | { readonly kind: "startSync"; readonly target: Certificate }
  /**
   * Start building a block on `parent`: wait until its body is executed, fill at most `payloadBytesMax` (0: empty),
   * timestamp max(now, parent + 1 ms), state root after the parent. Answer with `payloadBuilt`.
   */
  | {
      readonly kind: "buildPayload";
      readonly epoch: Epoch;
      readonly view: View;
      readonly parent: BlockReference;
      readonly payloadBytesMax: number;
    }
  /**
   * Start judging a block, which may be one judged before when a boundary block is proposed again: wait for its body, for its parent's execution, and until the clock is at least `notBeforeMs`;
   * then check the payload and that the header's state root is the parent's. Answer with `payloadChecked`.
   */
  | {
      readonly kind: "checkPayload";
      readonly epoch: Epoch;
      readonly view: View;
      readonly header: BlockHeader;
      readonly digest: Uint8Array;
      readonly notBeforeMs: number;
    }
  /**
   * These blocks are final, oldest first; all bodies are here. `finalization` proves the last, ancestry the others.
   * Durable with the certificate before the safety record's floor moves to its view and older certificates are dropped.
   */
  | {
      readonly kind: "finalize";
      readonly finalization: Certificate;
      readonly blocks: readonly { readonly header: BlockHeader; readonly digest: Uint8Array }[];
    }
  /** Something no honest peer does. `peer` delivered it; `evidence` holds two votes that contradict, where there are. */
  | {
      readonly kind: "reportFault";
      readonly code: FaultCode;
      readonly reason: string;
      readonly peer: HexId | undefined;
      readonly validator: number | undefined;
      readonly evidence: readonly Vote[];
    };

export type FaultCode =
  /** Two votes of one validator that contradict; once for each validator and view. */
  | "EQUIVOCATION"
  | "PROPOSAL_NOT_FROM_PROPOSER"
  | "PROPOSAL_BAD_HEADER"
  | "PROPOSAL_BAD_PARENT"
  | "PROPOSAL_BAD_PAYLOAD"
  /** This node's key signed something its record lacks: it stops voting. */
  | "OWN_KEY_ELSEWHERE"
  /** A finalization contradicts finalized history: more than f validators are faulty. */
  | "SAFETY_VIOLATION";

/** Strictly ordered output of one step. */
export interface StepResult {
  readonly state: State;
  readonly effects: readonly Effect[];
}
