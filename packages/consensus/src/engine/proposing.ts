import {
  type Certificate,
  limits,
  type Proposal,
  toView,
  type View,
  type Vote,
  VoteKind,
} from "@consilium/protocol";
import {
  blockOf,
  isBoundary,
  isEpochDecided,
  isEpochOver,
  isProposer,
  learnBlock,
  payloadBytesMax,
  type Run,
  referenceTo,
  slotAt,
} from "./state.js";
import type { BlockReference, Input, State } from "./types.js";
import { castVote } from "./views.js";
import { wantBody, wantViews } from "./wants.js";

/** The certificate that lets a block of this view be a parent: its notarization, or the stronger finalization. */
export function parentCertificate(state: State, view: number): Certificate | undefined {
  if (view === state.tip.view) return state.tip.finalization;
  const slot = state.slots.get(view);
  return slot?.notarization ?? slot?.finalization;
}

/** A block to build on and the view that certified it, which need not be the view that it was first proposed in. */
interface CertifiedParent {
  readonly view: View;
  readonly parent: BlockReference;
}

/** Rule 2: the newest certified block such that every view after it has a nullification; the tip at the latest. */
function findParent(run: Run): CertifiedParent | undefined {
  const { state } = run;
  const missing: number[] = [];
  for (let view = state.view - 1; view > state.tip.view; view--) {
    const certificate = parentCertificate(state, view);
    if (certificate !== undefined && missing.length === 0) {
      const block = blockOf(state, certificate.digest);
      if (block !== undefined) return { view: toView(view), parent: referenceTo(block) };
      wantBody(run, certificate.digest, true);
      return undefined;
    }
    if (certificate !== undefined) break;
    if (state.slots.get(view)?.nullification === undefined) missing.push(view);
  }
  if (missing.length === 0) return { view: state.tip.view, parent: state.tip };
  wantViews(run, Math.min(...missing), Math.max(...missing));
  return undefined;
}

/** Starts building once the proposer's timers run and its parent is known (rule 2). */
export function proposeIfWanted(run: Run): void {
  const { state, effects } = run;
  if (state.proposing !== "wanted" || !isProposer(state, state.view) || !state.mayVote) return;
  if (isEpochDecided(state)) return;
  const { notarize, nullify } = slotAt(state, state.view).own;
  if (notarize || nullify) return;
  const found = findParent(run);
  if (found === undefined) return;
  if (isBoundary(state, found.parent.height)) {
    proposeAgain(run, found);
    return;
  }
  state.proposing = "building";
  state.buildParentView = found.view;
  effects.push({
    kind: "buildPayload",
    epoch: state.epoch.epoch,
    view: state.view,
    parent: found.parent,
    payloadBytesMax: payloadBytesMax(state, found.parent),
  });
}

/**
 * Nothing may stand above the boundary block in its epoch, so the block itself is proposed again, as it is, until one of
 * its views is final: only then may votes of the next epoch rest on it.
 */
function proposeAgain(run: Run, { view: parentView, parent }: CertifiedParent): void {
  const { state, effects } = run;
  const { digest } = parent;
  if (!blockOf(state, digest)?.bodyHere) {
    wantBody(run, digest, true);
    return;
  }
  state.proposing = "done";
  effects.push({ kind: "persist", records: [{ kind: "body", digest }] });
  const { epoch } = state.epoch;
  castVote(run, { kind: VoteKind.notarize, epoch, view: state.view, parentView, digest });
}

/** The block is built: its body becomes durable, then the proposer's own notarize vote is signed. */
export function onPayloadBuilt(run: Run, input: Extract<Input, { kind: "payloadBuilt" }>): void {
  const { state, effects } = run;
  const { epoch, view, header } = input;
  if (epoch !== state.epoch.epoch || view !== state.view || state.proposing !== "building") return;
  if (isEpochOver(state)) return;
  state.proposing = "done";
  const { notarize, nullify } = slotAt(state, view).own;
  if (notarize || nullify) return;
  const { digest } = learnBlock(state, header, true);
  effects.push({ kind: "persist", records: [{ kind: "body", digest }] });
  castVote(run, { kind: VoteKind.notarize, epoch, view, parentView: state.buildParentView, digest });
}

/** The proposal that a proposer's notarize vote carries; undefined when its block or parent is no longer kept. */
export function proposalOf(state: State, vote: Vote): Proposal | undefined {
  const block = blockOf(state, vote.digest);
  if (block === undefined || vote.parentView < state.tip.view) return undefined;
  const certificate = parentCertificate(state, vote.parentView);
  if (certificate === undefined && vote.parentView !== 0) return undefined;
  const nullifications: Certificate[] = [];
  for (let view = vote.parentView + 1; view < vote.view; view++) {
    const nullification = state.slots.get(view)?.nullification;
    if (nullification !== undefined) nullifications.push(nullification);
  }
  return {
    header: block.header,
    vote,
    parentCertificate: certificate ?? null,
    nullifications: nullifications.slice(-limits.nullificationsPerProposal),
  };
}
