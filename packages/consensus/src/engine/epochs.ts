import { type Run, undoBackoff } from "./state.js";
import type { EpochContext, Input, State } from "./types.js";
import { enterView, nextView } from "./views.js";

type NewEpoch = Extract<Input, { kind: "newEpoch" }>;

/**
 * Starts the next epoch on top of the boundary block that ended the one before, at view 1, or after the tip where a sync
 * got further. Nothing of the old epoch is kept but the level of work and the steps of back-off: the links did not
 * become faster because the set changed.
 */
export function onNewEpoch(run: Run, { epoch, tip, mayVote }: NewEpoch): void {
  const { state } = run;
  if (epoch.epoch <= state.epoch.epoch) return;
  const advanced = tip.height > state.tip.height;
  forgetEpoch(state);
  takeSeat(state, epoch, mayVote);
  state.tip = tip;
  if (advanced) undoBackoff(state);
  state.failedViews = 0;
  state.historyFromView = nextView(tip.view);
  enterView(run, nextView(tip.view));
}

/** Takes on a set: who this node is in it, whether it may vote, and no history of anybody yet. */
export function takeSeat(state: State, epoch: EpochContext, mayVote: boolean): void {
  state.epoch = epoch;
  const index = epoch.validators.indexOf(state.config.self);
  state.selfIndex = index < 0 ? undefined : index;
  state.mayVote = mayVote;
  state.lastSignedView.splice(0, Number.POSITIVE_INFINITY, ...epoch.validators.map(() => 0));
}

function forgetEpoch(state: State): void {
  state.slots.clear();
  state.blocks.clear();
  state.wantedBodies.clear();
  state.pendingFinalization = undefined;
  state.syncing = false;
  state.syncStalled = false;
}
