import { toHex } from "@consilium/crypto";
import { type Certificate, type HexId, type Vote, VoteKind, type VoteSubject } from "@consilium/protocol";
import { sameSubject } from "../subjects.js";
import { namesValidator, type Run, slotAt } from "./state.js";
import type { OwnVote, Slot, State } from "./types.js";

const NAME_OF_KIND = { 1: "notarize", 2: "nullify", 3: "finalize" } as const;

/** The own vote of this subject's kind, if the view has one. */
export const ownVoteOf = (slot: Slot, kind: VoteKind): OwnVote | undefined => slot.own[NAME_OF_KIND[kind]];

/** Takes an own vote of the safety record up, as it stood before a restart. */
export function loadOwnVote(state: State, subject: VoteSubject): void {
  slotAt(state, subject.view).own[NAME_OF_KIND[subject.kind as VoteKind]] = {
    subject,
    vote: undefined,
    recorded: true,
  };
}

/** A vote of the own key that this node never asked for: another copy of the key is at work, so this one stops. */
export function judgeOwnVote(run: Run, vote: Vote, peer: HexId | undefined): void {
  if (!mayHaveSigned(run.state, vote)) stopVoting(run, vote, peer, [vote]);
}

/** The same for a certificate above the tip whose list of signers names this node. The tip's own view is not judged. */
export function judgeOwnSignature(run: Run, certificate: Certificate): void {
  const { selfIndex } = run.state;
  if (selfIndex === undefined || !namesValidator(certificate, selfIndex)) return;
  if (!mayHaveSigned(run.state, certificate)) stopVoting(run, certificate, undefined, []);
}

/**
 * Whether the safety record holds this vote, or will once the signer has answered. The record is written before a
 * signature exists, and the engine knows a vote before it is written, so no signature of this node is ever without one.
 * A vote that the record refused now but held at the start was signed before the restart.
 */
function mayHaveSigned(state: State, subject: VoteSubject): boolean {
  const slot = state.slots.get(subject.view);
  const own = slot && ownVoteOf(slot, subject.kind as VoteKind);
  if (own === undefined || !sameSubject(own.subject, subject)) return false;
  return own.recorded || own.vote !== null;
}

function stopVoting(
  run: Run,
  subject: VoteSubject,
  peer: HexId | undefined,
  evidence: readonly Vote[],
): void {
  const { state, effects } = run;
  if (!state.mayVote || state.selfIndex === undefined) return;
  state.mayVote = false;
  const name = NAME_OF_KIND[subject.kind as VoteKind];
  const block = subject.kind === VoteKind.nullify ? "" : ` for block ${toHex(subject.digest).slice(0, 16)}`;
  effects.push({
    kind: "reportFault",
    code: "OWN_KEY_ELSEWHERE",
    reason: `this node's key signed ${name}${block} in view ${subject.view}, which its safety record lacks; it stops voting`,
    peer,
    validator: state.selfIndex,
    evidence,
  });
}
