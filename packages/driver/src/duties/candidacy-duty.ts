/**
 * What a candidate owes an election: to say once in every epoch that it is up. Only who did so in the epoch before the
 * snapshot can be elected, so that nobody is elected who is never online.
 *
 * A pure decision like the ceremony's: called again after a crash, or twice for one block, it names the same act until
 * its effect stands in the state. The transaction itself belongs to the node, which carries each `key` out at most once
 * at a time.
 */
import { equalBytes } from "@consilium/crypto";
import { queries } from "@consilium/ledger";
import { type StateReader, TransactionKind } from "@consilium/protocol";

/** Members say so one after the other in this many heights, so that they do not fill one block together. */
const SPREAD_HEIGHTS_MAX = 16;
/** The spread takes at most this part of an epoch: the rest is left for what goes wrong. */
const SPREAD_PART_OF_EPOCH = 4;

/** The finalized state, reduced to what the decision needs. */
export interface CandidacyView {
  /** Epoch of the block that comes next. */
  readonly epoch: number;
  /** Height of that block. */
  readonly nextHeight: number;
  readonly firstHeight: number;
  readonly lengthHeights: number;
  /** Registered, not resigned, not banned, still a member. */
  readonly standing: boolean;
  /** The last epoch in which this node said that it is up. */
  readonly readyEpoch: number | undefined;
  /** A number of this node's own that tells it from the others: its seat, or what its node id begins with. */
  readonly place: number;
}

/** Sign and submit candidate/ready for this epoch. It must become final inside the epoch: let it expire with it. */
export interface CandidacyAct {
  readonly kind: "ready";
  readonly key: string;
  readonly transactionKind: typeof TransactionKind.candidateReady;
  readonly epoch: number;
  /** Height of the epoch's boundary block, the transaction's last. */
  readonly expiryHeight: number;
}

/** The acts that are due now: none, or one. */
export function decideCandidacy(view: CandidacyView): readonly CandidacyAct[] {
  const { epoch, nextHeight, firstHeight, lengthHeights, standing, readyEpoch, place } = view;
  if (!standing || readyEpoch === epoch) return [];
  const spread = Math.max(1, Math.min(SPREAD_HEIGHTS_MAX, Math.floor(lengthHeights / SPREAD_PART_OF_EPOCH)));
  if (nextHeight < firstHeight + (place % spread)) return [];
  const expiryHeight = firstHeight + lengthHeights - 1;
  const transactionKind = TransactionKind.candidateReady;
  return [{ kind: "ready", key: `candidate-ready:${epoch}`, transactionKind, epoch, expiryHeight }];
}

/** Reduces the finalized state to what {@link decideCandidacy} needs, as seen by one node. */
export function candidacyView(state: StateReader, nodeKey: Uint8Array): CandidacyView {
  const { epoch, lengthHeights, firstHeight, validators } = queries.epochInfo(state);
  const candidate = queries.candidate(state, nodeKey);
  const standing =
    candidate !== undefined &&
    candidate.standing === 1 &&
    candidate.bannedHeight === 0 &&
    queries.isMember(state, nodeKey);
  const seat = validators.findIndex((node) => equalBytes(node, nodeKey));
  return {
    epoch,
    nextHeight: queries.tip(state).height + 1,
    firstHeight,
    lengthHeights,
    standing,
    readyEpoch: candidate?.readyEpoch ?? undefined,
    place: seat >= 0 ? seat : (nodeKey[0] ?? 0),
  };
}
