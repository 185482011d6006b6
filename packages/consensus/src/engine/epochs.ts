import { onCaughtUp } from "./recovery.js";
import { type Run, takeSeat, undoBackoff } from "./state.js";
import type { Input, State } from "./types.js";
import { enterView, nextView } from "./views.js";

type NewEpoch = Extract<Input, { kind: "newEpoch" }>;

/**
 * Starts the next epoch on top of the boundary block that ended the one before, at view 1, or after the tip where a sync
 * got further. Nothing of the old epoch is kept but the level of work and the steps of back-off: the links did not
 * become faster because the set changed. Where the engine is in this epoch already, a sync has caught up in it.
 */
export function onNewEpoch(run: Run, { epoch, tip, mayVote }: NewEpoch): void {
  const { state } = run;
  if (epoch.epoch === state.epoch.epoch) onCaughtUp(run, { kind: "caughtUp", epoch, tip });
  if (epoch.epoch <= state.epoch.epoch) return;
  // The engine's own finalization of the boundary block undid its step already.
  if (tip.height > state.tip.height) undoBackoff(state);
  forgetEpoch(state);
  takeSeat(state, epoch, mayVote);
  state.tip = tip;
  state.historyFromView = nextView(tip.view);
  enterView(run, nextView(tip.view));
}

function forgetEpoch(state: State): void {
  state.slots.clear();
  state.blocks.clear();
  state.wantedBodies.clear();
  state.pendingFinalization = undefined;
  state.syncing = false;
  state.syncStalled = false;
}
