import {
  subjectFlaw,
  type ValidatorSet,
  type VoteVerifier,
  viewWindowHeights,
  voteBytes,
} from "@consilium/consensus";
import { toHex } from "@consilium/crypto";
import { type Certificate, fault, type Verdict, type Vote } from "@consilium/protocol";
import type { EpochBook } from "../epochs/epoch-book.js";
import type { BlockTree } from "../tree/block-tree.js";
import { chooseFacts, makeFact } from "./choose-facts.js";
import type { EvidenceDesk } from "./evidence-desk.js";
import { IncludedFacts, positionName } from "./included-facts.js";
import { ViewVotes } from "./view-votes.js";

/** Views ahead of the present one of which votes are kept. */
const FUTURE_VIEWS_MAX = 32;
/** Views kept for each validator beside those: far more than two rounds of heights take in ordinary times. */
const VIEWS_PER_VALIDATOR_MAX = 8;
/** Heights that lie between a view's own block and the one that first tells of it. */
const TOLD_AFTER_HEIGHTS = 2;

export interface VoteArchiveOptions {
  readonly chainId: Uint8Array;
  readonly epochs: Pick<EpochBook, "current" | "setOf">;
  readonly verifier: VoteVerifier;
  readonly tree: Pick<BlockTree, "body">;
  readonly evidence: EvidenceDesk;
  /** The view at work. */
  readonly view: () => number;
  /** A validator delivered a vote that it did not sign. */
  readonly judge: (peer: string, verdict: Verdict<unknown>) => void;
}

/** Where a block is to stand for which facts are chosen. */
export interface FactsPlace {
  readonly parentDigest: Uint8Array;
  readonly height: number;
  readonly epoch: number;
  readonly view: number;
}

/**
 * The votes and certificates of the views whose facts still count, late ones too. Votes that come after their
 * certificate are kept unverified and verified in one batch when this node builds a block: nobody waits for them.
 */
export class VoteArchive {
  private readonly views = new Map<string, ViewVotes>();
  private readonly included: IncludedFacts;
  /** The views that ended the newest final heights, oldest first. */
  private final: (Position & { readonly height: number })[] = [];
  /** The newest view of which no block may speak any more. */
  private floor: Position | undefined;
  /** The last view of epochs that are over. */
  private readonly ends = new Map<number, number>();

  constructor(private readonly options: VoteArchiveOptions) {
    this.included = new IncludedFacts((digest) => options.tree.body(digest), options.epochs);
  }

  /**
   * Takes a vote, unverified, that its own validator delivered: nobody can crowd out another's. Answers with the votes
   * to verify at once, because they contradict each other.
   */
  offer(vote: Vote): readonly Vote[] {
    const set = this.options.epochs.setOf(vote.epoch);
    if (set === undefined || vote.validator >= set.length || !this.isNear(vote)) return [];
    const view = this.viewOf(vote);
    return view.offer(vote) ? view.waitingOf(vote.validator) : [];
  }

  /** Takes a verified vote, from whoever. */
  add(vote: Vote): void {
    if (!this.isNear(vote)) return;
    const other = this.viewOf(vote).add(vote);
    if (other !== undefined) this.options.evidence.report(other, vote);
  }

  addCertificate(certificate: Certificate): void {
    if (this.isNear(certificate)) this.viewOf(certificate).addCertificate(certificate);
  }

  /** The tip moved: forgets the views that no block may speak of any more. `ended`: it is a boundary block. */
  moved(tip: Position & { readonly height: number }, ended: boolean): void {
    const { epochs } = this.options;
    this.final.push({ height: tip.height, epoch: tip.epoch, view: tip.view });
    if (ended) this.ends.set(tip.epoch, tip.view + FUTURE_VIEWS_MAX);
    const oldest = tip.height - viewWindowHeights(this.validatorCount()) - TOLD_AFTER_HEIGHTS;
    this.floor = this.final.findLast(({ height }) => height < oldest) ?? this.floor;
    this.final = this.final.filter(({ height }) => height >= oldest);
    for (const [name, view] of this.views) if (this.isOver(view)) this.views.delete(name);
    for (const epoch of this.ends.keys()) if (epoch < epochs.current - 1) this.ends.delete(epoch);
  }

  /** Views of which something is kept: a bounded number, whatever peers send. */
  get viewCount(): number {
    return this.views.size;
  }

