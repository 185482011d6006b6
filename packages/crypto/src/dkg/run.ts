/**
 * A run as a pure function: state and message in, state, code and slashes out (Consilium CS01 §13.3). Every node
 * applies the same messages in the order of the ledger, and so every node holds the same state.
 */
import { equalBytes } from "../bytes.js";
import type { Curve } from "../curve/curve.js";
import { ConsiliumError } from "../errors.js";
import { checkConfirm } from "./confirm.js";
import { checkDealProof, decodeDeal } from "./deal.js";
import { judgeDispute } from "./dispute.js";
import {
  DKG_MESSAGE,
  type DkgConfirmMessage,
  dkgMessageType,
  parseConfirm,
  parseDeal,
  parseDispute,
} from "./messages.js";
import {
  checkDkgParams,
  type DkgParams,
  dkgDealers,
  dkgDealsMin,
  dkgFaultsMax,
  dkgMemberIds,
  dkgSid,
  isIndexOf,
} from "./params.js";
import { type DkgAbortReason, type DkgState, dkgQualified, dkgQualifiedDeals } from "./state.js";
import { DKG_ACCEPTED, type DkgEvent, dkgTransition } from "./table.js";
import { aggregateDeals } from "./transcript.js";

/** A message as the ledger orders it. */
export interface DkgMessage {
  /** Height of the block that holds it. */
  readonly height: number;
  /** Ed25519 key of the signer of its transaction. */
  readonly sender: Uint8Array;
  readonly body: Uint8Array;
}

/** A node that loses stake for what it did in the run. */
export interface DkgSlash {
  readonly role: "dealer" | "member";
  /** Index in that role, from 1. */
  readonly index: number;
  readonly nodeId: Uint8Array;
}

export interface DkgStep {
  readonly state: DkgState;
  /** One of the codes and results of CS01 §17. */
  readonly status: string;
  readonly slashes: readonly DkgSlash[];
}

/** The state of a run that was just announced. Throws `DKG_BAD_PARAMS`, `BAD_LENGTH`. */
export function dkgOpen(params: DkgParams): DkgState {
  checkDkgParams(params);
  return {
    params,
    sid: dkgSid(params),
    phase: "DEAL",
    deals: [],
    allDealtHeight: null,
    disqualified: [],
    slashedDealers: [],
    slashedMembers: [],
    confirms: [],
    result: null,
    activeFromHeight: null,
    abortReason: null,
  };
}

/**
 * State changes by height, as they happen at the start of a block. Heights may be skipped: what was due at a height
 * in between happens with that height. The state itself is returned when nothing is due.
 */
export function dkgAdvance(curve: Curve, state: DkgState, height: number): DkgState {
  const { startHeight, windowBlocks } = state.params;
  const dealEnd = startHeight + windowBlocks;
  let current = state;
  if (current.phase === "DEAL") {
    if (current.allDealtHeight !== null && height > current.allDealtHeight) {
      current = closeDealing(curve, current, "ALL_DEALT");
    } else if (height >= dealEnd) current = closeDealing(curve, current, "DEAL_WINDOW_OVER");
  }
  if (current.phase === "DISPUTE" && height >= dealEnd + windowBlocks) {
    current = follow(current, "DISPUTE_WINDOW_OVER");
  }
  if (current.phase === "CONFIRM" && height >= dealEnd + 2 * windowBlocks) {
    current = closeConfirming(current, dealEnd + 2 * windowBlocks);
  }
  return current;
}

/**
 * Applies one message, after the changes its height brings. A refused message changes nothing but the slash marks
 * that its code stands for. Never throws for what a sender wrote.
 */
export function dkgApply(curve: Curve, state: DkgState, message: DkgMessage): DkgStep {
  const current = dkgAdvance(curve, state, message.height);
  try {
    return applyInPhase(curve, current, message);
  } catch (error) {
    if (error instanceof ConsiliumError) return { state: current, status: error.code, slashes: [] };
    throw error;
  }
}

