import type { Checker, CheckerContext } from "./checker.js";
import type { SeenCertificate } from "./wire.js";

/** Invariant 2: no finalization and nullification of the same view. */
export class FinalOrNullified implements Checker {
  private readonly ends = new Map<string, number>();

  constructor(private readonly context: CheckerContext) {}

  certificate({ kind, epoch, view }: SeenCertificate): void {
    if (kind === 1) return;
    const name = `${epoch}/${view}`;
    const other = this.ends.get(name);
    this.ends.set(name, other ?? kind);
    if (other !== undefined && other !== kind)
      this.context.report("final or nullified", `view ${view} of epoch ${epoch} is both final and nullified`);
  }
}
