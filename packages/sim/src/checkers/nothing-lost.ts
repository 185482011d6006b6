import type { Checker, CheckerContext, SeenFinal } from "./checker.js";
import { hexOf } from "./wire.js";

const INVARIANT = "nothing lost";

/** What a node answers about a transaction. */
export interface Answering {
  readonly node: number;
  readonly height: number;
  /** Lowest height whose results this node has: above 0 after it took a snapshot. */
  readonly fromHeight: number;
  result(id: Uint8Array): { readonly height: number; readonly code: string } | undefined;
}

/** Invariant 12: nothing that any honest node ever reported final is lost or changed, across epochs and restarts. */
export class NothingLost implements Checker {
  private readonly results = new Map<string, { readonly id: Uint8Array; height: number; code: string }>();

  constructor(private readonly context: CheckerContext) {}

  get transactionCount(): number {
    return this.results.size;
  }

  finalized({ node, event }: SeenFinal): void {
    for (const { id, height, code } of event.results) {
      const name = hexOf(id);
      const known = this.results.get(name);
      if (known === undefined) this.results.set(name, { id, height, code });
      else if (known.height !== height || known.code !== code)
        this.context.report(
          INVARIANT,
          `node ${node} reports transaction ${name.slice(0, 8)} final otherwise`,
        );
    }
  }

  /** Asks a node, at the end, for everything up to its height. */
  ask({ node, height, fromHeight, result }: Answering): void {
    for (const [name, known] of this.results) {
      if (known.height > height || known.height <= fromHeight) continue;
      const answer = result(known.id);
      if (answer === undefined)
        this.context.report(INVARIANT, `node ${node} no longer knows transaction ${name.slice(0, 8)}`);
      else if (answer.height !== known.height || answer.code !== known.code)
        this.context.report(
          INVARIANT,
          `node ${node} reports transaction ${name.slice(0, 8)} final otherwise`,
        );
    }
  }
}