function applyInPhase(curve: Curve, state: DkgState, message: DkgMessage): DkgStep {
  const accepted = DKG_ACCEPTED[state.phase];
  if (message.height < state.params.startHeight || accepted.length === 0) throw wrongPhase(state);
  const type = dkgMessageType(message.body);
  if (!accepted.includes(type)) throw wrongPhase(state);
  if (type === DKG_MESSAGE.deal) return applyDeal(curve, state, message);
  return type === DKG_MESSAGE.dispute
    ? applyDispute(curve, state, message)
    : applyConfirm(curve, state, message);
}

function applyDeal(curve: Curve, state: DkgState, { height, sender, body }: DkgMessage): DkgStep {
  const { params, sid } = state;
  const deal = decodeDeal(curve, params, sid, body);
  const { dealer } = deal.message;
  requireSender(dkgDealers(params), dealer, sender);
  const earlier = state.deals.find((known) => known.dealer === dealer);
  if (earlier !== undefined) {
    const status = "DKG_DUPLICATE_DEAL";
    return equalBytes(earlier.body, body)
      ? { state, status, slashes: [] }
      : slashDealer(state, dealer, status);
  }
  checkDealProof(curve, params, deal);
  const link = params.old?.verificationKeys[dealer - 1];
  if (link !== undefined && !equalBytes(link, deal.message.commitments[0]!)) {
    throw refusal(
      "DKG_BAD_LINK",
      "This deal does not share the dealer's old share; deal again with that share.",
    );
  }
  const deals = [...state.deals, { dealer, body: body.slice() }].sort(
    (left, right) => left.dealer - right.dealer,
  );
  const allDealtHeight = deals.length === dkgDealers(params).length ? height : null;
  return { state: { ...state, deals, allDealtHeight }, status: "DEAL_ACCEPTED", slashes: [] };
}

function applyDispute(curve: Curve, state: DkgState, { sender, body }: DkgMessage): DkgStep {
  const { params, sid } = state;
  const dispute = parseDispute(sid, body);
  const { dealer, member } = dispute;
  requireSender(dkgMemberIds(params), member, sender);
  const deal = state.deals.find((known) => known.dealer === dealer);
  if (deal === undefined) throw refusal("DKG_NO_SUCH_DEAL", "This dealer has no valid deal to dispute.");
  if (state.disqualified.includes(dealer)) {
    throw refusal("DKG_ALREADY_DISQUALIFIED", "An earlier dispute already removed this dealer.");
  }
  requireNotSlashed(state, member);
  const verdict = judgeDispute(curve, params, sid, parseDeal(params, sid, deal.body), dispute);
  if (verdict !== "DISPUTE_UPHELD") return slashMember(state, member, verdict);
  const slashed = slashDealer(state, dealer, verdict);
  const disqualified = insert(state.disqualified, dealer);
  return { ...slashed, state: requalify(curve, { ...slashed.state, disqualified, confirms: [] }) };
}

function applyConfirm(curve: Curve, state: DkgState, { height, sender, body }: DkgMessage): DkgStep {
  const { params, sid, result } = state;
  const confirm = parseConfirm(sid, body);
  const { member } = confirm;
  requireSender(dkgMemberIds(params), member, sender);
  requireNotSlashed(state, member);
  if (result === null || !equalBytes(confirm.transcript, result.transcript)) {
    throw refusal("DKG_WRONG_TRANSCRIPT", "The qualified dealers changed; confirm the current transcript.");
  }
  const nextEncryptionKey = checkConfirm(curve, params, sid, result, confirm);
  requireFirstConfirm(state, confirm);
  const confirms = [...state.confirms, { member, nextEncryptionKey }].sort((a, b) => a.member - b.member);
  const confirmed = { ...state, confirms };
  const everyone = confirms.length === params.members.length;
  const next = everyone ? activate(confirmed, "ALL_CONFIRMED", height) : confirmed;
  return { state: next, status: "CONFIRM_ACCEPTED", slashes: [] };
}

