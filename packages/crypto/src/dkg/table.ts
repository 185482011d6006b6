/** The state machine of a run as a table: state, event, next state, and a sentence for the operator (CS01 §13.3). */
import { DKG_MESSAGE, type DkgMessageType } from "./messages.js";
import type { DkgAbortReason, DkgPhase } from "./state.js";

export type DkgEvent =
  | "ALL_DEALT"
  | "DEAL_WINDOW_OVER"
  | "DISPUTE_WINDOW_OVER"
  | "ALL_CONFIRMED"
  | "CONFIRM_WINDOW_OVER"
  | DkgAbortReason;

export interface DkgTransition {
  readonly from: DkgPhase;
  readonly event: DkgEvent;
  readonly next: DkgPhase;
  readonly sentence: string;
}

export const DKG_TRANSITIONS: readonly DkgTransition[] = [
  {
    from: "DEAL",
    event: "ALL_DEALT",
    next: "DISPUTE",
    sentence: "Every dealer has a valid deal: members check their shares, dispute wrong ones and confirm.",
  },
  {
    from: "DEAL",
    event: "DEAL_WINDOW_OVER",
    next: "DISPUTE",
    sentence:
      "Dealing is over with enough deals: members check their shares, dispute wrong ones and confirm.",
  },
  {
    from: "DEAL",
    event: "DKG_TOO_FEW_DEALS",
    next: "ABORTED",
    sentence: "Too few dealers dealt in time: see which nodes are down, then announce the next attempt.",
  },
  {
    from: "DEAL",
    event: "DKG_DEGENERATE",
    next: "ABORTED",
    sentence: "The deals cancel each other, which does not happen by chance: announce the next attempt.",
  },
  {
    from: "DEAL",
    event: "DKG_BAD_LINK",
    next: "ABORTED",
    sentence: "The deals do not keep the old key: check the parameters of the reshare and announce it again.",
  },
  {
    from: "DISPUTE",
    event: "DISPUTE_WINDOW_OVER",
    next: "CONFIRM",
    sentence: "Disputes are over: the remaining members confirm.",
  },
  {
    from: "DISPUTE",
    event: "ALL_CONFIRMED",
    next: "ACTIVE",
    sentence: "Every member confirmed its share: the key exists, and serves from its switch on.",
  },
  {
    from: "DISPUTE",
    event: "DKG_TOO_FEW_QUALIFIED",
    next: "ABORTED",
    sentence: "Disputes removed too many dealers: expel them, then announce the next attempt.",
  },
  {
    from: "DISPUTE",
    event: "DKG_DEGENERATE",
    next: "ABORTED",
    sentence: "The deals left cancel each other, which does not happen by chance: announce the next attempt.",
  },
  {
    from: "DISPUTE",
    event: "DKG_BAD_LINK",
    next: "ABORTED",
    sentence:
      "The deals left do not keep the old key: check the parameters of the reshare and announce it again.",
  },
  {
    from: "CONFIRM",
    event: "ALL_CONFIRMED",
    next: "ACTIVE",
    sentence: "Every member confirmed its share: the key exists, and serves from its switch on.",
  },
  {
    from: "CONFIRM",
    event: "CONFIRM_WINDOW_OVER",
    next: "ACTIVE",
    sentence:
      "Enough members confirmed: the key exists; those that did not confirm sit out until the next reshare.",
  },
  {
    from: "CONFIRM",
    event: "DKG_TOO_FEW_CONFIRMS",
    next: "ABORTED",
    sentence: "Too few members confirmed in time: see which nodes are down, then announce the next attempt.",
  },
];

/** Which messages each state accepts; any other is `DKG_WRONG_PHASE`. */
export const DKG_ACCEPTED: Readonly<Record<DkgPhase, readonly DkgMessageType[]>> = {
  DEAL: [DKG_MESSAGE.deal],
  DISPUTE: [DKG_MESSAGE.dispute, DKG_MESSAGE.confirm],
  CONFIRM: [DKG_MESSAGE.confirm],
  ACTIVE: [],
  ABORTED: [],
};

/** The row of the table for an event. An event that a state cannot meet is a programming error. */
export function dkgTransition(from: DkgPhase, event: DkgEvent): DkgTransition {
  const row = DKG_TRANSITIONS.find((transition) => transition.from === from && transition.event === event);
  if (row === undefined) throw new Error(`The key generation table has no row for ${event} in ${from}.`);
  return row;
}
