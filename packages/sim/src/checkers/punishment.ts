import { EvidenceConsensus, SignedTransaction, TransactionKind } from "@consilium/protocol";
import type { Checker, CheckerContext, SeenFinal } from "./checker.js";
import { hexOf } from "./wire.js";

const INVARIANT = "punishment";

/** Invariant 9: punishment only with evidence, and honest nodes are never punished. */
export class Punishment implements Checker {
  private readonly judged = new Set<number>();
  /** Members convicted so far. */
  readonly convicted = new Set<string>();

  constructor(private readonly context: CheckerContext) {}

  finalized({ height, event }: SeenFinal): void {
    if (this.judged.has(height)) return;
    this.judged.add(height);
    for (const each of event.events) {
      if (each.type !== "validator-convicted") continue;
      const name = hexOf(each.node);
      this.convicted.add(name);
      if (this.context.honestMember(name))
        this.context.report(
          INVARIANT,
          `an honest member was convicted at height ${height}: ${name.slice(0, 8)}`,
        );
      if (!this.hasEvidence(event.block.payload.transactions, name))
        this.context.report(INVARIANT, `a conviction at height ${height} without evidence in its block`);
    }
  }

  /** Whether the block holds two votes of this member that contradict. */
  private hasEvidence(transactions: readonly Uint8Array[], name: string): boolean {
    return transactions.some((encoded) => {
      const { transaction } = SignedTransaction.deserialize(encoded);
      if (transaction.kind !== TransactionKind.evidenceConsensus) return false;
      const { first, second } = EvidenceConsensus.deserialize(transaction.payload);
      const owner = this.context.setOf(first.epoch)?.[first.validator]?.nodeId;
      return owner === name && contradict(first, second);
    });
  }
}

interface Said {
  readonly kind: number;
  readonly epoch: number;
  readonly view: number;
  readonly validator: number;
  readonly parentView: number;
  readonly digest: Uint8Array;
}

/** Two votes of one validator in one view that no honest node signs both. */
export function contradict(first: Said, second: Said): boolean {
  const samePlace =
    first.epoch === second.epoch && first.view === second.view && first.validator === second.validator;
  if (!samePlace) return false;
  if (first.kind === second.kind) {
    const same = hexOf(first.digest) === hexOf(second.digest) && first.parentView === second.parentView;
    return first.kind !== 2 && !same;
  }
  return first.kind + second.kind === 5;
}
