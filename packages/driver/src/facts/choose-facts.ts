import {
  factsMax,
  quorumOfSet,
  type ValidatorSet,
  type VoteVerifier,
  viewWindowHeights,
} from "@consilium/consensus";
import { type Certificate, VoteKind } from "@consilium/protocol";
import { type IncludedView, positionName } from "./included-facts.js";
import { bitmapOf, has, maskOf } from "./masks.js";
import type { ViewVotes, VoteGroup } from "./view-votes.js";

export interface ChoiceContext {
  /** Height, epoch and view of the block to be built. */
  readonly height: number;
  readonly epoch: number;
  readonly view: number;
  readonly setOf: (epoch: number) => ValidatorSet | undefined;
  /** What the block's ancestors include already, by view. */
  readonly included: ReadonlyMap<string, IncludedView>;
}

/** One fact to make: the group that it is made of. */
interface Choice {
  readonly group: VoteGroup;
  readonly validatorCount: number;
}

/**
 * The facts that say something new: a notarization or nullification not told yet, and votes that no ancestor includes,
 * while their view's window is open. The oldest views come first, as theirs closes first; at most 2n, one for each view
 * and kind.
 */
export function chooseFacts(views: Iterable<ViewVotes>, context: ChoiceContext): readonly Choice[] {
  const set = context.setOf(context.epoch);
  const most = set === undefined ? 0 : factsMax(set.length);
  const chosen: Choice[] = [];
  for (const view of [...views].sort(byPosition)) {
    if (chosen.length >= most) break;
    chosen.push(...chooseOfView(view, context));
  }
  return chosen.slice(0, most);
}

function chooseOfView(votes: ViewVotes, { height, epoch, view, setOf, included }: ChoiceContext): Choice[] {
  const set = setOf(votes.epoch);
  const timely = votes.epoch === epoch ? votes.view < view : votes.epoch === epoch - 1;
  if (set === undefined || !timely) return [];
  const known = included.get(positionName(votes));
  if (known?.openedHeight !== undefined && height > known.openedHeight + viewWindowHeights(set.length))
    return [];
  const chosen: Choice[] = [];
  const told = new Set(known?.told);
  let voters = known?.voters ?? 0;
  let open = known?.openedHeight !== undefined;
  const groups = [...votes.groups.values()].map((group) => ({ group, mask: votersOf(group) }));
  // A quorum's fact opens the view for the others, so it goes first; then whatever adds most.
  groups.sort((left, right) => countOf(right.mask) - countOf(left.mask));
  for (const { group, mask } of groups) {
    const quorum = countOf(mask) >= quorumOfSet(set);
    const kind = group.subject.kind === VoteKind.finalize ? VoteKind.notarize : group.subject.kind;
    const says = (mask & ~voters) !== 0 || (quorum && !told.has(kind));
    const repeated = chosen.some((each) => each.group.subject.kind === group.subject.kind);
    if (!says || repeated || !(open || quorum)) continue;
    chosen.push({ group, validatorCount: set.length });
    voters |= mask;
    open = true;
    if (quorum) told.add(kind);
  }
  return chosen;
}

/** Makes the certificate of a chosen group: the quorum's certificate with the later votes added to it. */
export async function makeFact(
  verifier: VoteVerifier,
  { group, validatorCount }: Choice,
): Promise<Certificate> {
  const { subject, certificate } = group;
  const base = certificate === undefined ? 0 : maskOf(certificate.bitmap);
  const added = [...group.votes.values()].filter(({ validator }) => !has(base, validator));
  if (certificate !== undefined && added.length === 0) return certificate;
  const signatures = added.map(({ signature }) => signature);
  if (certificate !== undefined) signatures.push(certificate.signature);
  const signature = await verifier.aggregate(signatures);
  return { ...subject, bitmap: bitmapOf(votersOf(group), validatorCount), signature };
}

function votersOf({ votes, certificate }: VoteGroup): number {
  let mask = certificate === undefined ? 0 : maskOf(certificate.bitmap);
  for (const validator of votes.keys()) mask |= 1 << validator;
  return mask;
}

function countOf(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

const byPosition = (left: ViewVotes, right: ViewVotes): number =>
  left.epoch - right.epoch || left.view - right.view;
