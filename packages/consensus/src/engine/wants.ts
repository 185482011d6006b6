import { fromHex, toHex } from "@consilium/crypto";
import { toView } from "@consilium/protocol";
import { deltaMs, pauseMs, type Run } from "./state.js";

/** Asks for a body: at once when nothing else will bring it, else at the next retry (gossip is usually faster). */
export function wantBody(run: Run, digest: Uint8Array, urgent: boolean): void {
  const key = toHex(digest);
  if (run.state.wantedBodies.has(key)) return;
  run.state.wantedBodies.add(key);
  if (urgent) run.effects.push({ kind: "fetch", what: "body", digest });
  armRetry(run);
}

/** Asks for the certificates of an inclusive range of views; widens what was asked for before. */
export function wantViews(run: Run, from: number, to: number): void {
  const { state } = run;
  const wanted = state.wantedViews;
  if (wanted !== undefined && wanted.from <= from && wanted.to >= to) return;
  state.wantedViews = {
    from: toView(Math.min(from, wanted?.from ?? from)),
    to: toView(Math.max(to, wanted?.to ?? to)),
  };
  const range = { fromView: state.wantedViews.from, toView: state.wantedViews.to };
  run.effects.push({ kind: "fetch", what: "certificates", epoch: state.epoch.epoch, ...range });
  armRetry(run);
}

/** Retries belong to the view in which they are armed, so entering a view arms them again. */
export function armRetry(run: Run): void {
  const { state, effects } = run;
  const idle = state.wantedBodies.size === 0 && state.wantedViews === undefined && !state.syncStalled;
  if (state.retryArmed || idle) return;
  state.retryArmed = true;
  const delayMs = Math.max(
    1,
    Math.floor(state.retries === 0 ? deltaMs(state) / 2 : pauseMs(state, state.retries - 1)),
  );
  effects.push({ kind: "setTimer", epoch: state.epoch.epoch, view: state.view, timer: "retry", delayMs });
}

/**
 * Asks again for all that is still missing. The range of views is forgotten: who still lacks something in it, the
 * proposer or the voter, names it again later in the same step.
 */
export function onRetry(run: Run): void {
  const { state, effects } = run;
  state.retryArmed = false;
  state.retries += 1;
  state.wantedViews = undefined;
  if (state.syncStalled) {
    state.syncStalled = false;
    state.syncing = false;
  }
  for (const key of state.wantedBodies) {
    effects.push({ kind: "fetch", what: "body", digest: fromHex(key) });
  }
  armRetry(run);
}
