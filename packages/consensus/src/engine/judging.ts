import { equalBytes, toHex } from "@consilium/crypto";
import { BLOCK_VERSION, type HexId, type Proposal, VoteKind, ZERO_32 } from "@consilium/protocol";
import { subjectOf } from "../subjects.js";
import { parentCertificate } from "./proposing.js";
import {
  blockOf,
  FUTURE_VIEWS_MAX,
  isBoundary,
  isEpochDecided,
  isEpochOver,
  learnBlock,
  nodeIdOf,
  proposerOf,
  type Run,
  referenceTo,
  slotAt,
} from "./state.js";
import type { BlockReference, FaultCode, Input, Slot, State } from "./types.js";
import { castVote } from "./views.js";
import { wantBody, wantViews } from "./wants.js";

/** How far a block's timestamp may lie ahead of a voter's clock. */
const CLOCK_AHEAD_MS_MAX = 2_000;

/** Keeps the first proposal of a view from its proposer. Its certificates and its vote were taken in before. */
export function acceptProposal(run: Run, proposal: Proposal, from: HexId): void {
  const { state } = run;
  const { vote, header } = proposal;
  if (vote.epoch !== state.epoch.epoch || isEpochOver(state)) return;
  if (vote.kind !== VoteKind.notarize || vote.validator !== proposerOf(state, vote.view)) {
    blame(run, "PROPOSAL_NOT_FROM_PROPOSER", `view ${vote.view} is another proposer's`, from, undefined);
    return;
  }
  if (vote.view <= state.tip.view || vote.view > state.view + FUTURE_VIEWS_MAX) return;
  const slot = slotAt(state, vote.view);
  if (slot.proposal !== undefined) return;
  slot.proposal = proposal;
  slot.proposalFrom = from;
  learnBlock(state, header, false, vote.digest);
}

/** Rule 3 up to the payload: parent certified, skipped views nullified, header well formed. Fetches what is missing. */
export function judgeIfPossible(run: Run): void {
  const { state, effects } = run;
  const slot = state.slots.get(state.view);
  if (slot?.proposal === undefined || slot.check !== "none" || !state.started) return;
  if (slot.own.notarize || slot.own.nullify || state.selfIndex === undefined || !state.mayVote) return;
  if (isEpochDecided(state)) return;
  const { header, vote } = slot.proposal;
  const parent = findCertifiedParent(run, slot);
  if (parent === undefined) return;
  const repeats = equalBytes(parent.digest, vote.digest);
  const flaw = repeats ? repeatFlaw(state, parent) : headerFlaw(state, slot.proposal, parent);
  if (flaw !== undefined) {
    refuse(run, slot, "PROPOSAL_BAD_HEADER", flaw);
    return;
  }
  slot.check = "running";
  const atOnce = repeats || header.timestampMs <= parent.timestampMs + 1;
  effects.push({
    kind: "checkPayload",
    epoch: state.epoch.epoch,
    view: slot.view,
    header,
    digest: vote.digest,
    notBeforeMs: atOnce ? 0 : header.timestampMs - CLOCK_AHEAD_MS_MAX,
  });
}

/** The block that the parent view certified: the header's parent, or the block itself where it is proposed again. */
function findCertifiedParent(run: Run, slot: Slot): BlockReference | undefined {
  const { state } = run;
  const { header, vote } = slot.proposal as Proposal;
  const { view, parentView } = vote;
  if (parentView >= view) return refuse(run, slot, "PROPOSAL_BAD_PARENT", "the parent's view is not older");
  if (parentView < state.tip.view) {
    // Finality overtook this proposal; it may have been honest, but nobody can vote for it any more.
    slot.check = "refused";
    return undefined;
  }
  const isTip = parentView === state.tip.view;
  const certified = isTip ? state.tip.digest : parentCertificate(state, parentView)?.digest;
  const named = [header.parentDigest, vote.digest];
  if (certified !== undefined && !named.some((digest) => equalBytes(digest, certified))) {
    const reason = `the block certified in view ${parentView} is another one`;
    return refuse(run, slot, "PROPOSAL_BAD_PARENT", reason);
  }
  const missing = missingNullifications(state, parentView, view);
  if (certified === undefined) missing.unshift(parentView);
  if (certified === undefined || missing.length > 0) {
    wantViews(run, Math.min(...missing), Math.max(...missing));
    return undefined;
  }
  return findReference(run, certified);
}

function findReference(run: Run, digest: Uint8Array): BlockReference | undefined {
  const { state } = run;
  if (equalBytes(digest, state.tip.digest)) return state.tip;
  const block = blockOf(state, digest);
  if (block === undefined) wantBody(run, digest, true);
  return block && referenceTo(block);
}

function missingNullifications(state: State, parentView: number, view: number): number[] {
  const missing: number[] = [];
  for (let skipped = parentView + 1; skipped < view; skipped++) {
    if (state.slots.get(skipped)?.nullification === undefined) missing.push(skipped);
  }
  return missing;
}

/** A block that stood in an earlier view was judged then, author and time included; only a boundary block may return. */
const repeatFlaw = (state: State, { height }: BlockReference): string | undefined =>
  isBoundary(state, height) ? undefined : "only an epoch's last block is proposed again";

/** What is wrong with a header, in words; undefined when it is well formed on this parent. */
function headerFlaw(state: State, { header, vote }: Proposal, parent: BlockReference): string | undefined {
  if (header.version !== BLOCK_VERSION) return "the block version is unknown";
  if (!equalBytes(header.chainId, state.config.chainId)) return "the block is of another chain";
  if (header.epoch !== state.epoch.epoch) return "the block is of another epoch";
  if (header.height !== parent.height + 1) return "the height does not follow the parent's";
  if (header.height > state.epoch.lastHeight) return "the height lies above the epoch's last";
  if (!isBoundary(state, header.height) && !equalBytes(header.nextSetRoot, ZERO_32))
    return "it names a next set before the epoch's last block";
  if (toHex(header.author) !== nodeIdOf(state, vote.validator)) return "the author is not the proposer";
  if (header.timestampMs <= parent.timestampMs) return "the timestamp is not above the parent's";
  return undefined;
}

/** The application's verdict on a block; a valid body becomes durable before the notarize vote is signed. */
export function onPayloadChecked(run: Run, input: Extract<Input, { kind: "payloadChecked" }>): void {
  const { state, effects } = run;
  const { epoch, view, digest, verdict } = input;
  const slot = state.slots.get(view);
  if (epoch !== state.epoch.epoch || slot === undefined || slot.check !== "running") return;
  if (isEpochOver(state)) return;
  if (slot.proposal === undefined || !equalBytes(slot.proposal.vote.digest, digest)) return;
  if (verdict.kind === "fault")
    refuse(run, slot, "PROPOSAL_BAD_PAYLOAD", `${verdict.code}: ${verdict.reason}`);
  if (verdict.kind !== "valid") {
    slot.check = "refused";
    return;
  }
  slot.check = "passed";
  learnBlock(state, slot.proposal.header, true, digest);
  state.wantedBodies.delete(toHex(digest));
  effects.push({ kind: "persist", records: [{ kind: "body", digest }] });
  castVote(run, subjectOf(slot.proposal.vote));
}

function refuse(run: Run, slot: Slot, code: FaultCode, reason: string): undefined {
  slot.check = "refused";
  blame(run, code, reason, slot.proposalFrom, slot.proposal?.vote.validator);
}

function blame(
  run: Run,
  code: FaultCode,
  reason: string,
  peer: HexId,
  validator: number | undefined,
): undefined {
  run.effects.push({ kind: "reportFault", code, reason, peer, validator, evidence: [] });
}
