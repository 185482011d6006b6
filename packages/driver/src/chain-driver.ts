import {
  type Block,
  type BlockHeader,
  type Certificate,
  chainIdOf,
  type StateReader,
} from "@consilium/protocol";
import type {
  Chain,
  ChainCounters,
  ChainStatusReport,
  FinalizedBlockEvent,
  FinalizedTip,
  SubmitResult,
  TransactionResult,
} from "./chain.js";
import type { ChainDriverOptions } from "./options.js";

/** Runs the consensus engine and one application against ports. */
export abstract class ChainDriver implements Chain {
  readonly chainId: Uint8Array;
  abstract readonly counters: Readonly<ChainCounters>;

  constructor(protected readonly options: ChainDriverOptions) {
    this.chainId = chainIdOf(options.genesis);
  }

  abstract start(): Promise<void>;
  abstract stop(): Promise<void>;
  abstract submit(encoded: Uint8Array): Promise<SubmitResult>;
  abstract finalized(): FinalizedTip;
  abstract state(): StateReader;
  abstract headerAt(height: number): BlockHeader | undefined;
  abstract blockAt(height: number): Block | undefined;
  abstract finalization(): Certificate | undefined;
  abstract transactionResult(id: Uint8Array): TransactionResult | undefined;
  abstract onFinalized(listener: (event: FinalizedBlockEvent) => void): () => void;
  abstract whenFinalized(id: Uint8Array, options: { readonly timeoutMs: number }): Promise<TransactionResult>;
  abstract waitFor<Value>(
    probe: () => Value | undefined,
    options: { readonly timeoutMs: number },
  ): Promise<Value>;
  abstract status(): ChainStatusReport;
}