function closeDealing(curve: Curve, state: DkgState, event: "ALL_DEALT" | "DEAL_WINDOW_OVER"): DkgState {
  if (state.deals.length < dkgDealsMin(state.params)) return abort(state, "DKG_TOO_FEW_DEALS");
  const aggregated = aggregate(curve, state);
  return aggregated.phase === "ABORTED" ? aggregated : follow(aggregated, event);
}

function requalify(curve: Curve, state: DkgState): DkgState {
  if (dkgQualified(state).length < dkgDealsMin(state.params)) return abort(state, "DKG_TOO_FEW_QUALIFIED");
  return aggregate(curve, state);
}

function aggregate(curve: Curve, state: DkgState): DkgState {
  const outcome = aggregateDeals(curve, state.params, state.sid, dkgQualifiedDeals(state));
  return "failure" in outcome ? abort(state, outcome.failure) : { ...state, result: outcome };
}

function closeConfirming(state: DkgState, height: number): DkgState {
  const memberCount = state.params.members.length;
  const confirmsMin = Math.max(state.params.threshold, memberCount - dkgFaultsMax(memberCount));
  if (state.confirms.length >= confirmsMin) return activate(state, "CONFIRM_WINDOW_OVER", height);
  return { ...follow(state, "DKG_TOO_FEW_CONFIRMS"), abortReason: "DKG_TOO_FEW_CONFIRMS" };
}

/** A run that ends at some height is in effect from the next one. */
function activate(state: DkgState, event: DkgEvent, height: number): DkgState {
  return { ...follow(state, event), activeFromHeight: height + 1 };
}

function abort(state: DkgState, reason: DkgAbortReason): DkgState {
  return { ...follow(state, reason), abortReason: reason, result: null };
}

function follow(state: DkgState, event: DkgEvent): DkgState {
  return { ...state, phase: dkgTransition(state.phase, event).next };
}

function slashDealer(state: DkgState, dealer: number, status: string): DkgStep {
  if (state.slashedDealers.includes(dealer)) return { state, status, slashes: [] };
  const nodeId = dkgDealers(state.params)[dealer - 1]!;
  const slashedDealers = insert(state.slashedDealers, dealer);
  return {
    state: { ...state, slashedDealers },
    status,
    slashes: [{ role: "dealer", index: dealer, nodeId }],
  };
}

function slashMember(state: DkgState, member: number, status: string): DkgStep {
  const nodeId = dkgMemberIds(state.params)[member - 1]!;
  const slashedMembers = insert(state.slashedMembers, member);
  return {
    state: { ...state, slashedMembers },
    status,
    slashes: [{ role: "member", index: member, nodeId }],
  };
}

function insert(values: readonly number[], value: number): number[] {
  return [...new Set([...values, value])].sort((left, right) => left - right);
}

function requireSender(nodeIds: readonly Uint8Array[], index: number, sender: Uint8Array): void {
  if (isIndexOf(nodeIds, index, sender)) return;
  throw refusal("DKG_UNKNOWN_SENDER", "Only the node that a message names may send it.");
}

function requireNotSlashed(state: DkgState, member: number): void {
  if (!state.slashedMembers.includes(member)) return;
  throw refusal("DKG_SLASHED", "This member lost a dispute and takes no further part in the run.");
}

function requireFirstConfirm(state: DkgState, { member }: DkgConfirmMessage): void {
  if (!state.confirms.some((known) => known.member === member)) return;
  throw refusal("DKG_DUPLICATE_CONFIRM", "This member has already confirmed this transcript.");
}

function wrongPhase(state: DkgState): ConsiliumError {
  return refusal(
    "DKG_WRONG_PHASE",
    `The run does not take this message in its present state ${state.phase}.`,
  );
}

function refusal(code: string, sentence: string): ConsiliumError {
  return new ConsiliumError(code, sentence);
}
