import type { VoteVerifier } from "@consilium/consensus";
import type { Application } from "@consilium/ledger";
import type { Clock, Genesis, Log, Random, StateReader, Store, Transport, Vote } from "@consilium/protocol";

/** A validator's BLS vote key behind a door: the driver never sees the secret. */
export interface VoteSigner {
  /** 48 bytes, as it stands in the validator set. */
  readonly publicKey: Uint8Array;
  /** 96 bytes. Called only by the safe signer. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/**
 * A number kept beside the vote key, apart from the chain's store. The store keeps it too, and both are raised at every
 * start and every epoch: a store that is behind was restored from a copy, and its safety record may lack votes.
 */
export interface StartMark {
  /** 0 when there is none yet. */
  read(): number;
  /** Durable when it resolves. */
  write(mark: number): Promise<void> | void;
}

/**
 * The operators' word that a block is the newest one of the chain on which anybody relies, given to every node of a
 * chain of one to three validators: it tolerates no fault, so one lost safety record stops it, and no reset can become
 * final. All its nodes are stopped, the newest block that any of them, a checkpoint or an anchor shows is named, and all
 * are started with its name once. What lay above it is dropped everywhere.
 */
export interface NamedTip {
  readonly height: number;
  readonly digest: Uint8Array;
}

/** Who this node is on the chain. Without a vote signer it follows. */
export interface ChainIdentity {
  /** Ed25519 node key, 32 bytes: node id and author of its blocks. */
  readonly nodeId: Uint8Array;
  readonly voteSigner?: VoteSigner;
  /** The vote key voted on this chain before: a fresh store then gets no safety record, and the node follows. */
  readonly hasVoted?: boolean;
  /** Without it a store that was restored from a copy is not recognised. */
  readonly startMark?: StartMark;
  /** Lets a key whose record is lost vote again above this block, on a chain of at most three validators. */
  readonly namedTip?: NamedTip;
}

/** Everything a driver touches: ports, the application and the identity. */
export interface ChainDriverOptions {
  readonly genesis: Genesis;
  readonly application: Application;
  readonly identity: ChainIdentity;
  /** All keys of the chain live in this store; a node with two chains gives each a `prefixedStore`. Stays open. */
  readonly store: Store;
  readonly transport: Transport;
  readonly verifier: VoteVerifier;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Work besides pending transactions: an open ceremony window, a due expiry. Asked after each block. */
  readonly hasWork?: (state: StateReader) => boolean;
  /** The next envelope nonce of an account; the ledgers' own query when absent. */
  readonly nextNonce?: (state: StateReader, sender: Uint8Array) => number;
  /** Two votes of one validator that contradict: evidence for the chain. Once per validator and epoch. */
  readonly onEvidence?: (first: Vote, second: Vote) => void;
  /** A node without a chain takes the state of a boundary block from its peers instead of executing all blocks. */
  readonly stateSync?: boolean;
  /** Something no honest peer does came from this peer: the network may disconnect it. */
  readonly onPeerFault?: (peer: string, code: string) => void;
  /** The chain cannot go on (damaged store, state that contradicts a finalized block) and has halted. */
  readonly onFatal?: (error: unknown) => void;
}
