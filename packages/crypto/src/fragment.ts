import { concat, Reader, requireLength, u16 } from "./bytes.js";
import type { Curve, G1Point } from "./curve/curve.js";
import { decodeG1, decodeScalar, encodePoint } from "./curve/encoding.js";
import { ConsiliumError } from "./errors.js";
import { hash, hash128 } from "./hash.js";
import { chainId, generationBytes, type KeyGeneration } from "./identity.js";
import { requireIndex } from "./lagrange.js";
import { type NonceSource, PROOF_SIZE_BYTES, parseProof, proveDleq, verifyDleq } from "./proofs.js";
import { REQUEST_RECORDS_MAX } from "./request.js";

/** A proxy's answer to an access request and its proof (Consilium CS01 §10.2). */

const PROOF_TAG = "FRAG-DLEQ";
const POINT_SIZE_BYTES = 48;

/** Which proxy answers which request under which generation of the proxy key. */
export interface FragmentContext {
  readonly chain: Uint8Array;
  readonly requestId: Uint8Array;
  readonly generation: KeyGeneration;
  /** Index k of the proxy, from 1. */
  readonly index: number;
  /** VKz_k, 48 bytes. */
  readonly verificationKey: Uint8Array;
}

/** D_1 ‖ … ‖ D_m ‖ c ‖ y. */
export function fragmentSizeBytes(records: number): number {
  return POINT_SIZE_BYTES * records + PROOF_SIZE_BYTES;
}

/** chain ‖ reqId ‖ gen ‖ u16 k: the head of everything hashed or signed about a fragment. */
export function fragmentHead(context: Omit<FragmentContext, "verificationKey">): Uint8Array {
  return concat(
    chainId(context.chain),
    requireLength(context.requestId, 32, "request id"),
    generationBytes(context.generation),
    u16(requireIndex(context.index)),
  );
}

/** tr of §10.2 over the capsule points U1_r and the answers D_r, in request order. */
function transcriptOf(
  context: FragmentContext,
  u1Bytes: readonly Uint8Array[],
  answers: readonly Uint8Array[],
): Uint8Array {
  return hash(
    "FRAG-TR",
    fragmentHead(context),
    requireLength(context.verificationKey, POINT_SIZE_BYTES, "verification key"),
    u16(u1Bytes.length),
    ...u1Bytes.flatMap((u1, r) => [u1, answers[r]!]),
  );
}

/** ρ_r for r = 1..m: 128-bit weights that depend on every point. */
function weightsOf(transcript: Uint8Array, records: number): bigint[] {
  return Array.from({ length: records }, (_, r) => hash128("FRAG-RHO", transcript, u16(r + 1)));
}

function requireRecords(records: number): void {
  if (records < 1 || records > REQUEST_RECORDS_MAX) {
    throw new ConsiliumError("REQ_BAD_SIZE", `Answer for 1 to ${REQUEST_RECORDS_MAX} records.`, { records });
  }
}

/** A proxy's answer before it is sealed. `plain` is secret: it never leaves the sealed path. */
export interface FragmentAnswer {
  readonly transcript: Uint8Array;
  readonly weights: readonly bigint[];
  readonly plain: Uint8Array;
}

/**
 * The answer of proxy k for capsule points U1_1 … U1_m (48 bytes each, of records that passed Valid at this proxy).
 * Throws `REQ_BAD_SIZE` and decoding codes.
 */
export function answerFragment(
  curve: Curve,
  input: {
    readonly context: FragmentContext;
    /** z_k, 32 bytes: secret. */
    readonly share: Uint8Array;
    readonly u1: readonly Uint8Array[];
    readonly proof: NonceSource;
  },
): FragmentAnswer {
  requireRecords(input.u1.length);
  const points = input.u1.map((bytes) => decodeG1(curve, bytes));
  return answerDecoded(curve, { ...input, points });
}

