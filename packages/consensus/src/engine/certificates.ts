import { equalBytes, toHex } from "@consilium/crypto";
import { type Certificate, type HexId, VoteKind } from "@consilium/protocol";
import { judgeOwnSignature } from "./own-key.js";
import {
  blockOf,
  countFailedView,
  FETCHED_BLOCKS_MAX,
  isEpochOver,
  namesValidator,
  noteSigner,
  type Run,
  referenceTo,
  slotAt,
  undoBackoff,
} from "./state.js";
import type { KnownBlock, Slot, State } from "./types.js";
import { castVote, enterView, nextView } from "./views.js";
import { wantBody } from "./wants.js";

/**
 * Takes a verified certificate in: keeps it (durably, before anything follows from it), passes it on where it moves
 * this node or is a finalization, and enters the next view (rules 4, 6 and 7). Votes alone never move views.
 */
export function acceptCertificate(run: Run, certificate: Certificate): void {
  const { state, effects } = run;
  if (certificate.epoch !== state.epoch.epoch || isEpochOver(state)) return;
  noteSigners(run, certificate);
  if (certificate.view <= state.tip.view) return;
  judgeOwnSignature(run, certificate);
  const slot = slotAt(state, certificate.view);
  if (!keep(slot, certificate)) return;
  const moves = certificate.view >= state.view;
  effects.push({ kind: "persist", records: [{ kind: "certificate", certificate }] });
  if (moves || certificate.kind === VoteKind.finalize) {
    effects.push({ kind: "broadcast", message: { kind: "certificate", certificate } });
  }
  if (certificate.kind === VoteKind.finalize) noteFinalization(run, certificate);
  if (certificate.kind === VoteKind.notarize) wantNotarized(run, slot, certificate);
  if (moves) leaveView(run, slot, certificate);
}

/** False when the view has a certificate of this kind already. */
function keep(slot: Slot, certificate: Certificate): boolean {
  const name = ({ 1: "notarization", 2: "nullification", 3: "finalization" } as const)[certificate.kind];
  if (name === undefined || slot[name] !== undefined) return false;
  slot[name] = certificate;
  return true;
}

function noteSigners({ state }: Run, certificate: Certificate): void {
  for (let validator = 0; validator < state.epoch.validators.length; validator++) {
    if (namesValidator(certificate, validator)) noteSigner(state, validator, certificate.view);
  }
}

function noteFinalization({ state }: Run, certificate: Certificate): void {
  if ((state.pendingFinalization?.view ?? 0) < certificate.view) state.pendingFinalization = certificate;
}

/** A notarized block's body is fetched; without delay where its proposal was never seen, as nothing else brings it. */
function wantNotarized(run: Run, slot: Slot, certificate: Certificate): void {
  if (blockOf(run.state, certificate.digest)?.bodyHere) return;
  wantBody(run, certificate.digest, slot.proposal === undefined);
}

function leaveView(run: Run, slot: Slot, certificate: Certificate): void {
  const { state } = run;
  // Views that were jumped over are no known history, so nobody is called inactive for them.
  if (certificate.view > state.view) state.historyFromView = nextView(slot.view);
  const nullified = certificate.kind === VoteKind.nullify;
  if (nullified || (certificate.kind === VoteKind.notarize && slot.own.nullify)) {
    countFailedView(state);
  }
  enterView(run, nextView(certificate.view));
  if (certificate.kind === VoteKind.notarize)
    castVote(run, { ...subject(certificate), kind: VoteKind.finalize });
}

const subject = ({ kind, epoch, view, parentView, digest }: Certificate) => ({
  kind,
  epoch,
  view,
  parentView,
  digest,
});

/** Finalizes the block of the newest finalization and its ancestors, once all their bodies are here (rule 7). */
export function finalizeIfComplete(run: Run): void {
  const { state, effects } = run;
  const finalization = state.pendingFinalization;
  if (finalization === undefined || state.syncing) return;
  const blocks = walkToTip(run, finalization);
  if (blocks === undefined) return;
  state.pendingFinalization = undefined;
  const last = blocks.at(-1);
  if (last === undefined) return;
  effects.push({
    kind: "finalize",
    finalization,
    blocks: blocks.map(({ header, digest }) => ({ header, digest })),
  });
  const { digest, height, timestampMs } = referenceTo(last);
  state.tip = { digest, height, timestampMs, view: slotAt(state, finalization.view).view, finalization };
  undoBackoff(state);
  prune(run);
}

/**
 * The blocks above the tip up to the finalized one, oldest first; undefined while something is missing. Only then a long
 * gap is synced: peers serve by range what is final there, and after a stall this may be the first node to know.
 */
function walkToTip(run: Run, finalization: Certificate): KnownBlock[] | undefined {
  const { state } = run;
  const blocks: KnownBlock[] = [];
  let digest = finalization.digest;
  while (!equalBytes(digest, state.tip.digest)) {
    const block = blockOf(state, digest);
    if (block !== undefined && !isInside(state, block)) return reportFork(run, finalization);
    if (block === undefined || !block.bodyHere) {
      wantBody(run, digest, blocks.length > 0 || block === undefined);
      const newest = blocks.at(-1) ?? block;
      const isLong = newest !== undefined && newest.header.height > state.tip.height + FETCHED_BLOCKS_MAX;
      return isLong ? startSync(run, finalization) : undefined;
    }
    blocks.unshift(block);
    digest = block.header.parentDigest;
  }
  return blocks;
}

/** Whether a block lies above the tip and in this epoch, as every block does that a finalization stands on. */
const isInside = ({ tip, epoch }: State, { header }: KnownBlock): boolean =>
  header.height > tip.height && header.height <= epoch.lastHeight;

function startSync(run: Run, target: Certificate): undefined {
  run.state.syncing = true;
  run.effects.push({ kind: "startSync", target });
}

function reportFork(run: Run, finalization: Certificate): undefined {
  run.state.pendingFinalization = undefined;
  run.effects.push({
    kind: "reportFault",
    code: "SAFETY_VIOLATION",
    reason: `the finalization of view ${finalization.view} does not descend from the finalized tip at height ${run.state.tip.height} inside its epoch`,
    peer: undefined,
    validator: undefined,
    evidence: [],
  });
}

/**
 * Forgets what lies at or below the tip; the driver has the tip's finalization durable by then. Of the blocks above it
 * only those stay that a view above it names, so a proposer cannot fill memory with blocks of heights that never come.
 */
export function prune({ state }: Run): void {
  const named = new Set<HexId>();
  const notarized = new Set<HexId>();
  for (const [view, slot] of state.slots) {
    if (view <= state.tip.view) state.slots.delete(view);
    else {
      const { notarization, finalization, proposal, own } = slot;
      for (const each of [notarization, finalization, proposal?.vote, own.notarize?.subject]) {
        if (each !== undefined) named.add(toHex(each.digest));
      }
      if (notarization !== undefined) notarized.add(toHex(notarization.digest));
    }
  }
  for (const [key, block] of state.blocks) {
    if (block.header.height <= state.tip.height || !named.has(key)) state.blocks.delete(key);
  }
  for (const key of state.wantedBodies) if (!notarized.has(key)) state.wantedBodies.delete(key);
}
