import { equalBytes } from "@consilium/crypto";
import { type Epoch, type View, VoteKind, type VoteSubject, ZERO_32 } from "@consilium/protocol";

/** What a vote says, without who said it (drops signature, validator and bitmap). */
export const subjectOf = ({ kind, epoch, view, parentView, digest }: VoteSubject): VoteSubject => ({
  kind,
  epoch,
  view,
  parentView,
  digest,
});

/** A nullify vote names no block: parentView 0 and 32 zero bytes (Consilium CS01 §4). */
export const nullifySubject = (epoch: Epoch, view: View): VoteSubject => ({
  kind: VoteKind.nullify,
  epoch,
  view,
  parentView: 0,
  digest: ZERO_32,
});

export function sameSubject(left: VoteSubject, right: VoteSubject): boolean {
  return (
    left.kind === right.kind &&
    left.epoch === right.epoch &&
    left.view === right.view &&
    left.parentView === right.parentView &&
    equalBytes(left.digest, right.digest)
  );
}

/**
 * True for two votes that no honest validator signs both: two notarize or two finalize votes of one view that name
 * different proposals, or nullify and finalize of one view. (Notarize, then nullify, is legal.)
 */
export function contradicts(left: VoteSubject, right: VoteSubject): boolean {
  if (left.epoch !== right.epoch || left.view !== right.view) return false;
  if (left.kind === right.kind) return !sameSubject(left, right);
  const kinds = [left.kind, right.kind];
  return kinds.includes(VoteKind.nullify) && kinds.includes(VoteKind.finalize);
}
