import { toHex } from "@consilium/crypto";
import {
  type BlockHeader,
  type Certificate,
  digestOf,
  type HexId,
  toView,
  type Vote,
  VoteKind,
  type VoteSubject,
} from "@consilium/protocol";
import { prune } from "./certificates.js";
import { judgeOwnSignature, loadOwnVote } from "./own-key.js";
import {
  blockOf,
  FUTURE_VIEWS_MAX,
  isEpochOver,
  learnBlock,
  pauseMs,
  type Run,
  slotAt,
  takeSeat,
  undoBackoff,
} from "./state.js";
import type { Effect, EngineMessage, Input, State } from "./types.js";
import { enterView, nextView, setTimer } from "./views.js";
import { broadcastOwn } from "./votes.js";
import { armRetry } from "./wants.js";

/** Own finalize votes of older views that are sent again while stuck: the newest few, so that the message stays small. */
const FINALIZE_VOTES_RESENT_MAX = 4;

type Restored = Extract<Input, { kind: "restored" }>;
type CaughtUp = Extract<Input, { kind: "caughtUp" }>;

/** Takes up durable state after a start, signs own votes again (identical tuples only) and tells peers where it stands. */
export function onRestored(run: Run, input: Restored): void {
  const { state } = run;
  state.started = true;
  takeSeat(state, input.epoch, input.mayVote);
  state.tip = input.tip;
  for (const header of input.headers) if (header.height > state.tip.height) learnBlock(state, header, true);
  let newest = state.tip.view;
  for (const certificate of input.certificates)
    newest = toView(Math.max(newest, restore(state, certificate)));
  state.historyFromView = nextView(newest);
  enterView(run, nextView(newest));
  signAgain(run, input);
  if (newest > 0) for (const certificate of newestCertificates(state)) broadcastCertificate(run, certificate);
}

function restore(state: State, certificate: Certificate): number {
  if (certificate.epoch !== state.epoch.epoch || certificate.view <= state.tip.view) return 0;
  const slot = slotAt(state, certificate.view);
  if (certificate.kind === VoteKind.notarize) slot.notarization = certificate;
  else if (certificate.kind === VoteKind.nullify) slot.nullification = certificate;
  else {
    slot.finalization = certificate;
    if ((state.pendingFinalization?.view ?? 0) < certificate.view) state.pendingFinalization = certificate;
  }
  return certificate.view;
}

/** Votes that the record holds are signed again, unless a certificate shows one that it lacks: then it is an old copy. */
function signAgain(run: Run, { ownVotes, certificates }: Restored): void {
  const { state, effects } = run;
  if (state.selfIndex === undefined || isEpochOver(state)) return;
  const isOpen = (subject: VoteSubject): boolean =>
    subject.epoch === state.epoch.epoch && subject.view > state.tip.view;
  const open = ownVotes.filter(isOpen);
  for (const subject of open) loadOwnVote(state, subject);
  for (const certificate of certificates.filter(isOpen)) judgeOwnSignature(run, certificate);
  if (state.mayVote) effects.push(...open.map((subject) => ({ kind: "sign", subject }) satisfies Effect));
}

/** The certificates a peer needs to stand where this node stands: the tip's finalization, and what entered the view. */
export function newestCertificates(state: State): Certificate[] {
  const entered = state.slots.get(state.view - 1);
  const certificate = entered?.finalization ?? entered?.notarization ?? entered?.nullification;
  return [state.tip.finalization, certificate].filter((each) => each !== undefined);
}

function broadcastCertificate(run: Run, certificate: Certificate): void {
  run.effects.push({ kind: "broadcast", message: { kind: "certificate", certificate } });
}

/** While stuck: own votes and the newest certificates again, at a pace that backs off but stays bounded (rule 5). */
export function onRebroadcast(run: Run): void {
  const { state } = run;
  state.rebroadcasts += 1;
  setTimer(run, "rebroadcast", pauseMs(state, state.rebroadcasts));
  for (const certificate of newestCertificates(state)) broadcastCertificate(run, certificate);
  const finalizing = [...state.slots.values()].filter(
    (slot) => slot.own.finalize && slot.finalization === undefined,
  );
  finalizing.sort((left, right) => left.view - right.view);
  for (const slot of finalizing.slice(-FINALIZE_VOTES_RESENT_MAX)) {
    if (slot.own.finalize?.vote) broadcastOwn(run, slot, slot.own.finalize.vote);
  }
  const slot = slotAt(state, state.view);
  for (const own of [slot.own.notarize, slot.own.nullify]) if (own?.vote) broadcastOwn(run, slot, own.vote);
}

