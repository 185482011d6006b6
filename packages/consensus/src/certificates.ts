import {
  ConsiliumError,
  codeOf,
  decodeVoteBitmap,
  encodeVoteBitmap,
  equalBytes,
  type SignedVote,
  VOTE_WEIGHT_SIZE_BYTES,
  type VoteSuite,
  voteMessage,
} from "@consilium/crypto";
import {
  type Certificate,
  digestOf,
  fault,
  ignore,
  type Proposal,
  type Random,
  type Verdict,
  type Vote,
  VoteKind,
  type VoteSubject,
  valid,
  ZERO_32,
} from "@consilium/protocol";
import { subjectOf } from "./subjects.js";
import { quorumOfSet, type ValidatorSet } from "./validator-set.js";

/**
 * The curve work behind votes, as a port: inline, on worker threads, or a stand-in of the simulator. Nothing here
 * throws or rejects for what a peer sent, `aggregate` apart, which is only given votes that were verified.
 */
export interface VoteVerifier {
  /** Whether all votes hold, in one check with fresh random 128-bit weights (a plain sum would let two bad votes cancel). */
  verifyBatch(votes: readonly SignedVote[]): Promise<boolean>;
  /** Whether the sum of these keys signed the message; throws ConsiliumError with a decoding code. */
  verify(publicKeys: readonly Uint8Array[], message: Uint8Array, signature: Uint8Array): Promise<boolean>;
  /** Sum of verified signatures, 96 bytes. */
  aggregate(signatures: readonly Uint8Array[]): Promise<Uint8Array>;
}

/** Curve work on the calling thread. */
export function inlineVoteVerifier(suite: VoteSuite, random: Random): VoteVerifier {
  return {
    verifyBatch: async (votes) =>
      suite.verifyBatch(
        votes,
        votes.map(() => random.bytes(VOTE_WEIGHT_SIZE_BYTES)),
      ),
    verify: async (publicKeys, message, signature) => suite.verify(publicKeys, message, signature),
    aggregate: async (signatures) => suite.aggregate(signatures),
  };
}

const KIND_NAMES = { 1: "notarize", 2: "nullify", 3: "finalize" } as const;

/** The bytes that a vote signs (Consilium CS01 §4). */
export function voteBytes(chainId: Uint8Array, subject: VoteSubject): Uint8Array {
  const { epoch, view, parentView, digest } = subject;
  const kind = KIND_NAMES[subject.kind as VoteKind];
  return voteMessage({ chain: chainId, epoch, view, kind, parentView, digest });
}

/**
 * What is wrong with the shape of a subject, before any signature is looked at. A nullify vote signs no digest and no
 * parent view, so any but the empty ones are refused: else one signature would stand under many subjects.
 */
export function subjectFlaw(subject: VoteSubject): string | undefined {
  if (!(subject.kind in KIND_NAMES)) return "the kind of vote is unknown";
  if (subject.view < 1) return "views count from 1";
  if (subject.kind === VoteKind.nullify) {
    const empty = subject.parentView === 0 && equalBytes(subject.digest, ZERO_32);
    return empty ? undefined : "a nullify vote names no block";
  }
  return subject.parentView < subject.view ? undefined : "the parent's view is not older";
}

/** A vote as the verifier takes it, or the verdict that its shape already earns. */
function prepare(chainId: Uint8Array, set: ValidatorSet, vote: Vote): Verdict<SignedVote> {
  const flaw = subjectFlaw(vote);
  if (flaw !== undefined) return fault("VOTE_MALFORMED", flaw);
  const validator = set[vote.validator];
  if (validator === undefined) return fault("VOTE_UNKNOWN_VALIDATOR", "the set has no such validator");
  const message = voteBytes(chainId, vote);
  return valid({ publicKey: validator.voteKey, message, signature: vote.signature });
}

/**
 * Verifies votes of one epoch's set, all in one batch, and one by one only when that fails: then exactly the bad ones
 * are faults. The verdicts stand in the order of the votes.
 */
export async function verifyVotes(
  verifier: VoteVerifier,
  chainId: Uint8Array,
  set: ValidatorSet,
  votes: readonly Vote[],
): Promise<Verdict<Vote>[]> {
  const prepared = votes.map((vote) => prepare(chainId, set, vote));
  const signed = prepared.flatMap((each) => (each.kind === "valid" ? [each.value] : []));
  const allHold = signed.length === 0 || (await verifier.verifyBatch(signed));
  const verdicts: Verdict<Vote>[] = [];
  for (const [index, vote] of votes.entries()) {
    const each = prepared[index]!;
    if (each.kind !== "valid") verdicts.push(each);
    else if (allHold || (signed.length > 1 && (await verifier.verifyBatch([each.value]))))
      verdicts.push(valid(vote));
    else verdicts.push(fault("VOTE_BAD_SIGNATURE", `not signed by validator ${vote.validator}`));
  }
  return verdicts;
}