  /** The facts for a block, made of verified votes alone. */
  async factsFor({ parentDigest, height, epoch, view }: FactsPlace): Promise<Certificate[]> {
    await this.verifyWaiting();
    const { epochs, verifier } = this.options;
    const depth = viewWindowHeights(this.validatorCount()) + TOLD_AFTER_HEIGHTS;
    const included = this.included.upTo(parentDigest, height - depth);
    const setOf = (of: number) => epochs.setOf(of);
    const chosen = chooseFacts(this.views.values(), { height, epoch, view, setOf, included });
    return Promise.all(chosen.map((each) => makeFact(verifier, each)));
  }

  private async verifyWaiting(): Promise<void> {
    const { epochs } = this.options;
    const byEpoch = new Map<number, Vote[]>();
    for (const view of this.views.values()) {
      byEpoch.set(view.epoch, [...(byEpoch.get(view.epoch) ?? []), ...view.waitingOf()]);
    }
    for (const [epoch, votes] of byEpoch) {
      const set = epochs.setOf(epoch);
      if (set !== undefined && votes.length > 0) await this.verify(set, votes);
    }
  }

  /**
   * All in one batch. Where that fails each validator's votes make a batch of their own, and a bad one is let go whole:
   * only the validator itself delivers these, and a builder has no time to sort them.
   */
  private async verify(set: ValidatorSet, votes: readonly Vote[]): Promise<void> {
    const formed = votes.filter((vote) => this.isWellFormed(set, vote));
    if (await this.holds(set, formed)) {
      for (const vote of formed) this.add(vote);
      return;
    }
    for (const validator of new Set(formed.map((vote) => vote.validator))) {
      const own = formed.filter((vote) => vote.validator === validator);
      if (await this.holds(set, own)) for (const vote of own) this.add(vote);
      else this.refuse(set, own, fault("VOTE_BAD_SIGNATURE", `not all signed by validator ${validator}`));
    }
  }

  private holds(set: ValidatorSet, votes: readonly Vote[]): Promise<boolean> {
    const { verifier, chainId } = this.options;
    const signed = votes.map((vote) => {
      const message = voteBytes(chainId, vote);
      return { publicKey: set[vote.validator]!.voteKey, message, signature: vote.signature };
    });
    return signed.length === 0 ? Promise.resolve(true) : verifier.verifyBatch(signed);
  }

  private isWellFormed(set: ValidatorSet, vote: Vote): boolean {
    const flaw = subjectFlaw(vote);
    if (flaw !== undefined) this.refuse(set, [vote], fault("VOTE_MALFORMED", flaw));
    return flaw === undefined;
  }

  private refuse(set: ValidatorSet, votes: readonly Vote[], verdict: Verdict<never>): void {
    for (const vote of votes) this.views.get(positionName(vote))?.forget(vote);
    this.options.judge(toHex(set[votes[0]!.validator]!.nodeId), verdict);
  }

  private isNear(position: Position): boolean {
    const { current } = this.options.epochs;
    if (this.isOver(position)) return false;
    if (position.epoch === current) return position.view <= this.options.view() + FUTURE_VIEWS_MAX;
    return position.epoch === current - 1 && position.view <= (this.ends.get(position.epoch) ?? 0);
  }

  private isOver(position: Position): boolean {
    if (position.epoch < this.options.epochs.current - 1) return true;
    return this.floor !== undefined && isUpTo(position, this.floor);
  }

  private viewOf(position: { readonly epoch: number; readonly view: number }): ViewVotes {
    const name = positionName(position);
    const known = this.views.get(name);
    if (known !== undefined) return known;
    const view = new ViewVotes(position.epoch, position.view);
    this.views.set(name, view);
    if (this.views.size > this.viewsMax()) this.dropOldest();
    return view;
  }

  private dropOldest(): void {
    let oldest: ViewVotes | undefined;
    for (const view of this.views.values()) if (oldest === undefined || isUpTo(view, oldest)) oldest = view;
    if (oldest !== undefined) this.views.delete(positionName(oldest));
  }

  private viewsMax(): number {
    return VIEWS_PER_VALIDATOR_MAX * this.validatorCount() + FUTURE_VIEWS_MAX;
  }

  private validatorCount(): number {
    return this.options.epochs.setOf(this.options.epochs.current)?.length ?? 1;
  }
}

type Position = { readonly epoch: number; readonly view: number };

const isUpTo = (left: Position, right: Position): boolean =>
  left.epoch < right.epoch || (left.epoch === right.epoch && left.view <= right.view);
