import { queries } from "@consilium/ledger";
import type { StateReader } from "@consilium/protocol";
import type { Checker, CheckerContext } from "./checker.js";
import type { SeenVote } from "./wire.js";
import { hexOf } from "./wire.js";

const INVARIANT = "idle";
const NULLIFY = 2;
const CREDIT_START = 500;

/** Invariant 13: with all validators up an idle chain nullifies nothing and costs no credit. */
export class Idle implements Checker {
  constructor(private readonly context: CheckerContext) {}

  vote(node: number, { kind, epoch, view }: SeenVote): void {
    if (kind === NULLIFY)
      this.context.report(INVARIANT, `node ${node} voted to nullify view ${view} of epoch ${epoch}`);
  }

  /** At the end, on the newest state. */
  checkCredit(state: StateReader): void {
    for (const { nodeKey } of queries.members(state)) {
      const credit = queries.candidate(state, nodeKey)?.credit ?? CREDIT_START;
      if (credit < CREDIT_START)
        this.context.report(INVARIANT, `member ${hexOf(nodeKey).slice(0, 8)} lost credit: ${credit}`);
    }
  }
}
