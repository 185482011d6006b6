import { type Checker, type CheckerContext, isQuorum } from "./checker.js";
import type { SeenCertificate } from "./wire.js";

const INVARIANT = "signers";

/** Invariant 5: a certificate has a quorum of distinct signers of the right set. */
export class Signers implements Checker {
  private readonly undecided: SeenCertificate[] = [];

  constructor(private readonly context: CheckerContext) {}

  certificate(certificate: SeenCertificate): void {
    if (!this.check(certificate)) this.undecided.push(certificate);
  }

  finish(): void {
    for (const certificate of this.undecided) {
      if (!this.check(certificate))
        this.context.report(
          INVARIANT,
          `a certificate of epoch ${certificate.epoch}, whose set nobody elected`,
        );
    }
  }

  /** False while the set is not known. */
  private check({ kind, epoch, view, signers }: SeenCertificate): boolean {
    const set = this.context.setOf(epoch);
    if (set === undefined) return false;
    const place = `a certificate of kind ${kind} in view ${view} of epoch ${epoch}`;
    if (!isQuorum(signers.length, set.length))
      this.context.report(INVARIANT, `${place} has ${signers.length} signers of ${set.length}`);
    if (signers.some((signer) => signer >= set.length))
      this.context.report(INVARIANT, `${place} has a signer outside the set`);
    return true;
  }
}
