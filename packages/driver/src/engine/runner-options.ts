import type { VoteVerifier } from "@consilium/consensus";
import type { Clock, Log, Transport } from "@consilium/protocol";
import type { ChainCounters } from "../chain.js";
import type { EpochBook } from "../epochs/epoch-book.js";
import type { Seat } from "../epochs/seat.js";
import type { EvidenceDesk } from "../facts/evidence-desk.js";
import type { VoteArchive } from "../facts/vote-archive.js";
import type { TransactionIntake } from "../mempool/intake.js";
import type { ChainStore } from "../store/chain-store.js";
import type { CatchUp } from "../sync/catch-up.js";
import type { Fetcher } from "../sync/fetcher.js";

import type { BlockTree } from "../tree/block-tree.js";
import type { Finalizer } from "./finalizer.js";

/** What effects are carried out with. */
export interface RunnerOptions {
  /** Node id, lower-case hex. */
  readonly self: string;
  readonly epochs: EpochBook;
  readonly store: ChainStore;
  readonly tree: BlockTree;
  readonly transport: Transport;
  readonly verifier: VoteVerifier;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: ChainCounters;
  readonly seat: Seat;
  readonly archive: VoteArchive;
  readonly evidence: EvidenceDesk;
  readonly intake: TransactionIntake;
  readonly fetcher: Fetcher;
  readonly catchUp: CatchUp;
  readonly finalizer: Finalizer;
  /** The finalized tip moved: work is judged anew. */
  readonly advanced: () => void;
  /** The engine entered an epoch. */
  readonly epochEntered: () => void;
  readonly peerFault: (peer: string, code: string) => void;
  readonly fatal: (error: unknown) => void;
}
