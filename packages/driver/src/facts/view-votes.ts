import { contradicts, sameSubject, subjectOf } from "@consilium/consensus";
import { toHex } from "@consilium/crypto";
import type { Certificate, Vote, VoteSubject } from "@consilium/protocol";

/** Votes of one validator and kind that are kept: two are enough to show a contradiction. */
const VOTES_PER_KIND_MAX = 2;

/** Verified votes that say the same, one by one and as a certificate. */
export interface VoteGroup {
  readonly subject: VoteSubject;
  /** By validator index. */
  readonly votes: Map<number, Vote>;
  certificate: Certificate | undefined;
}

/** What is known of the votes of one view. */
export class ViewVotes {
  readonly groups = new Map<string, VoteGroup>();
  private readonly waiting = new Map<string, Vote[]>();

  constructor(
    readonly epoch: number,
    readonly view: number,
  ) {}

  /** Takes a vote that is not verified yet; true when it contradicts another one of its validator. */
  offer(vote: Vote): boolean {
    if (this.groups.get(nameOf(vote))?.votes.has(vote.validator)) return false;
    const name = `${vote.kind} ${vote.validator}`;
    const waiting = this.waiting.get(name) ?? [];
    if (waiting.length >= VOTES_PER_KIND_MAX || waiting.some((each) => sameSubject(each, vote))) return false;
    this.waiting.set(name, [...waiting, vote]);
    return [...this.waitingOf(vote.validator), ...this.votesOf(vote.validator)].some((each) =>
      contradicts(each, vote),
    );
  }

  /** Takes a verified vote; answers with a verified one of its validator that it contradicts. */
  add(vote: Vote): Vote | undefined {
    this.forget(vote);
    const known = this.votesOf(vote.validator);
    if (known.filter(({ kind }) => kind === vote.kind).length >= VOTES_PER_KIND_MAX) return undefined;
    const other = known.find((each) => contradicts(each, vote));
    this.group(vote).votes.set(vote.validator, vote);
    return other;
  }

  addCertificate(certificate: Certificate): void {
    this.group(certificate).certificate ??= certificate;
  }

  /** Votes that wait for verification: of one validator, or of all. */
  waitingOf(validator?: number): Vote[] {
    const all = [...this.waiting.values()].flat();
    return validator === undefined ? all : all.filter((each) => each.validator === validator);
  }

  /** The vote was judged, or is known from elsewhere. */
  forget(vote: Vote): void {
    const name = `${vote.kind} ${vote.validator}`;
    const rest = (this.waiting.get(name) ?? []).filter((each) => !sameSubject(each, vote));
    if (rest.length === 0) this.waiting.delete(name);
    else this.waiting.set(name, rest);
  }

  private votesOf(validator: number): Vote[] {
    return [...this.groups.values()].flatMap(({ votes }) => votes.get(validator) ?? []);
  }

  private group(subject: VoteSubject): VoteGroup {
    const name = nameOf(subject);
    const known = this.groups.get(name);
    if (known !== undefined) return known;
    const group = { subject: subjectOf(subject), votes: new Map(), certificate: undefined };
    this.groups.set(name, group);
    return group;
  }
}

const nameOf = ({ kind, parentView, digest }: VoteSubject): string =>
  `${kind} ${parentView} ${toHex(digest)}`;
