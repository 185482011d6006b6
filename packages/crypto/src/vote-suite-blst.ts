/**
 * Votes on the native blst library. Reached only through {@link loadBlstVoteSuite}, so that a browser, or a platform
 * without the binary, never touches it.
 */
import type { PublicKey, SecretKey, Signature } from "@chainsafe/blst";
import { isAllZero, toHex } from "./bytes.js";
import { decodePoint, encodeScalar } from "./curve/encoding.js";
import { ConsiliumError } from "./errors.js";
import {
  decodeVoteSecret,
  requireSignatures,
  requireVoteWeights,
  type SignedVote,
  VOTE_KEY_SIZE_BYTES,
  VOTE_SIGNATURE_SIZE_BYTES,
  VoteKeyCache,
  type VoteSuite,
} from "./vote-suite.js";

type Blst = typeof import("@chainsafe/blst");

/**
 * Loads the native library; rejects when it has no binary for this platform (use `createCurveVoteSuite` then).
 * blst draws the weights of a batch itself, 64 random bits each, so `verifyBatch` only counts those it is given and
 * makes the check twice: bad votes pass both with a chance of 2^−128, as they do with one weight of 128 bits. (A single
 * vote has nothing to cancel against, so one check settles it.)
 */
export async function loadBlstVoteSuite(): Promise<VoteSuite> {
  const loaded: Blst & { default?: Blst } = await import("@chainsafe/blst");
  return createBlstVoteSuite(loaded.default ?? loaded);
}

function createBlstVoteSuite(blst: Blst): VoteSuite {
  const keys = new VoteKeyCache((publicKey) => decodePoint(keyDecoder(blst), publicKey));
  const decodeSignature = (signature: Uint8Array) => decodePoint(signatureDecoder(blst), signature);
  return {
    name: "native blst",
    checkKey: (publicKey) => void keys.get(publicKey),
    publicKey: (secretKey) => plainBytes(secretHandle(blst, secretKey).toPublicKey().toBytes()),
    sign: (secretKey, message) => plainBytes(secretHandle(blst, secretKey).sign(message).toBytes()),
    aggregate(signatures) {
      requireSignatures(signatures);
      const sum = plainBytes(blst.aggregateSignatures(signatures.map(decodeSignature)).toBytes());
      if ((sum[0]! & 0x40) === 0) return sum;
      throw new ConsiliumError("IDENTITY_POINT", "These signatures cancel each other; leave them out.");
    },
    verify(publicKeys, message, signature) {
      const handles = publicKeys.map((key) => keys.get(key));
      const decoded = decodeSignature(signature);
      return handles.length > 0 && blst.fastAggregateVerify(message, handles, decoded);
    },
    verifyBatch(votes, weights) {
      requireVoteWeights(votes, weights);
      try {
        if (votes.length === 0) return true;
        return verifyBatch(blst, keys, votes) && (votes.length === 1 || verifyBatch(blst, keys, votes));
      } catch {
        // Either a vote does not decode or the library refused the lot: both mean "check them one by one".
        return false;
      }
    },
  };
}

function verifyBatch(blst: Blst, keys: VoteKeyCache<PublicKey>, votes: readonly SignedVote[]): boolean {
  const message = votes[0]!.message;
  const name = toHex(message);
  if (votes.every((vote) => toHex(vote.message) === name)) {
    const sets = votes.map((vote) => ({ pk: keys.get(vote.publicKey), sig: vote.signature }));
    // The library decodes and validates the signatures itself here; decoding them twice would double the time.
    const sum = blst.aggregateWithRandomness(sets);
    return blst.verify(message, sum.pk, sum.sig);
  }
  const sets = votes.map((vote) => ({
    msg: vote.message,
    pk: keys.get(vote.publicKey),
    sig: decodePoint(signatureDecoder(blst), vote.signature),
  }));
  return blst.verifyMultipleAggregateSignatures(sets);
}

function secretHandle(blst: Blst, secretKey: Uint8Array): SecretKey {
  return blst.SecretKey.fromBytes(encodeScalar(decodeVoteSecret(secretKey)));
}

/** Decoders for the strict parser of this package, so that both suites raise the same codes in the same order. */
function keyDecoder(blst: Blst) {
  return {
    name: "G1" as const,
    sizeBytes: VOTE_KEY_SIZE_BYTES,
    fromCheckedBytes(bytes: Uint8Array) {
      refuseZeroAbscissa(bytes);
      return attempt(() => blst.PublicKey.fromBytes(bytes, false));
    },
    isInSubgroup: (key: PublicKey) => attempt(() => key.keyValidate() ?? true) !== undefined,
  };
}

/**
 * The points of G1 with x = 0 have order 3. The library refuses them before it makes a point, which would read as "not
 * on the curve"; every suite calls them what they are. In G2 there is no point with x = 0.
 */
function refuseZeroAbscissa(bytes: Uint8Array): void {
  if ((bytes[0]! & 0x1f) !== 0 || !isAllZero(bytes.subarray(1))) return;
  throw new ConsiliumError("NOT_IN_SUBGROUP", "Send a point of the prime-order subgroup.", { group: "G1" });
}

function signatureDecoder(blst: Blst) {
  return {
    name: "G2" as const,
    sizeBytes: VOTE_SIGNATURE_SIZE_BYTES,
    fromCheckedBytes: (bytes: Uint8Array) => attempt(() => blst.Signature.fromBytes(bytes, false)),
    isInSubgroup: (signature: Signature) => attempt(() => signature.sigValidate() ?? true) !== undefined,
  };
}

function attempt<Result>(action: () => Result): Result | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

/** The library returns Node buffers; the rest of the project knows plain byte arrays only. */
function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
