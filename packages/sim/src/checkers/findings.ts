/** What was found broken, each with the invariant's name. */
export interface Violation {
  readonly invariant: string;
  readonly sentence: string;
}

const KEPT_MAX = 20;

/** The list of findings: the first twenty, and none twice. */
export class Findings {
  readonly violations: Violation[] = [];

  report(invariant: string, sentence: string): void {
    const known = this.violations.some((each) => each.sentence === sentence && each.invariant === invariant);
    if (!known && this.violations.length < KEPT_MAX) this.violations.push({ invariant, sentence });
  }
}
