import { concat, Reader } from "./bytes.js";
import type { Group } from "./curve/curve.js";
import { decodeScalar, encodePoint, encodeScalar } from "./curve/encoding.js";
import { reduceScalar } from "./curve/order.js";
import { hashToScalar, hedgedNonce } from "./hash.js";

/** Size of a proof: challenge ‖ response. */
export const PROOF_SIZE_BYTES = 64;

/** Where the nonce of a proof comes from: 32 fresh random bytes to be hedged (§3.6), or the nonce itself in known answers. */
export type NonceSource = { readonly random: Uint8Array } | { readonly nonce: Uint8Array };

/** Statement "I know x with X = x·B" (Schnorr), with the bytes hashed before the commitment. */
export interface SchnorrStatement<Point> {
  readonly tag: string;
  readonly prefix: Uint8Array;
  readonly base: Point;
  readonly image: Point;
}

/** Statement "X = x·B and Y = x·C" (DLEQ). */
export interface DleqStatement<Point> extends SchnorrStatement<Point> {
  readonly secondBase: Point;
  readonly secondImage: Point;
}

/** Resolves a nonce source; `secret` is the scalar proven and `data` the transcript before the commitments. */
export function resolveNonce(tag: string, secret: bigint, source: NonceSource, data: Uint8Array): bigint {
  if ("nonce" in source) return decodeScalar(source.nonce);
  const secretBytes = encodeScalar(secret);
  const nonce = hedgedNonce(tag, secretBytes, source.random, data);
  secretBytes.fill(0);
  return nonce;
}

function respond(nonce: bigint, challenge: bigint, secret: bigint): Uint8Array {
  return concat(encodeScalar(challenge), encodeScalar(reduceScalar(nonce + challenge * secret)));
}

/** Splits a proof. Throws `BAD_LENGTH`, `BAD_SCALAR`. */
export function parseProof(bytes: Uint8Array): { challenge: bigint; response: bigint } {
  const reader = new Reader(bytes);
  const challenge = reader.take(32, "challenge");
  const response = reader.take(32, "response");
  reader.end("proof");
  return { challenge: decodeScalar(challenge), response: decodeScalar(response) };
}

/** Schnorr proof of Consilium CS01 §3: 64 bytes. */
export function proveSchnorr<Point>(
  group: Group<Point>,
  statement: Omit<SchnorrStatement<Point>, "image">,
  secret: bigint,
  source: NonceSource,
): Uint8Array {
  const { tag, prefix, base } = statement;
  const nonce = resolveNonce(tag, secret, source, prefix);
  const commitment = encodePoint(group, group.multiply(base, nonce));
  return respond(nonce, hashToScalar(tag, prefix, commitment), secret);
}

/** Checks a Schnorr proof. False for a wrong proof; throws `BAD_LENGTH` or `BAD_SCALAR` for a malformed one. */
export function verifySchnorr<Point>(
  group: Group<Point>,
  statement: SchnorrStatement<Point>,
  proof: Uint8Array,
): boolean {
  const { challenge, response } = parseProof(proof);
  const commitment = commitmentOf(group, statement.base, statement.image, challenge, response);
  if (group.isIdentity(commitment)) return false;
  return hashToScalar(statement.tag, statement.prefix, group.toBytes(commitment)) === challenge;
}

/** DLEQ proof of Consilium CS01 §3: 64 bytes. Both bases lie in one group. */
export function proveDleq<Point>(
  group: Group<Point>,
  statement: Omit<DleqStatement<Point>, "image" | "secondImage">,
  secret: bigint,
  source: NonceSource,
): Uint8Array {
  const { tag, prefix, base, secondBase } = statement;
  const nonce = resolveNonce(tag, secret, source, prefix);
  const first = encodePoint(group, group.multiply(base, nonce));
  const second = encodePoint(group, group.multiply(secondBase, nonce));
  return respond(nonce, hashToScalar(tag, prefix, first, second), secret);
}

/** Checks a DLEQ proof. False for a wrong proof; throws `BAD_LENGTH` or `BAD_SCALAR` for a malformed one. */
export function verifyDleq<Point>(
  group: Group<Point>,
  statement: DleqStatement<Point>,
  proof: Uint8Array,
): boolean {
  const { challenge, response } = parseProof(proof);
  const first = commitmentOf(group, statement.base, statement.image, challenge, response);
  const second = commitmentOf(group, statement.secondBase, statement.secondImage, challenge, response);
  if (group.isIdentity(first) || group.isIdentity(second)) return false;
  const expected = hashToScalar(statement.tag, statement.prefix, group.toBytes(first), group.toBytes(second));
  return expected === challenge;
}

/** y·B − c·X. */
function commitmentOf<Point>(
  group: Group<Point>,
  base: Point,
  image: Point,
  challenge: bigint,
  response: bigint,
): Point {
  return group.multiScalar([base, image], [response, reduceScalar(-challenge)]);
}