/**
 * Answers a peer that shows itself behind with what brings it here. A nullify vote says "I am stuck in this view"; other
 * messages arrive late in the ordinary course of things, so they count only when two views old. Finalizations are never
 * answered, and certificates of the own view's entry say that the peer is level.
 */
export function helpIfBehind(run: Run, message: EngineMessage, to: HexId | undefined): void {
  const { state, effects } = run;
  if (to === undefined || to === state.config.self || epochOf(message) !== state.epoch.epoch) return;
  const speaks = speakerView(message);
  const stuckPeer = message.kind === "vote" && message.vote.kind === VoteKind.nullify;
  const behind = speaks < state.view - 1 || (stuckPeer && speaks < state.view);
  // A peer that gave up a view in which this node sees nothing to do lacks the finalization that made it idle.
  const idle = stuckPeer && speaks === state.view && !state.timersStarted;
  if (!behind && !idle) return;
  for (const certificate of newestCertificates(state)) {
    effects.push({ kind: "send", to, message: { kind: "certificate", certificate } } satisfies Effect);
  }
}

function epochOf(message: EngineMessage): number {
  if (message.kind === "proposal") return message.proposal.vote.epoch;
  return message.kind === "vote" ? message.vote.epoch : message.certificate.epoch;
}

function speakerView(message: EngineMessage): number {
  if (message.kind === "proposal") return message.proposal.vote.view;
  if (message.kind === "vote") return message.vote.view;
  return message.certificate.kind === VoteKind.finalize ? Number.POSITIVE_INFINITY : message.certificate.view;
}

/** A wanted body came; anything else is ignored, so peers cannot fill memory. */
export function onBodyArrived({ state }: Run, header: BlockHeader): void {
  const digest = digestOf(header);
  const known = blockOf(state, digest);
  const wanted = state.wantedBodies.delete(toHex(digest));
  if (known !== undefined) known.bodyHere = true;
  else if (wanted) learnBlock(state, header, true, digest);
}

/** Sync moved the tip, or came back without progress; then it is tried again after a pause. */
export function onCaughtUp(run: Run, input: CaughtUp): void {
  const { state } = run;
  if (input.epoch.epoch !== state.epoch.epoch) return;
  if (input.tip.height <= state.tip.height) {
    state.syncStalled = state.syncing;
    armRetry(run);
    return;
  }
  state.syncing = false;
  state.syncStalled = false;
  state.tip = input.tip;
  undoBackoff(state);
  if ((state.pendingFinalization?.view ?? 0) <= state.tip.view) state.pendingFinalization = undefined;
  prune(run);
  if (state.view <= state.tip.view) {
    state.historyFromView = nextView(state.tip.view);
    enterView(run, nextView(state.tip.view));
  }
}

/** What a node answers to a request for certificates of a range of views, oldest first. */
export function certificatesOfRange(
  state: State,
  fromView: number,
  toView: number,
  countMax: number,
): Certificate[] {
  const found: Certificate[] = [];
  if (fromView <= state.tip.view && state.tip.finalization !== undefined) found.push(state.tip.finalization);
  const views = [...state.slots.keys()].filter((view) => view >= fromView && view <= toView);
  for (const view of views.sort((left, right) => left - right)) {
    const slot = slotAt(state, view);
    for (const certificate of [slot.notarization, slot.nullification])
      if (certificate) found.push(certificate);
  }
  return found.slice(0, countMax);
}

/**
 * Whether a vote is worth verifying: it may complete a certificate, shows a validator to be at work, or, a nullify vote
 * of any older view, asks for help.
 */
export function wantsVote(state: State, { epoch, validator, view, kind }: Vote): boolean {
  if (epoch !== state.epoch.epoch || validator >= state.epoch.validators.length) return false;
  if (view > state.view + FUTURE_VIEWS_MAX) return false;
  return kind === VoteKind.nullify || view >= state.view - state.config.inactivityViews;
}
