import type { FinalizedTip as EngineTip, ValidatorSet, VoteVerifier } from "@consilium/consensus";
import type { Certificate, Clock, Log, Transport } from "@consilium/protocol";
import type { ChainCounters, FinalizedTip } from "../chain.js";
import type { TransactionIntake } from "../mempool/intake.js";
import type { ChainStore } from "../store/chain-store.js";
import type { Fetcher } from "../sync/fetcher.js";
import type { RangeSync } from "../sync/range-sync.js";
import type { BlockTree } from "../tree/block-tree.js";
import type { Finalizer } from "./finalizer.js";
import type { SafeSigner } from "./safe-signer.js";

/** What effects are carried out with. */
export interface RunnerOptions {
  /** Node id, lower-case hex. */
  readonly self: string;
  readonly set: ValidatorSet;
  readonly store: ChainStore;
  readonly tree: BlockTree;
  readonly transport: Transport;
  readonly verifier: VoteVerifier;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: ChainCounters;
  /** Undefined while this node follows. */
  readonly signer: SafeSigner | undefined;
  readonly intake: TransactionIntake;
  readonly fetcher: Fetcher;
  readonly rangeSync: RangeSync;
  readonly finalizer: Finalizer;
  readonly engineTip: (tip: FinalizedTip, finalization: Certificate | undefined) => EngineTip;
  /** The finalized tip moved: work is judged anew. */
  readonly advanced: () => void;
  readonly peerFault: (peer: string, code: string) => void;
  readonly fatal: (error: unknown) => void;
}