/** {@link answerFragment} for points that are decoded already. */
export function answerDecoded(
  curve: Curve,
  input: {
    readonly context: FragmentContext;
    readonly share: Uint8Array;
    readonly u1: readonly Uint8Array[];
    readonly points: readonly G1Point[];
    readonly proof: NonceSource;
  },
): FragmentAnswer {
  const { context, u1, points } = input;
  const share = decodeScalar(input.share);
  const answers = points.map((point) => encodePoint(curve.g1, curve.g1.multiply(point, share)));
  const transcript = transcriptOf(context, u1, answers);
  const weights = weightsOf(transcript, u1.length);
  const c = curve.g1.multiScalar(points, weights);
  const s = curve.g1.multiply(c, share);
  const statement = {
    tag: PROOF_TAG,
    prefix: concat(transcript, encodePoint(curve.g1, c), encodePoint(curve.g1, s)),
    base: curve.g1.generator,
    secondBase: c,
  };
  const proof = proveDleq(curve.g1, statement, share, input.proof);
  return { transcript, weights, plain: concat(...answers, proof) };
}

function badProof(): ConsiliumError {
  return new ConsiliumError("FRAGMENT_BAD_PROOF", "Drop this fragment: its proof does not hold.");
}

/** Public inputs of VerFrag, decoded once: U1 and the verification key. */
export interface FragmentStatement {
  readonly context: FragmentContext;
  readonly u1: readonly Uint8Array[];
  readonly points: readonly G1Point[];
  readonly verificationKey: G1Point;
}

/** Decodes the public inputs of VerFrag. Throws `REQ_BAD_SIZE` and decoding codes. */
export function fragmentStatement(
  curve: Curve,
  input: { readonly context: FragmentContext; readonly u1: readonly Uint8Array[] },
): FragmentStatement {
  requireRecords(input.u1.length);
  return {
    ...input,
    points: input.u1.map((bytes) => decodeG1(curve, bytes)),
    verificationKey: decodeG1(curve, input.context.verificationKey),
  };
}

/** Splits a plain fragment into its m answers and its proof. Throws `BAD_LENGTH`. */
export function splitFragment(
  plain: Uint8Array,
  records: number,
): { readonly answers: Uint8Array[]; readonly proof: Uint8Array } {
  const reader = new Reader(requireLength(plain, fragmentSizeBytes(records), "fragment"));
  const answers = Array.from({ length: records }, () => reader.take(POINT_SIZE_BYTES));
  return { answers, proof: reader.take(PROOF_SIZE_BYTES) };
}

/**
 * VerFrag (§10.2): decodes every D_r (subgroup included) and the scalars, then checks the batched DLEQ proof.
 * Throws decoding codes, `FRAGMENT_BAD_PROOF`. Returns the D_r, 48 bytes each.
 */
export function verifyFragment(
  curve: Curve,
  input: {
    readonly context: FragmentContext;
    readonly u1: readonly Uint8Array[];
    readonly plain: Uint8Array;
  },
): Uint8Array[] {
  return verifyDecoded(curve, fragmentStatement(curve, input), input.plain);
}

/** {@link verifyFragment} for public inputs that are decoded already. */
export function verifyDecoded(curve: Curve, statement: FragmentStatement, plain: Uint8Array): Uint8Array[] {
  const { context, u1, points, verificationKey } = statement;
  const { answers, proof } = splitFragment(plain, u1.length);
  const answerPoints = answers.map((bytes) => decodeG1(curve, bytes));
  parseProof(proof);
  const transcript = transcriptOf(context, u1, answers);
  const weights = weightsOf(transcript, u1.length);
  const c = curve.g1.multiScalar(points, weights);
  const s = curve.g1.multiScalar(answerPoints, weights);
  if (curve.g1.isIdentity(c) || curve.g1.isIdentity(s)) throw badProof();
  const holds = verifyDleq(
    curve.g1,
    {
      tag: PROOF_TAG,
      prefix: concat(transcript, curve.g1.toBytes(c), curve.g1.toBytes(s)),
      base: curve.g1.generator,
      image: verificationKey,
      secondBase: c,
      secondImage: s,
    },
    proof,
  );
  if (!holds) throw badProof();
  return answers;
}
