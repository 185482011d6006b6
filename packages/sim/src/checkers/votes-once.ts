import type { Checker, CheckerContext } from "./checker.js";
import type { SeenVote } from "./wire.js";

const INVARIANT = "votes once";
const [NOTARIZE, NULLIFY, FINALIZE] = [1, 2, 3] as const;

/** Invariant 6: at most one vote of a kind per view across any crash and restart, and never a contradicting pair. */
export class VotesOnce implements Checker {
  private readonly votes = new Map<string, string>();
  private readonly seen = new WeakSet<SeenVote>();

  constructor(private readonly context: CheckerContext) {}

  vote(node: number, vote: SeenVote): void {
    if (this.seen.has(vote)) return;
    this.seen.add(vote);
    const { kind, epoch, view, parentView, digest, validator } = vote;
    const owner = this.context.setOf(epoch)?.[validator]?.nodeId;
    const place = `node ${node} in view ${view} of epoch ${epoch}`;
    if (owner !== undefined && owner !== this.context.nameOf(node)) {
      this.context.report(INVARIANT, `${place} sent a vote of validator ${validator}, which it is not`);
      return;
    }
    const name = (each: number): string => `${validator}/${epoch}/${view}/${each}`;
    const said = `${parentView}/${digest}`;
    const before = this.votes.get(name(kind));
    if (before !== undefined) {
      if (before !== said) this.context.report(INVARIANT, `${place}: two votes of kind ${kind}`);
      return;
    }
    this.votes.set(name(kind), said);
    const has = (each: number): boolean => this.votes.has(name(each));
    if (kind === NULLIFY && has(FINALIZE)) this.context.report(INVARIANT, `${place}: nullify after finalize`);
    if (kind === FINALIZE && has(NULLIFY)) this.context.report(INVARIANT, `${place}: finalize after nullify`);
    if (kind === NOTARIZE && has(NULLIFY)) this.context.report(INVARIANT, `${place}: notarize after nullify`);
  }
}
