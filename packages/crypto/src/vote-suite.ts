/**
 * The port behind BLS votes, and its implementation on the curve port (reference, and fallback where no native
 * library loads). IETF ciphersuite BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_: keys in G1, signatures in G2
 * (draft-irtf-cfrg-bls-signature). Keys must have shown a proof of possession before they may stand in an aggregate.
 */
import { bigintFromBytes, requireLength, toHex, utf8 } from "./bytes.js";
import type { Curve, G1Point } from "./curve/curve.js";
import { decodeG1, decodeG2, decodeScalar, encodePoint } from "./curve/encoding.js";
import { ConsiliumError } from "./errors.js";

export const VOTE_KEY_SIZE_BYTES = 48;
export const VOTE_SIGNATURE_SIZE_BYTES = 96;
/** Length of a random weight of batch verification: 128 bits. */
export const VOTE_WEIGHT_SIZE_BYTES = 16;

const VOTE_DST = utf8("BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_");
const CACHED_KEYS_MAX = 1024;

export interface SignedVote {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** Two suites agree on every answer, so which one runs changes speed and nothing else. */
export interface VoteSuite {
  readonly name: string;
  /** Decodes a key of 48 bytes and keeps it decoded. Throws the codes of CS01 §2. */
  checkKey(publicKey: Uint8Array): void;
  /** Key of a secret scalar of 32 bytes. Throws `BAD_SCALAR` for 0 and for values above the order. */
  publicKey(secretKey: Uint8Array): Uint8Array;
  /** Signature of 96 bytes. Throws `BAD_SCALAR`. */
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
  /** Sum of signatures, each decoded and checked first. Throws the codes of CS01 §2, `TOO_FEW_SHARES` for none. */
  aggregate(signatures: readonly Uint8Array[]): Uint8Array;
  /** Whether e(g1, signature) = e(Σ keys, H(message)). Throws the codes of CS01 §2 when something does not decode. */
  verify(publicKeys: readonly Uint8Array[], message: Uint8Array, signature: Uint8Array): boolean;
  /**
   * Whether all votes hold, in one check with random 128-bit weights, one per vote, fresh and unknown to the voters.
   * False says that at least one is bad, or does not decode: check them one by one. Never throws for what a peer sent.
   */
  verifyBatch(votes: readonly SignedVote[], weights: readonly Uint8Array[]): boolean;
}

/** Decoded keys by their bytes, a bounded number, oldest out first: a validator's key is used for many votes. */
export class VoteKeyCache<Handle> {
  readonly #handles = new Map<string, Handle>();

  constructor(private readonly decode: (publicKey: Uint8Array) => Handle) {}

  get(publicKey: Uint8Array): Handle {
    const name = toHex(publicKey);
    const known = this.#handles.get(name);
    if (known !== undefined) return known;
    const handle = this.decode(publicKey);
    const oldest = this.#handles.size >= CACHED_KEYS_MAX ? this.#handles.keys().next().value : undefined;
    if (oldest !== undefined) this.#handles.delete(oldest);
    this.#handles.set(name, handle);
    return handle;
  }
}

/** A secret vote key: 32 bytes, 0 < value < q. Throws `BAD_LENGTH`, `BAD_SCALAR`. */
export function decodeVoteSecret(secretKey: Uint8Array): bigint {
  const secret = decodeScalar(secretKey);
  if (secret === 0n) throw new ConsiliumError("BAD_SCALAR", "A vote key is not zero; generate a new one.");
  return secret;
}

/** One weight per vote, or a programming error. A weight of zero would leave its vote unchecked. */
export function requireVoteWeights(votes: readonly SignedVote[], weights: readonly Uint8Array[]): void {
  if (weights.length !== votes.length) throw new RangeError("Give one random weight for each vote.");
  for (const weight of weights) requireLength(weight, VOTE_WEIGHT_SIZE_BYTES, "vote weight");
}

/** Votes on the curve port, whichever backend that has. */
export function createCurveVoteSuite(curve: Curve): VoteSuite {
  const keys = new VoteKeyCache((publicKey) => decodeG1(curve, publicKey));
  const hash = (message: Uint8Array) => curve.hashToG2(message, VOTE_DST);
  const negatedGenerator = curve.g1.negate(curve.g1.generator);

  return {
    name: `curve ${curve.name}`,
    checkKey: (publicKey) => void keys.get(publicKey),
    publicKey: (secretKey) => encodePoint(curve.g1, curve.g1.multiplyGenerator(decodeVoteSecret(secretKey))),
    sign: (secretKey, message) =>
      encodePoint(curve.g2, curve.g2.multiply(hash(message), decodeVoteSecret(secretKey))),
    aggregate(signatures) {
      requireSignatures(signatures);
      const sum = signatures
        .map((signature) => decodeG2(curve, signature))
        .reduce((a, b) => curve.g2.add(a, b));
      return encodePoint(curve.g2, sum);
    },
    verify(publicKeys, message, signature) {
      const sum = publicKeys.reduce((total, key) => curve.g1.add(total, keys.get(key)), curve.g1.identity);
      const pairs = [
        { g1: negatedGenerator, g2: decodeG2(curve, signature) },
        { g1: sum, g2: hash(message) },
      ];
      return curve.pairingProductIsOne(pairs);
    },
    verifyBatch: (votes, weights) => verifyBatchOnCurve(curve, keys, votes, weights),
  };
}

/** Throws `TOO_FEW_SHARES` for an empty list: the sum of no signatures is infinity, which no message allows. */
export function requireSignatures(signatures: readonly Uint8Array[]): void {
  if (signatures.length > 0) return;
  throw new ConsiliumError("TOO_FEW_SHARES", "An aggregate needs at least one signature.");
}

function verifyBatchOnCurve(
  curve: Curve,
  keys: VoteKeyCache<G1Point>,
  votes: readonly SignedVote[],
  weights: readonly Uint8Array[],
): boolean {
  requireVoteWeights(votes, weights);
  // Weight zero has a chance of 2^-128; it becomes one, so that no vote goes unchecked.
  const scalars = weights.map((weight) => bigintFromBytes(weight) || 1n);
  const byMessage = new Map<string, { readonly message: Uint8Array; sum: G1Point }>();
  try {
    const signatures = votes.map((vote) => decodeG2(curve, vote.signature));
    votes.forEach((vote, index) => {
      const weighted = curve.g1.multiply(keys.get(vote.publicKey), scalars[index]!);
      const name = toHex(vote.message);
      const group = byMessage.get(name) ?? { message: vote.message, sum: curve.g1.identity };
      byMessage.set(name, { ...group, sum: curve.g1.add(group.sum, weighted) });
    });
    const pairs = [...byMessage.values()].map(({ message, sum }) => ({
      g1: sum,
      g2: curve.hashToG2(message, VOTE_DST),
    }));
    const total = curve.g2.multiScalar(signatures, scalars);
    return curve.pairingProductIsOne([{ g1: curve.g1.negate(curve.g1.generator), g2: total }, ...pairs]);
  } catch (error) {
    if (error instanceof ConsiliumError) return false;
    throw error;
  }
}
