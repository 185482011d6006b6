import type { BlockHeader, Certificate, Vote } from "@consilium/protocol";
import type { Wire } from "./network.js";

/**
 * What must hold, judged from what leaves the nodes and written without any predicate of the production code: a bug in
 * one must not hide in the other.
 */
export class Checkers {
  readonly violations: string[] = [];
  /** Nullify votes that honest nodes sent first, for the idle profile. */
  nullifyVotes = 0;
  readonly #votes = new Map<string, string>();
  readonly #seenVotes = new WeakSet<Vote>();
  readonly #seenCertificates = new WeakSet<Certificate>();
  readonly #certified = new Map<string, Certificate>();
  readonly #chain = new Map<number, string>();
  readonly #parentOf = new Map<string, string>();
  readonly #tips: { height: number; digest: string }[];

  constructor(
    private readonly validators: number,
    private readonly honest: (validator: number) => boolean,
    genesisDigest: Uint8Array,
  ) {
    this.#tips = Array.from({ length: validators }, () => ({ height: 0, digest: hex(genesisDigest) }));
  }

  /** Everything that an honest node sends. */
  sent(node: number, wire: Wire): void {
    if (!this.honest(node)) return;
    if (wire.kind === "blocks" && wire.finalization) this.certificate(wire.finalization);
    if (wire.kind !== "engine") return;
    const { message } = wire;
    if (message.kind === "certificate") this.certificate(message.certificate);
    if (message.kind === "vote") this.#vote(node, message.vote);
    if (message.kind !== "proposal") return;
    this.#vote(node, message.proposal.vote);
    if (message.proposal.parentCertificate) this.certificate(message.proposal.parentCertificate);
    for (const nullification of message.proposal.nullifications) this.certificate(nullification);
  }

  /** At most one vote of a kind per view across crashes, and never a contradicting pair. */
  #vote(node: number, vote: Vote): void {
    if (this.#seenVotes.has(vote)) return;
    this.#seenVotes.add(vote);
    if (vote.validator !== node) this.violate(`node ${node} sent a vote of validator ${vote.validator}`);
    const name = (kind: number): string => `${vote.validator}/${vote.epoch}/${vote.view}/${kind}`;
    const said = `${vote.parentView}/${hex(vote.digest)}`;
    const before = this.#votes.get(name(vote.kind));
    const place = `validator ${vote.validator} in view ${vote.view}`;
    if (before !== undefined && before !== said) this.violate(`${place}: two votes of kind ${vote.kind}`);
    if (before !== undefined) return;
    this.#votes.set(name(vote.kind), said);
    if (vote.kind === 2) this.nullifyVotes += 1;
    if (vote.kind === 2 && this.#votes.has(name(3))) this.violate(`${place}: nullify after finalize`);
    if (vote.kind === 3 && this.#votes.has(name(2))) this.violate(`${place}: finalize after nullify`);
    if (vote.kind === 1 && this.#votes.has(name(2))) this.violate(`${place}: notarize after nullify`);
  }

  /** q distinct signers of the set; no two quorums that conflict; no finalization and nullification of one view. */
  certificate(certificate: Certificate): void {
    if (this.#seenCertificates.has(certificate)) return;
    this.#seenCertificates.add(certificate);
    const { epoch, view, kind } = certificate;
    const place = `certificate of kind ${kind} in view ${view}`;
    const signers = this.#signers(certificate);
    if (3 * signers.length <= 2 * this.validators) this.violate(`${place}: only ${signers.length} signers`);
    if (signers.some((signer) => signer >= this.validators))
      this.violate(`${place}: a signer outside the set`);
    const other = this.#certified.get(`${epoch}/${view}/${kind}`);
    if (other === undefined) this.#certified.set(`${epoch}/${view}/${kind}`, certificate);
    else if (hex(other.digest) !== hex(certificate.digest) || other.parentView !== certificate.parentView) {
      this.violate(`${place}: two conflicting quorums`);
    }
    if (this.#certified.has(`${epoch}/${view}/2`) && this.#certified.has(`${epoch}/${view}/3`)) {
      this.violate(`view ${view}: both finalized and nullified`);
    }
  }

  #signers({ bitmap }: Certificate): number[] {
    const signers: number[] = [];
    bitmap.forEach((byte, index) => {
      for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) signers.push(8 * index + bit);
    });
    return signers;
  }

  /** One block per height on all nodes; ancestry unbroken on each, across restarts. */
  finalized(
    node: number,
    headers: readonly { header: BlockHeader; digest: Uint8Array }[],
    proof: Certificate,
  ): void {
    if (!this.honest(node)) return;
    this.certificate(proof);
    const tip = this.#tips[node]!;
    for (const { header, digest } of headers) {
      if (header.height <= tip.height) continue;
      const name = hex(digest);
      const place = `node ${node} at height ${header.height}`;
      if (header.height !== tip.height + 1) this.violate(`${place}: ${tip.height} was its last height`);
      if (hex(header.parentDigest) !== tip.digest) this.violate(`${place}: the parent is not its last block`);
      const agreed = this.#chain.get(header.height) ?? name;
      if (agreed !== name) this.violate(`${place}: another block is final elsewhere`);
      this.#chain.set(header.height, agreed);
      this.#parentOf.set(name, hex(header.parentDigest));
      tip.height = header.height;
      tip.digest = name;
    }
    if (hex(proof.digest) !== hex(headers.at(-1)!.digest))
      this.violate(`node ${node}: a finalization of another block`);
  }

  /** At the end: each view skipped between a final block and its parent has its nullification. */
  finish(): void {
    for (const certificate of [...this.#certified.values()]) {
      const { kind, epoch, view, parentView } = certificate;
      const isFinal = this.#parentOf.has(hex(certificate.digest));
      if (kind === 2 || !isFinal) continue;
      for (let skipped = parentView + 1; skipped < view; skipped++) {
        if (this.#certified.has(`${epoch}/${skipped}/2`)) continue;
        this.violate(`view ${view} is final on ${parentView}, but view ${skipped} has no nullification`);
      }
      const parent =
        this.#certified.get(`${epoch}/${parentView}/1`) ?? this.#certified.get(`${epoch}/${parentView}/3`);
      if (
        parentView > 0 &&
        parent !== undefined &&
        hex(parent.digest) !== this.#parentOf.get(hex(certificate.digest))
      ) {
        this.violate(`view ${view}: the block certified in its parent view is not its parent`);
      }
    }
  }

  heightOf(node: number): number {
    return this.#tips[node]!.height;
  }

  /** Adds a finding; the first twenty are kept. */
  violate(sentence: string): void {
    if (this.violations.length < 20) this.violations.push(sentence);
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
