import { type EpochContext, epochContext, type ValidatorSet } from "@consilium/consensus";
import type { Application } from "@consilium/ledger";
import { boundaryHeightOf, digestOf, type Epoch, epochOfHeight, toEpoch } from "@consilium/protocol";
import type { ChainStore } from "../store/chain-store.js";

/** Sets kept in memory; older ones are read from the stored hand-overs again. */
const SETS_IN_MEMORY_MAX = 64;

export interface EpochBookOptions {
  readonly application: Pick<Application, "chainId" | "validatorSet">;
  readonly store: ChainStore;
  /** L of the genesis, at least 2. */
  readonly lengthHeights: number;
}

/**
 * Which validators sit in which epoch, in what order they propose, and which epoch is at work. Sets come from the
 * finalized state, from the hand-overs stored with the boundary blocks, and from hand-overs that sync has verified.
 */
export class EpochBook {
  readonly lengthHeights: number;
  private readonly sets = new Map<number, ValidatorSet>();
  private currentEpoch: Epoch = toEpoch(0);

  constructor(private readonly options: EpochBookOptions) {
    this.lengthHeights = options.lengthHeights;
  }

  /** The epoch at work: that of the height above the finalized tip. */
  get current(): Epoch {
    return this.currentEpoch;
  }

  /** The finalized tip moved to this height. */
  advance(tip: { readonly height: number }): void {
    this.currentEpoch = epochOfHeight(tip.height + 1, this.lengthHeights);
  }

  /** The set of an epoch; undefined when it is not elected yet, or was never seen here. */
  setOf(epoch: number): ValidatorSet | undefined {
    if (epoch < 0) return undefined;
    const known = this.sets.get(epoch) ?? this.read(epoch);
    if (known !== undefined) this.learn(epoch, known);
    return known;
  }

  /** Remembers the set of a verified hand-over. The epochs that are asked for stay, the others go first. */
  learn(epoch: number, set: ValidatorSet): void {
    this.sets.delete(epoch);
    this.sets.set(epoch, set);
    const oldest = this.sets.size > SETS_IN_MEMORY_MAX ? this.sets.keys().next().value : undefined;
    if (oldest !== undefined) this.sets.delete(oldest);
  }

  /** What the order of proposers is drawn from: the digest of the boundary block before, for epoch 0 the chain id. */
  seedOf(epoch: number): Uint8Array | undefined {
    const { application, store } = this.options;
    if (epoch === 0) return application.chainId;
    const header = store.block(this.boundaryOf(epoch - 1))?.header ?? store.handover(epoch - 1)?.header;
    return header && digestOf(header);
  }

  /** What the engine needs of an epoch; undefined before the boundary block below it is final here. */
  contextOf(epoch: number): EpochContext | undefined {
    const set = this.setOf(epoch);
    const seed = this.seedOf(epoch);
    if (set === undefined || seed === undefined) return undefined;
    return epochContext(toEpoch(epoch), set, seed, this.boundaryOf(epoch));
  }

  private boundaryOf(epoch: number) {
    return boundaryHeightOf(epoch, this.lengthHeights);
  }

  private read(epoch: number): ValidatorSet | undefined {
    const { application, store } = this.options;
    const set = application.validatorSet(store.state, epoch);
    return set ?? (epoch > 0 ? store.handover(epoch - 1)?.nextSet : undefined);
  }
}
