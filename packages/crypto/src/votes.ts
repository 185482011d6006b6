/** Votes of validators: what is signed, proofs of possession, and certificates (Consilium CS01 §4). */
import { concat, requireLength, type Uint64, u8, u64, utf8 } from "./bytes.js";
import type { Curve } from "./curve/curve.js";
import { decodeG1, decodeG2, encodePoint } from "./curve/encoding.js";
import { ConsiliumError } from "./errors.js";
import { domain } from "./hash.js";
import { decodeVoteSecret, type VoteSuite } from "./vote-suite.js";

const PROOF_DST = utf8("BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_");
const DIGEST_SIZE_BYTES = 32;

export const VOTE_KINDS = { notarize: 1, nullify: 2, finalize: 3 } as const;
export type VoteKind = keyof typeof VOTE_KINDS;

export interface VoteContent {
  /** Genesis hash, 32 bytes. */
  readonly chain: Uint8Array;
  readonly epoch: Uint64;
  readonly view: Uint64;
  readonly kind: VoteKind;
  /** View of the parent block; not used by a nullify vote. */
  readonly parentView: Uint64;
  /** Block digest, 32 bytes; not used by a nullify vote. */
  readonly digest: Uint8Array;
}

/**
 * The bytes a vote signs. All votes of one kind for one proposal sign the same bytes; a nullify vote names no block,
 * so its parent view and digest are zero whatever was given. Throws `BAD_LENGTH`, `BAD_ENCODING`.
 */
export function voteMessage(vote: VoteContent): Uint8Array {
  const names = vote.kind === "nullify" ? { parentView: 0, digest: new Uint8Array(DIGEST_SIZE_BYTES) } : vote;
  return concat(
    domain("VOTE"),
    requireLength(vote.chain, 32, "chain"),
    u64(vote.epoch),
    u64(vote.view),
    u8(VOTE_KINDS[vote.kind]),
    u64(names.parentView),
    requireLength(names.digest, DIGEST_SIZE_BYTES, "block digest"),
  );
}

/** Proof that the registrant holds the secret of its vote key: 96 bytes. Throws `BAD_SCALAR`. */
export function votePossessionProof(curve: Curve, secretKey: Uint8Array): Uint8Array {
  const secret = decodeVoteSecret(secretKey);
  const key = encodePoint(curve.g1, curve.g1.multiplyGenerator(secret));
  return encodePoint(curve.g2, curve.g2.multiply(curve.hashToG2(key, PROOF_DST), secret));
}

/**
 * Whether a proof of possession holds. Without one a validator could choose its key as a combination of others'
 * (a rogue key) and sign for them. Never throws: what does not decode is false.
 */
export function voteCheckPossession(curve: Curve, publicKey: Uint8Array, proof: Uint8Array): boolean {
  try {
    return curve.pairingProductIsOne([
      { g1: decodeG1(curve, publicKey), g2: curve.hashToG2(publicKey, PROOF_DST) },
      { g1: curve.g1.negate(curve.g1.generator), g2: decodeG2(curve, proof) },
    ]);
  } catch (error) {
    if (error instanceof ConsiliumError) return false;
    throw error;
  }
}

/** Validator i, from 0, is bit i mod 8 of byte ⌊i/8⌋. Throws `VOTE_BAD_BITMAP` for an index outside 0..n−1. */
export function encodeVoteBitmap(validatorCount: number, signers: readonly number[]): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(validatorCount / 8));
  for (const signer of signers) {
    if (!Number.isInteger(signer) || signer < 0 || signer >= validatorCount) throw badBitmap(validatorCount);
    bitmap[signer >> 3] = bitmap[signer >> 3]! | (1 << (signer & 7));
  }
  return bitmap;
}

/** Indices of the validators in a bitmap, ascending. Throws `VOTE_BAD_BITMAP`. */
export function decodeVoteBitmap(validatorCount: number, bitmap: Uint8Array): number[] {
  if (bitmap.length !== Math.ceil(validatorCount / 8)) throw badBitmap(validatorCount);
  const signers: number[] = [];
  for (let index = 0; index < 8 * bitmap.length; index++) {
    if (((bitmap[index >> 3]! >> (index & 7)) & 1) === 0) continue;
    if (index >= validatorCount) throw badBitmap(validatorCount);
    signers.push(index);
  }
  return signers;
}

export interface VoteCertificate {
  /** ⌈n/8⌉ bytes. */
  readonly bitmap: Uint8Array;
  /** Aggregate signature, 96 bytes. */
  readonly signature: Uint8Array;
}

/** Builds the certificate of votes on one message; `votes` are by distinct validators, in any order. */
export function makeVoteCertificate(
  suite: VoteSuite,
  validatorCount: number,
  votes: readonly { readonly validator: number; readonly signature: Uint8Array }[],
): VoteCertificate {
  if (new Set(votes.map(({ validator }) => validator)).size !== votes.length) {
    throw new ConsiliumError("DUPLICATE_INDEX", "A certificate counts each validator once.");
  }
  const signers = votes.map(({ validator }) => validator);
  return {
    bitmap: encodeVoteBitmap(validatorCount, signers),
    signature: suite.aggregate(votes.map(({ signature }) => signature)),
  };
}

/**
 * Checks a certificate and returns the indices of its signers, ascending. `publicKeys` are those of all validators,
 * in order, each with a proven possession. Throws `VOTE_BAD_BITMAP`, `VOTE_NO_QUORUM`, the codes of CS01 §2 for what
 * does not decode, `VOTE_BAD_AGGREGATE`.
 */
export function checkVoteCertificate(
  suite: VoteSuite,
  publicKeys: readonly Uint8Array[],
  quorum: number,
  message: Uint8Array,
  certificate: VoteCertificate,
): number[] {
  const signers = decodeVoteBitmap(publicKeys.length, certificate.bitmap);
  if (signers.length < quorum) {
    throw new ConsiliumError("VOTE_NO_QUORUM", "This certificate has too few signers; wait for a full one.", {
      signers: signers.length,
      quorum,
    });
  }
  const keys = signers.map((index) => publicKeys[index]!);
  if (suite.verify(keys, message, certificate.signature)) return signers;
  throw new ConsiliumError(
    "VOTE_BAD_AGGREGATE",
    "This certificate is not signed by the validators it names; drop it and its sender.",
  );
}

function badBitmap(validatorCount: number): ConsiliumError {
  return new ConsiliumError("VOTE_BAD_BITMAP", "This bitmap names validators that do not exist; drop it.", {
    validatorCount,
  });
}
