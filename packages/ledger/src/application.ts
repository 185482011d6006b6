/**
 * What the driver calls. Two applications implement it: the alliance ledger and the record chain.
 *
 * An application is a pure function of state and block. It reads through a {@link StateReader}, which may be an overlay
 * of blocks not yet final over the store, and returns what a block changes; it never writes. The driver stores blocks
 * itself and lands block, changes and cursor in one batch. State keys belong to the application (`state/keys.ts`):
 * their first byte is below 0x80, so that a driver may keep its own keys above it.
 */

import type { ValidatorSet } from "@consilium/consensus";
import type {
  Block,
  BlockPayload,
  Certificate,
  StateReader,
  StoreChange,
  Verdict,
} from "@consilium/protocol";
import type { LedgerEvent } from "./events.js";

/** Where a transaction or payload would stand: the height and timestamp of the block that would hold it. */
export interface BlockContext {
  readonly height: number;
  /** Unix milliseconds. */
  readonly timestampMs: number;
}

export interface BuildContext extends BlockContext {
  /** Encoded bytes of transactions to stay under; the chain's parameter when absent. Adaptation may ask for less. */
  readonly maxBytes?: number;
  /** Certificates of earlier views to include as facts, chosen and verified by the caller. */
  readonly facts?: readonly Certificate[];
}

/** A transaction that passed the envelope rules and its kind's check. */
export interface CheckedTransaction {
  /** SSZ hash tree root of the envelope: the transaction id, 32 bytes. */
  readonly id: Uint8Array;
  /** Account id, 32 bytes. */
  readonly sender: Uint8Array;
  readonly nonce: number;
  readonly kind: number;
  /** Last height at which it may be included. */
  readonly expiryHeight: number;
}

/** What became of a transaction of a block: `OK`, or the stable code of its refusal. */
export interface TransactionOutcome {
  readonly id: Uint8Array;
  readonly code: string;
}

/** What applying a block does. `changes` holds state values, tree nodes and root; keys are distinct. */
export interface Execution {
  readonly changes: readonly StoreChange[];
  /** Root of the authenticated state after the block, 32 bytes. */
  readonly stateRoot: Uint8Array;
  readonly results: readonly TransactionOutcome[];
  readonly events: readonly LedgerEvent[];
}

/** How an application's state travels as a snapshot: the keys that it holds, and how the others come back. */
export interface SnapshotRules {
  /** The first key of a snapshot, inclusive. */
  readonly from: Uint8Array;
  /** The end of its keys, exclusive. Keys from here on are derived from those before. */
  readonly to: Uint8Array;
  /**
   * Folds a part of a snapshot's values, which the state does not hold yet, into the derived keys: what to write besides
   * them, and the root of the state so far. Parts may come in any order, each key once.
   */
  rebuild(
    state: StateReader,
    values: readonly StoreChange[],
  ): { readonly changes: readonly StoreChange[]; readonly root: Uint8Array };
}

export interface Application {
  /** Hash tree root of the genesis, 32 bytes. */
  readonly chainId: Uint8Array;
  /** Height 0, a function of the genesis alone. Its header's state root is zero: nothing stands before it. */
  genesisBlock(): Block;
  /** The state before the first block; the driver writes it once. */
  genesisChanges(): Promise<Execution>;
  /**
   * The validators of an epoch as a state knows them: those of epochs 0 and 1 from genesis on, those of e + 1 once the
   * first block of e is applied. Undefined for epochs that are not elected yet, or long past.
   */
  validatorSet(state: StateReader, epoch: number): ValidatorSet | undefined;
  /**
   * The epoch in which a node's newest safety/reset became part of the chain: its vote key may sign from the epoch
   * after that one. Undefined when the state holds none, and always on a chain without such transactions.
   */
  safetyResetEpoch?(state: StateReader, nodeId: Uint8Array): number | undefined;
  /**
   * Before gossip and before inclusion, the cheap checks first. Nonces up to a mempool's worth ahead of the account's
   * next are valid here, so that a pool can hold a run of them; a block takes them in order only.
   * `ignore` is bad luck (stale, expired, unknown sender), `fault` what no honest peer forwards.
   */
  checkTransaction(
    state: StateReader,
    encoded: Uint8Array,
    context: BlockContext,
  ): Promise<Verdict<CheckedTransaction>>;
  /**
   * The payload as a voter judges it: limits, envelopes, strictly sequential nonces, signatures. A transaction that
   * fails its kind's check may stand in a block; it has no effect but its code. Facts are judged by the caller.
   */
  checkPayload(state: StateReader, block: Block): Promise<Verdict>;
  /** Takes candidates in order, those that `checkPayload` would accept, until the limits are reached. */
  buildPayload(
    state: StateReader,
    candidates: Iterable<Uint8Array>,
    context: BuildContext,
  ): Promise<BlockPayload>;
  /**
   * The effect of a block on the state after its parent. The payload passed `checkPayload` at a voter or stands under a
   * finalization: signatures are not verified again.
   * @throws ConsiliumError `LEDGER_BAD_BLOCK` when the block cannot follow this state.
   */
  applyBlock(state: StateReader, block: Block): Promise<Execution>;
  /** Absent when the state cannot be taken over as a snapshot: then a new node executes all blocks. */
  readonly snapshot?: SnapshotRules;
}