/** Verifies a certificate under a set: right shape, q distinct signers of the set, their aggregate signature. */
export async function verifyCertificate(
  verifier: VoteVerifier,
  chainId: Uint8Array,
  set: ValidatorSet,
  certificate: Certificate,
): Promise<Verdict<Certificate>> {
  const flaw = subjectFlaw(certificate);
  if (flaw !== undefined) return fault("VOTE_MALFORMED", flaw);
  try {
    const signers = signersOf(set, certificate);
    const keys = signers.map((index) => set[index]!.voteKey);
    const message = voteBytes(chainId, certificate);
    if (await verifier.verify(keys, message, certificate.signature)) return valid(certificate);
    return fault("VOTE_BAD_AGGREGATE", "not signed by the validators it names");
  } catch (error) {
    if (error instanceof ConsiliumError) return fault(codeOf(error), error.message);
    throw error;
  }
}

/** Signers of a certificate, ascending. Throws `VOTE_BAD_BITMAP`, `VOTE_NO_QUORUM`. */
function signersOf(set: ValidatorSet, certificate: Certificate): number[] {
  const signers = decodeVoteBitmap(set.length, certificate.bitmap);
  if (signers.length >= quorumOfSet(set)) return signers;
  throw new ConsiliumError("VOTE_NO_QUORUM", "This certificate has too few signers; wait for a full one.");
}

/**
 * Makes the certificate of equal, verified votes by distinct validators, as the engine's `assemble` effect lists them.
 *
 * @throws ConsiliumError `VOTE_NO_QUORUM` when there are too few: the caller broke the engine's contract.
 */
export async function assembleCertificate(
  verifier: VoteVerifier,
  set: ValidatorSet,
  votes: readonly Vote[],
): Promise<Certificate> {
  const signers = [...new Set(votes.map(({ validator }) => validator))];
  const first = votes[0];
  if (first === undefined || signers.length < quorumOfSet(set) || signers.length !== votes.length) {
    throw new ConsiliumError(
      "VOTE_NO_QUORUM",
      "A certificate needs a quorum of votes, one of each validator.",
    );
  }
  const signature = await verifier.aggregate(votes.map((vote) => vote.signature));
  return { ...subjectOf(first), bitmap: encodeVoteBitmap(set.length, signers), signature };
}

/**
 * Verifies a proposal's signatures: the header hashes to the digest that the proposer voted for, the vote and every
 * certificate hold under the set. `firstParentSet` is the previous epoch's, for the finalization that a proposal with
 * parentView 0 carries; without it such a proposal is ignored unless it needs none (on top of genesis).
 */
export async function verifyProposal(
  verifier: VoteVerifier,
  chainId: Uint8Array,
  set: ValidatorSet,
  proposal: Proposal,
  firstParentSet?: ValidatorSet,
): Promise<Verdict<Proposal>> {
  const { header, vote, nullifications } = proposal;
  if (vote.kind !== VoteKind.notarize || !equalBytes(digestOf(header), vote.digest)) {
    return fault("PROPOSAL_BAD_VOTE", "the proposer's vote does not name this block");
  }
  if (nullifications.some(({ kind, epoch }) => kind !== VoteKind.nullify || epoch !== vote.epoch)) {
    return fault(
      "PROPOSAL_BAD_CERTIFICATES",
      "something else than nullifications of this epoch is among them",
    );
  }
  const [verdict] = await verifyVotes(verifier, chainId, set, [vote]);
  if (verdict?.kind !== "valid") return verdict as Verdict<never>;
  const parent = await verifyParent(verifier, chainId, set, firstParentSet, proposal);
  if (parent.kind !== "valid") return parent;
  for (const certificate of nullifications) {
    const each = await verifyCertificate(verifier, chainId, set, certificate);
    if (each.kind !== "valid") return each;
  }
  return valid(proposal);
}

async function verifyParent(
  verifier: VoteVerifier,
  chainId: Uint8Array,
  set: ValidatorSet,
  firstParentSet: ValidatorSet | undefined,
  { header, vote, parentCertificate }: Proposal,
): Promise<Verdict<undefined>> {
  if (parentCertificate === null) {
    // Only genesis needs no certificate.
    if (vote.parentView === 0 && header.height === 1) return valid(undefined);
    return fault("PROPOSAL_BAD_PARENT", "the parent's certificate is missing");
  }
  const first = vote.parentView === 0;
  // A boundary block is proposed again on top of itself; that no other block is, the engine judges.
  const again = !first && equalBytes(parentCertificate.digest, vote.digest);
  const certifies =
    parentCertificate.kind !== VoteKind.nullify &&
    (again || equalBytes(parentCertificate.digest, header.parentDigest)) &&
    (first
      ? parentCertificate.kind === VoteKind.finalize && parentCertificate.epoch === vote.epoch - 1
      : parentCertificate.epoch === vote.epoch && parentCertificate.view === vote.parentView);
  if (!certifies) return fault("PROPOSAL_BAD_PARENT", "the certificate is not of the block's parent");
  const parentSet = first ? firstParentSet : set;
  if (parentSet === undefined)
    return ignore("PROPOSAL_UNKNOWN_SET", "the previous epoch's set is not known here");
  const verdict = await verifyCertificate(verifier, chainId, parentSet, parentCertificate);
  return verdict.kind === "valid" ? valid(undefined) : verdict;
}
