import { ConsiliumError, equalBytes } from "@consilium/crypto";
import {
  type BlockHeader,
  boundaryHeightOf,
  type Certificate,
  digestOf,
  fault,
  type Handover,
  type Verdict,
  VoteKind,
  valid,
} from "@consilium/protocol";
import { type VoteVerifier, verifyCertificate } from "./certificates.js";
import { type ValidatorSet, validatorSetRoot } from "./validator-set.js";

/**
 * Packs the proof that an epoch ended.
 *
 * @throws ConsiliumError `HANDOVER_BAD_SET` when the boundary header does not commit to this set: a caller's mistake.
 */
export function makeHandover(
  header: BlockHeader,
  finalization: Certificate,
  nextSet: ValidatorSet,
): Handover {
  if (!equalBytes(validatorSetRoot(nextSet), header.nextSetRoot)) {
    throw new ConsiliumError(
      "HANDOVER_BAD_SET",
      "Hand over to the set to which the boundary block commits.",
      { height: header.height, epoch: header.epoch },
    );
  }
  return { header, finalization, nextSet: nextSet.map(({ nodeId, voteKey }) => ({ nodeId, voteKey })) };
}

/**
 * Verifies that an epoch ended, under its set, and gives the set of the next: the header is of the epoch's boundary
 * block, the set finalized it, and it commits to the next set. This is the whole of what a light client trusts a peer
 * for, so every field is judged.
 */
export async function verifyHandover(
  verifier: VoteVerifier,
  chainId: Uint8Array,
  set: ValidatorSet,
  epoch: number,
  lengthHeights: number,
  { header, finalization, nextSet }: Handover,
): Promise<Verdict<ValidatorSet>> {
  const isBoundary = header.epoch === epoch && header.height === boundaryHeightOf(epoch, lengthHeights);
  if (!equalBytes(header.chainId, chainId) || !isBoundary) {
    return fault("HANDOVER_BAD_HEADER", `the header is not the boundary block of epoch ${epoch}`);
  }
  if (nextSet.length === 0 || !equalBytes(validatorSetRoot(nextSet), header.nextSetRoot)) {
    return fault("HANDOVER_BAD_SET", "the boundary block commits to another set");
  }
  const names = finalization.kind === VoteKind.finalize && finalization.epoch === epoch;
  if (!names || !equalBytes(finalization.digest, digestOf(header))) {
    return fault("HANDOVER_BAD_FINALIZATION", "the certificate does not finalize this header");
  }
  const verdict = await verifyCertificate(verifier, chainId, set, finalization);
  return verdict.kind === "valid" ? valid(nextSet) : verdict;
}

/** The set of an epoch that is known and trusted. */
export interface EpochSet {
  readonly epoch: number;
  readonly set: ValidatorSet;
}

/**
 * Follows hand-overs from a trusted set, one for each epoch in order, as far as they hold. `reached` is the newest set
 * proven, and `verdict` says why it ends there; it is `valid` when all of them hold.
 */
export async function followHandovers(
  verifier: VoteVerifier,
  chainId: Uint8Array,
  trusted: EpochSet,
  lengthHeights: number,
  handovers: readonly Handover[],
): Promise<{ reached: EpochSet; verdict: Verdict }> {
  let reached = trusted;
  for (const handover of handovers) {
    const { set, epoch } = reached;
    const verdict = await verifyHandover(verifier, chainId, set, epoch, lengthHeights, handover);
    if (verdict.kind !== "valid") return { reached, verdict };
    reached = { epoch: epoch + 1, set: verdict.value };
  }
  return { reached, verdict: valid(undefined) };
}
