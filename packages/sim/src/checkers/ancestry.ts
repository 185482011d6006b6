import type { Checker, CheckerContext, SeenFinal } from "./checker.js";
import type { SeenCertificate } from "./wire.js";

const INVARIANT = "ancestry";

interface Place {
  readonly digest: string;
  readonly parentDigest: string;
  readonly epoch: number;
}

/** Invariant 4: finalized ancestry is unbroken, and each view skipped between a final block and its parent is nullified. */
export class Ancestry implements Checker {
  /** Last final block of each machine. */
  private readonly last = new Map<number, { readonly height: number; readonly digest: string }>();
  private readonly blocks = new Map<string, Place>();
  private readonly nullified = new Set<string>();
  /** By epoch and view: what was notarized or finalized there. */
  private readonly certified = new Map<string, SeenCertificate>();

  constructor(private readonly context: CheckerContext) {}

  certificate(certificate: SeenCertificate): void {
    const name = `${certificate.epoch}/${certificate.view}`;
    if (certificate.kind === 2) this.nullified.add(name);
    else this.certified.set(name, certificate);
  }

  finalized({ node, height, digest, event }: SeenFinal): void {
    const { header } = event.block;
    const parentDigest = Buffer.from(header.parentDigest).toString("hex");
    const before = this.last.get(node);
    const place = `node ${node} at height ${height}`;
    if (before !== undefined && height !== before.height + 1 && height > before.height)
      this.context.report(INVARIANT, `${place}: ${before.height} was its last height`);
    if (before !== undefined && height === before.height + 1 && parentDigest !== before.digest)
      this.context.report(INVARIANT, `${place}: the parent is not its last block`);
    this.last.set(node, { height, digest });
    this.blocks.set(digest, { digest, parentDigest, epoch: header.epoch });
  }

  /** A node starts from what its disk holds. */
  opened(node: number, height: number, digest: string): void {
    this.last.set(node, { height, digest });
  }

  /** A node that took a snapshot starts anew above it. */
  adopted(node: number): void {
    this.last.delete(node);
  }

  finish(): void {
    for (const certificate of this.certified.values()) {
      const block = this.blocks.get(certificate.digest);
      if (block !== undefined) this.checkViews(certificate, block);
    }
  }

  private checkViews({ epoch, view, parentView, digest }: SeenCertificate, block: Place): void {
    for (let skipped = parentView + 1; skipped < view; skipped++) {
      if (this.nullified.has(`${epoch}/${skipped}`)) continue;
      const sentence = `the final block of view ${view} of epoch ${epoch} skips view ${skipped}, which nobody nullified`;
      this.context.report(INVARIANT, sentence);
    }
    const parent = this.certified.get(`${epoch}/${parentView}`);
    if (parentView === 0 || parent === undefined) return;
    // A boundary block is proposed again on top of itself.
    const follows = parent.digest === block.parentDigest || parent.digest === digest;
    if (!follows)
      this.context.report(
        INVARIANT,
        `view ${view} of epoch ${epoch}: its parent view ${parentView} certified another block than its parent`,
      );
  }
}
