import { toView, type View, VoteKind, type VoteSubject } from "@consilium/protocol";
import { contradicts, nullifySubject } from "../subjects.js";
import {
  deltaMs,
  hasUnfinalized,
  isEpochDecided,
  isInactive,
  isProposer,
  nodeIdOf,
  pauseMs,
  proposerOf,
  type Run,
  slotAt,
} from "./state.js";
import type { OwnVote, TimerKind } from "./types.js";
import { armRetry } from "./wants.js";

/** Sets a timer of the current view. */
export function setTimer(run: Run, timer: TimerKind, delayMs: number): void {
  const { state, effects } = run;
  effects.push({ kind: "setTimer", epoch: state.epoch.epoch, view: state.view, timer, delayMs });
}

/** Enters a view (rules 1, 4, 6, 7): no timer of an older view means anything from here on. */
export function enterView(run: Run, view: View): void {
  const { state } = run;
  state.view = view;
  state.intervalPassed = false;
  state.heartbeatPassed = false;
  state.timersStarted = false;
  state.stuck = false;
  state.rebroadcasts = 0;
  state.retries = 0;
  state.retryArmed = false;
  state.proposing = "no";
  // Certificates of views that lie further back are asked for again by whoever needs them now.
  state.wantedViews = undefined;
  setTimer(run, "interval", state.config.blockIntervalMs);
  setTimer(run, "heartbeat", Math.max(state.config.heartbeatMs, state.config.blockIntervalMs));
  armRetry(run);
  forgetOldVotes(run);
}

/** Votes of views long left serve nobody; their certificates are kept until finality, so memory stays bounded. */
function forgetOldVotes({ state }: Run): void {
  const oldest = state.view - 2 * state.epoch.validators.length;
  for (const slot of state.slots.values()) {
    if (slot.view >= oldest) continue;
    slot.notarizeVotes.clear();
    slot.nullifyVotes.clear();
    slot.finalizeVotes.clear();
    slot.proposal = undefined;
  }
}

/** Rule 1: the timers start on work but not before the block interval, and at the latest at the heartbeat. */
export function startTimersIfDue(run: Run): void {
  const { state, effects } = run;
  if (state.timersStarted || isEpochDecided(state)) return;
  const proposed = state.slots.get(state.view)?.proposal !== undefined;
  const hasWork = state.work || proposed || hasUnfinalized(state);
  if (!state.heartbeatPassed && !(state.intervalPassed && hasWork)) return;
  state.timersStarted = true;
  const proposer = proposerOf(state, state.view);
  if (isProposer(state, state.view)) {
    if (state.proposing === "no") state.proposing = "wanted";
  } else if (state.work && !proposed) {
    effects.push({ kind: "forwardWork", to: nodeIdOf(state, proposer) });
  }
  setTimer(run, "propose", isInactive(state, proposer) ? 0 : 2 * deltaMs(state));
  setTimer(run, "advance", 3 * deltaMs(state));
}

/** Rule 5: `propose` is moot once a proposal came; `advance` is not. Neither counts once the epoch is decided. */
export function onViewTimeout(run: Run, timer: "propose" | "advance"): void {
  const { state } = run;
  if (isEpochDecided(state)) return;
  if (timer === "propose" && state.slots.get(state.view)?.proposal !== undefined) return;
  castVote(run, nullifySubject(state.epoch.epoch, state.view));
  if (state.stuck) return;
  state.stuck = true;
  setTimer(run, "rebroadcast", pauseMs(state, 0));
}

/**
 * Asks the signer for a vote, unless this node does not vote, voted so already, the epoch is decided, or the vote would
 * contradict one of its own. The signer's safety record is the second, durable line of the same rule.
 */
export function castVote(run: Run, subject: VoteSubject): void {
  const { state, effects } = run;
  if (state.selfIndex === undefined || !state.mayVote) return;
  if (subject.view <= state.tip.view || isEpochDecided(state)) return;
  const slot = slotAt(state, subject.view);
  const { notarize, nullify, finalize } = slot.own;
  const vote: OwnVote = { subject, vote: undefined, recorded: false };
  if (subject.kind === VoteKind.notarize) {
    // After finalize(v) it may only name the same block: a slow validator is then seen to have been at work.
    if (
      notarize ||
      nullify ||
      (finalize && contradicts({ ...finalize.subject, kind: subject.kind }, subject))
    )
      return;
    slot.own.notarize = vote;
  } else if (subject.kind === VoteKind.nullify) {
    if (nullify || finalize) return;
    slot.own.nullify = vote;
  } else {
    if (nullify || finalize) return;
    slot.own.finalize = vote;
  }
  effects.push({ kind: "sign", subject });
}

export const nextView = (view: number): View => toView(view + 1);
