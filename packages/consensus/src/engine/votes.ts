import { type HexId, type Vote, VoteKind, type VoteSubject } from "@consilium/protocol";
import { contradicts, sameSubject } from "../subjects.js";
import { judgeOwnVote, ownVoteOf } from "./own-key.js";
import { proposalOf } from "./proposing.js";
import { FUTURE_VIEWS_MAX, isEpochOver, noteSigner, proposerOf, quorum, type Run, slotAt } from "./state.js";
import type { Slot } from "./types.js";

/** Takes a verified vote of any validator in and asks for the certificate once a quorum of equal votes is here. */
export function acceptVote(run: Run, vote: Vote, from: HexId): void {
  const { state } = run;
  if (vote.epoch !== state.epoch.epoch || vote.view > state.view + FUTURE_VIEWS_MAX) return;
  // Late votes count here too, so that a slow validator is not taken for an absent one.
  noteSigner(state, vote.validator, vote.view);
  if (vote.view <= state.tip.view || isEpochOver(state)) return;
  if (vote.validator === state.selfIndex) judgeOwnVote(run, vote, from);
  else countVote(run, vote, from);
}

function countVote(run: Run, vote: Vote, from: HexId): void {
  const { state } = run;
  const slot = slotAt(state, vote.view);
  const votes = votesOf(slot, vote.kind);
  const first = votes.get(vote.validator);
  if (first !== undefined && sameSubject(first, vote)) return;
  reportContradiction(run, slot, vote, from);
  if (first !== undefined) return;
  votes.set(vote.validator, vote);
  assembleIfQuorum(run, slot, vote);
}

function votesOf(slot: Slot, kind: number): Map<number, Vote> {
  if (kind === VoteKind.notarize) return slot.notarizeVotes;
  return kind === VoteKind.nullify ? slot.nullifyVotes : slot.finalizeVotes;
}

/** Two votes that no honest validator signs both, with both as evidence; once for each validator and view. */
function reportContradiction(run: Run, slot: Slot, vote: Vote, peer: HexId): void {
  const { validator, view } = vote;
  const votes = [slot.notarizeVotes, slot.nullifyVotes, slot.finalizeVotes].map((each) =>
    each.get(validator),
  );
  const other = votes.find((each) => each !== undefined && contradicts(each, vote));
  if (other === undefined || slot.equivocators.has(validator)) return;
  slot.equivocators.add(validator);
  run.effects.push({
    kind: "reportFault",
    code: "EQUIVOCATION",
    reason: `validator ${validator} contradicts itself in view ${view}`,
    peer,
    validator,
    evidence: [other, vote],
  });
}

/** A quorum of equal votes becomes a certificate; asked for once per view and kind. */
function assembleIfQuorum(run: Run, slot: Slot, subject: VoteSubject): void {
  const has = { 1: slot.notarization, 2: slot.nullification, 3: slot.finalization }[subject.kind as VoteKind];
  if (has !== undefined || slot.assembling.has(subject.kind)) return;
  const equal = [...votesOf(slot, subject.kind).values()].filter((vote) => sameSubject(vote, subject));
  if (equal.length < quorum(run.state)) return;
  slot.assembling.add(subject.kind);
  run.effects.push({
    kind: "assemble",
    votes: equal.sort((left, right) => left.validator - right.validator),
  });
}

/** The signer's answer: the vote is durable in the safety record, so now it may leave. */
export function onSigned(run: Run, subject: VoteSubject, vote: Vote | undefined): void {
  const { state } = run;
  const slot = state.slots.get(subject.view);
  const own = slot === undefined ? undefined : ownVoteOf(slot, subject.kind as VoteKind);
  if (subject.epoch !== state.epoch.epoch || slot === undefined || own === undefined) return;
  if (!sameSubject(own.subject, subject)) return;
  own.vote = vote ?? null;
  if (vote === undefined) return;
  noteSigner(state, vote.validator, vote.view);
  votesOf(slot, vote.kind).set(vote.validator, vote);
  broadcastOwn(run, slot, vote);
  assembleIfQuorum(run, slot, vote);
}

/** Sends an own vote; the proposer's notarize vote travels inside its proposal. */
export function broadcastOwn(run: Run, slot: Slot, vote: Vote): void {
  const { state, effects } = run;
  if (vote.kind === VoteKind.notarize && proposerOf(state, slot.view) === vote.validator) {
    slot.proposal ??= proposalOf(state, vote);
    if (slot.proposal !== undefined) {
      slot.check = "passed";
      effects.push({ kind: "broadcast", message: { kind: "proposal", proposal: slot.proposal } });
      return;
    }
  }
  effects.push({ kind: "broadcast", message: { kind: "vote", vote } });
}
