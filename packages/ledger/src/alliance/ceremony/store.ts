/** How a run of the key generation stands in the state, and what its transitions do to the rest of the state. */
import { DKG_MEMBERS_MIN, type DkgState, encodeDkgState, utf8 } from "@consilium/crypto";
import type { LedgerEvent } from "../../events.js";
import * as queries from "../../queries.js";
import { committeeKey, dealingKeyKey, keyOf, prefixes } from "../../state/keys.js";
import { CeremonyRun, Committee } from "../../state/values.js";
import type { StateWriter } from "../../state/writer.js";

const ZERO_32 = new Uint8Array(32);

/** Writes a run that was just announced. */
export function storeNewRun(state: StateWriter, run: DkgState, announcedHeight: number): void {
  const { purpose, mode, keyNo, epoch, attempt, startHeight, threshold, members, previousTranscript } =
    run.params;
  state.put(keyOf(prefixes.ceremonyState, run.sid), encodeDkgState(run));
  state.putValue(keyOf(prefixes.ceremony, run.sid), CeremonyRun, {
    purpose,
    mode,
    keyNo,
    shareEpoch: epoch,
    attempt,
    sessionId: run.sid,
    announcedHeight,
    startHeight,
    threshold,
    members: members.map(({ nodeId }) => nodeId),
    dealingKeys: members.map(({ encryptionKey }) => encryptionKey),
    previousTranscript,
    phase: utf8(run.phase),
    reason: new Uint8Array(0),
    offenders: [],
    transcript: ZERO_32,
    endedHeight: 0,
    switched: 0,
  });
  state.append(prefixes.ceremonies, Uint8Array.of(purpose), run.sid);
}

/** Writes a run that moved on, and what follows from the phase it entered. */
export function storeStep(
  state: StateWriter,
  before: DkgState,
  after: DkgState,
  height: number,
  emit: (event: LedgerEvent) => void,
): void {
  const { sid, params, phase } = after;
  state.put(keyOf(prefixes.ceremonyState, sid), encodeDkgState(after));
  const summary = queries.ceremony(state, sid)!;
  const hasEnded = phase === "ACTIVE" || phase === "ABORTED";
  const reason = after.abortReason ?? "";
  state.putValue(keyOf(prefixes.ceremony, sid), CeremonyRun, {
    ...summary,
    phase: utf8(phase),
    reason: utf8(reason),
    offenders: phase === "ABORTED" ? offendersOf(before, after) : [],
    transcript: after.result?.transcript ?? ZERO_32,
    endedHeight: hasEnded ? height : 0,
  });
  if (phase === before.phase) return;
  emit({ type: "ceremony-phase", purpose: params.purpose, sessionId: sid, phase, reason });
  if (phase === "ACTIVE") storeCommittee(state, after);
}

/**
 * Who leaves before the next attempt: those convicted in the run, always; those that were silent, as long as enough
 * members remain for a run without them (two restarting nodes must not end a founding alliance of four).
 */
function offendersOf(before: DkgState, after: DkgState): number[] {
  const indices = after.params.members.map((_, index) => index + 1);
  const convicted = indices.filter(
    (index) =>
      after.slashedMembers.includes(index) ||
      (after.params.old === undefined && after.slashedDealers.includes(index)),
  );
  const spoke = new Set(
    after.abortReason === "DKG_TOO_FEW_CONFIRMS"
      ? before.confirms.map(({ member }) => member)
      : after.params.old === undefined
        ? after.deals.map(({ dealer }) => dealer)
        : indices,
  );
  const withSilent = indices.filter((index) => convicted.includes(index) || !spoke.has(index));
  return indices.length - withSilent.length >= DKG_MEMBERS_MIN ? withSilent : convicted;
}

/** The shares exist: the committee is written, though it serves only from its switch on; next dealing keys register. */
function storeCommittee(state: StateWriter, run: DkgState): void {
  const { params, result, activeFromHeight, confirms } = run;
  const { purpose, keyNo, epoch, threshold, members } = params;
  state.putValue(committeeKey(purpose, keyNo, epoch), Committee, {
    purpose,
    keyNo,
    shareEpoch: epoch,
    sessionId: run.sid,
    transcript: result!.transcript,
    threshold,
    members: members.map(({ nodeId }) => nodeId),
    verificationKeys: [...result!.verificationKeys],
    publicKey: result!.commitments[0]!,
    activeHeight: activeFromHeight!,
    servingHeight: 0,
    servingSinceMs: 0,
    replacedAtMs: 0,
  });
  for (const { member, nextEncryptionKey } of confirms) {
    state.put(dealingKeyKey(purpose, members[member - 1]!.nodeId), nextEncryptionKey);
  }
}
