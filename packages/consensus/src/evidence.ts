import { concat, hash, toHex, u16 } from "@consilium/crypto";
import { type Bytes32, fault, ignore, type Verdict, type Vote, valid } from "@consilium/protocol";
import { subjectFlaw, type VoteVerifier, verifyVotes, voteBytes } from "./certificates.js";
import { contradicts } from "./subjects.js";
import type { ValidatorSet } from "./validator-set.js";

/** Evidence counts for four epochs after the one it speaks of, and for at least 30 days; bonds stay locked as long. */
export const evidenceWindow = { epochs: 4, durationMs: 30 * 24 * 3_600_000 } as const;

/**
 * Verifies that two votes of one validator contradict: two notarize or two finalize votes of one view that differ, or
 * nullify and finalize of one view. The value is the validator's index in the epoch's set.
 *
 * No honest node can be convicted: its safety record never lets it sign such a pair, and votes that are not well formed
 * are refused, since a nullify vote's block and parent are not among the bytes it signs and anybody could vary them.
 */
export async function verifyEvidence(
  verifier: VoteVerifier,
  chainId: Uint8Array,
  set: ValidatorSet,
  first: Vote,
  second: Vote,
): Promise<Verdict<number>> {
  for (const vote of [first, second]) {
    const flaw = subjectFlaw(vote);
    if (flaw !== undefined) return noContradiction(flaw);
    if (set[vote.validator] === undefined) return noContradiction("the set has no such validator");
  }
  if (first.validator !== second.validator) return noContradiction("the votes are of two validators");
  if (!contradicts(first, second)) return noContradiction("an honest node may sign both votes");
  const verdicts = await verifyVotes(verifier, chainId, set, [first, second]);
  if (verdicts.every(({ kind }) => kind === "valid")) return valid(first.validator);
  return fault("EVIDENCE_BAD_SIGNATURE", `not signed by validator ${first.validator}`);
}

const noContradiction = (reason: string): Verdict<never> => fault("EVIDENCE_NO_CONTRADICTION", reason);

export interface EvidenceTimes {
  /** Epoch of the votes. */
  readonly voteEpoch: number;
  /** Timestamp of that epoch's boundary block, Unix milliseconds; undefined while the epoch runs. */
  readonly voteEpochEndMs: number | undefined;
  /** Epoch and timestamp of the block that would include the evidence. */
  readonly epoch: number;
  readonly timestampMs: number;
}

/**
 * Whether evidence still counts: it stops when both four epochs and 30 days of block time have gone by since the end of
 * the votes' epoch. Validator sets and bonds of an epoch are kept until then.
 */
export function checkEvidenceWindow({
  voteEpoch,
  voteEpochEndMs,
  epoch,
  timestampMs,
}: EvidenceTimes): Verdict {
  if (voteEpoch > epoch) return ignore("EVIDENCE_UNKNOWN_EPOCH", "the votes are of an epoch to come");
  if (epoch - voteEpoch <= evidenceWindow.epochs || voteEpochEndMs === undefined) return valid(undefined);
  if (timestampMs - voteEpochEndMs <= evidenceWindow.durationMs) return valid(undefined);
  return ignore("EVIDENCE_TOO_OLD", "the votes lie before the window in which evidence counts");
}

/** The two votes in their one order, by the bytes they sign: one offence then has one piece of evidence. */
export function orderEvidence(chainId: Uint8Array, first: Vote, second: Vote): readonly [Vote, Vote] {
  const inOrder = toHex(voteBytes(chainId, first)) <= toHex(voteBytes(chainId, second));
  return inOrder ? [first, second] : [second, first];
}

/** Names evidence, whichever vote comes first: H("EVIDENCE", u16 validator ‖ signed bytes of both votes in order). */
export function evidenceId(chainId: Uint8Array, first: Vote, second: Vote): Bytes32 {
  const ordered = orderEvidence(chainId, first, second);
  return hash("EVIDENCE", u16(first.validator), concat(...ordered.map((vote) => voteBytes(chainId, vote))));
}
