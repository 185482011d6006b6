import type { HexId, Proposal } from "@consilium/protocol";
import { acceptCertificate, finalizeIfComplete } from "./certificates.js";
import { onNewEpoch } from "./epochs.js";
import { acceptProposal, judgeIfPossible, onPayloadChecked } from "./judging.js";
import { onPayloadBuilt, proposeIfWanted } from "./proposing.js";
import { helpIfBehind, onBodyArrived, onCaughtUp, onRebroadcast, onRestored } from "./recovery.js";
import { isEpochOver, type Run } from "./state.js";
import type { Effect, Input, State, StepResult } from "./types.js";
import { onViewTimeout, startTimersIfDue } from "./views.js";
import { acceptVote, onSigned } from "./votes.js";
import { onRetry } from "./wants.js";

/**
 * One step: takes an input in, then draws every consequence. Changes `state` in place and returns it with the effects
 * in the order in which they must run. Deterministic; never throws on what a peer sent. Inputs before `restored` are
 * dropped.
 */
export function step(state: State, input: Input): StepResult {
  const effects: Effect[] = [];
  const run: Run = { state, effects };
  if (!state.started && input.kind !== "restored") return { state, effects };
  takeIn(run, input);
  finalizeIfComplete(run);
  startTimersIfDue(run);
  proposeIfWanted(run);
  judgeIfPossible(run);
  return { state, effects };
}

function takeIn(run: Run, input: Input): void {
  switch (input.kind) {
    case "restored":
      onRestored(run, input);
      break;
    case "proposal":
      onProposal(run, input.proposal, input.from);
      break;
    case "vote":
      acceptVote(run, input.vote, input.from);
      helpIfBehind(run, input, input.from);
      break;
    case "certificate":
      acceptCertificate(run, input.certificate);
      helpIfBehind(run, input, input.from);
      break;
    case "timeout":
      onTimeout(run, input);
      break;
    case "signed":
      onSigned(run, input.subject, input.vote);
      break;
    case "bodyArrived":
      onBodyArrived(run, input.header);
      break;
    case "payloadBuilt":
      onPayloadBuilt(run, input);
      break;
    case "payloadChecked":
      onPayloadChecked(run, input);
      break;
    case "workKnown":
      run.state.work = input.work;
      break;
    case "caughtUp":
      onCaughtUp(run, input);
      break;
    case "newEpoch":
      onNewEpoch(run, input);
  }
}

/** A proposal brings its parent's certificate, nullifications and its proposer's vote; the newest certificate first. */
function onProposal(run: Run, proposal: Proposal, from: HexId): void {
  const { parentCertificate, nullifications } = proposal;
  const certificates =
    parentCertificate === null ? [...nullifications] : [parentCertificate, ...nullifications];
  // The newest moves the view; the older ones are then only kept, not passed on one by one.
  certificates.sort((left, right) => right.view - left.view);
  for (const certificate of certificates) acceptCertificate(run, certificate);
  acceptProposal(run, proposal, from);
  acceptVote(run, proposal.vote, from);
  helpIfBehind(run, { kind: "proposal", proposal }, from);
}

/** The one place where a stale timer is dropped; in an epoch that is over every timer is. */
function onTimeout(run: Run, { epoch, view, timer }: Extract<Input, { kind: "timeout" }>): void {
  const { state } = run;
  if (epoch !== state.epoch.epoch || view !== state.view || isEpochOver(state)) return;
  if (timer === "interval") state.intervalPassed = true;
  else if (timer === "heartbeat") state.heartbeatPassed = true;
  else if (timer === "rebroadcast") onRebroadcast(run);
  else if (timer === "retry") onRetry(run);
  else onViewTimeout(run, timer);
}
