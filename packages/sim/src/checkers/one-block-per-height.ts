import type { Checker, CheckerContext, SeenFinal } from "./checker.js";

/** Invariant 1: no two finalized blocks at one height, on whatever nodes, before and after restarts. */
export class OneBlockPerHeight implements Checker {
  private readonly chain = new Map<number, string>();

  constructor(private readonly context: CheckerContext) {}

  finalized({ node, height, digest }: SeenFinal): void {
    this.opened(node, height, digest);
  }

  /** A node's tip after a restart is final as well. */
  opened(node: number, height: number, digest: string): void {
    if (height === 0) return;
    const agreed = this.chain.get(height);
    if (agreed === undefined) this.chain.set(height, digest);
    else if (agreed !== digest)
      this.context.report("one block per height", `node ${node} finalized another block at height ${height}`);
  }
}
