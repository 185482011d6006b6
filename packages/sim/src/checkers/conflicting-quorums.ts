import type { Checker, CheckerContext } from "./checker.js";
import type { SeenCertificate } from "./wire.js";

/** Invariant 3: no two conflicting quorums in a view: all blocks certified in it, by either kind, are one block. */
export class ConflictingQuorums implements Checker {
  private readonly blocks = new Map<string, string>();

  constructor(private readonly context: CheckerContext) {}

  certificate({ kind, epoch, view, parentView, digest }: SeenCertificate): void {
    if (kind === 2) return;
    const name = `${epoch}/${view}`;
    const said = `${digest} on view ${parentView}`;
    const other = this.blocks.get(name);
    this.blocks.set(name, other ?? said);
    if (other !== undefined && other !== said)
      this.context.report("conflicting quorums", `view ${view} of epoch ${epoch}: ${other}, and ${said}`);
  }
}
