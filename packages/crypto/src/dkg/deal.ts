/** Deals: making, checking, and opening one's own share of them (Consilium CS01 §13.2). */
import { bigintFromBytes, concat, u16, xorBytes } from "../bytes.js";
import type { Curve, G1Point, Group } from "../curve/curve.js";
import {
  decodeG1,
  decodePoint,
  decodePointOnCurve,
  decodeScalar,
  encodePoint,
  encodeScalar,
} from "../curve/encoding.js";
import { reduceScalar, SCALAR_ORDER } from "../curve/order.js";
import { ConsiliumError } from "../errors.js";
import { deriveKey, domain, hashToScalar } from "../hash.js";
import { type NonceSource, resolveNonce } from "../proofs.js";
import { DKG_MESSAGE, type DkgDealMessage, encodeHeader, parseDeal } from "./messages.js";
import { type BasePoint, type DkgParams, dkgBaseGroup, dkgSid } from "./params.js";

const PROOF_TAG = "DKG-POK";
const SHARE_SIZE_BYTES = 32;

/** The dealer's secrets: all fresh for each run, except a_0 in a reshare, and erased after it. */
export interface DkgDealSecrets {
  /** a_0 … a_{t−1}, 32 bytes each; in a reshare a_0 is the old share. */
  readonly coefficients: readonly Uint8Array[];
  /** ρ, 32 bytes. */
  readonly ephemeralSecret: Uint8Array;
  /** Nonce α, of the proof for a_0. */
  readonly coefficientNonce: NonceSource;
  /** Nonce β, of the proof for ρ. */
  readonly ephemeralNonce: NonceSource;
}

/** Evaluates Σ coefficients[k]·x^k modulo q. */
export function evaluatePolynomial(coefficients: readonly bigint[], x: number): bigint {
  return coefficients.reduceRight(
    (value, coefficient) => (value * BigInt(x) + coefficient) % SCALAR_ORDER,
    0n,
  );
}

/** Σ x^k·points[k], the commitment to the value of a polynomial at x. */
export function evaluateCommitment(
  group: Group<BasePoint>,
  points: readonly BasePoint[],
  x: number,
): BasePoint {
  let power = 1n;
  const powers = points.map(() => {
    const current = power;
    power = (power * BigInt(x)) % SCALAR_ORDER;
    return current;
  });
  return group.multiScalar(points, powers);
}

/**
 * Makes the deal of dealer i. It must be stored durably before it is sent: a second, different deal is punished.
 * Throws `BAD_LENGTH`, `BAD_SCALAR`, `IDENTITY_POINT`, `DKG_BAD_PARAMS`.
 */
export function dkgMakeDeal(
  curve: Curve,
  params: DkgParams,
  dealer: number,
  secrets: DkgDealSecrets,
): Uint8Array {
  const group = dkgBaseGroup(curve, params.purpose);
  const coefficients = secrets.coefficients.map((coefficient) => decodeScalar(coefficient));
  if (coefficients.length !== params.threshold) {
    throw new ConsiliumError("BAD_LENGTH", "A deal has as many coefficients as the threshold.");
  }
  const ephemeral = decodeScalar(secrets.ephemeralSecret);
  const sid = dkgSid(params);
  const ephemeralKey = encodePoint(curve.g1, curve.g1.multiplyGenerator(ephemeral));
  const sealed = params.members.map(({ encryptionKey }, index) => {
    const shared = encodePoint(curve.g1, curve.g1.multiply(decodeG1(curve, encryptionKey), ephemeral));
    const pad = sharePad(params, sid, dealer, index + 1, ephemeralKey, shared);
    return xorBytes(encodeScalar(evaluatePolynomial(coefficients, index + 1)), pad);
  });
  const commitments = coefficients.map((value) => encodePoint(group, group.multiplyGenerator(value)));
  const header = encodeHeader(DKG_MESSAGE.deal, sid);
  const proven = concat(header, u16(dealer), ...commitments, ephemeralKey, ...sealed);
  return concat(proven, proveJointly(curve, group, proven, coefficients[0]!, ephemeral, secrets));
}

function proveJointly(
  curve: Curve,
  group: Group<BasePoint>,
  proven: Uint8Array,
  coefficient: bigint,
  ephemeral: bigint,
  secrets: DkgDealSecrets,
): Uint8Array {
  const alpha = resolveNonce(PROOF_TAG, coefficient, secrets.coefficientNonce, proven);
  const beta = resolveNonce(PROOF_TAG, ephemeral, secrets.ephemeralNonce, proven);
  const first = encodePoint(group, group.multiplyGenerator(alpha));
  const second = encodePoint(curve.g1, curve.g1.multiplyGenerator(beta));
  const challenge = hashToScalar(PROOF_TAG, proven, first, second);
  return concat(
    encodeScalar(challenge),
    encodeScalar(reduceScalar(alpha + challenge * coefficient)),
    encodeScalar(reduceScalar(beta + challenge * ephemeral)),
  );
}

/** A deal whose points decoded; its proof is not checked yet. */
export interface DecodedDeal {
  readonly message: DkgDealMessage;
  readonly commitments: readonly BasePoint[];
  readonly ephemeralKey: G1Point;
  readonly challenge: bigint;
  readonly coefficientResponse: bigint;
  readonly ephemeralResponse: bigint;
}

/**
 * Parses a deal and decodes every field, in order. Throws `BAD_ENCODING`, `BAD_LENGTH`, `DKG_WRONG_SID`, and the
 * codes of CS01 §2 for points and scalars.
 */
export function decodeDeal(curve: Curve, params: DkgParams, sid: Uint8Array, body: Uint8Array): DecodedDeal {
  const message = parseDeal(params, sid, body);
  const group = dkgBaseGroup(curve, params.purpose);
  return {
    message,
    commitments: message.commitments.map((bytes) => decodePoint(group, bytes)),
    ephemeralKey: decodeG1(curve, message.ephemeralKey),
    challenge: decodeScalar(message.proof[0]),
    coefficientResponse: decodeScalar(message.proof[1]),
    ephemeralResponse: decodeScalar(message.proof[2]),
  };
}

/**
 * Checks the joint proof of a_0 and ρ. Without the proof of ρ a dealer could copy the R of an honest one, and each
 * dispute against it would open the honest dealer's share. Throws `DKG_BAD_POK`.
 */
export function checkDealProof(curve: Curve, params: DkgParams, deal: DecodedDeal): void {
  const group = dkgBaseGroup(curve, params.purpose);
  const negated = reduceScalar(-deal.challenge);
  const first = group.multiScalar(
    [group.generator, deal.commitments[0]!],
    [deal.coefficientResponse, negated],
  );
  const second = curve.g1.multiScalar(
    [curve.g1.generator, deal.ephemeralKey],
    [deal.ephemeralResponse, negated],
  );
  if (!group.isIdentity(first) && !curve.g1.isIdentity(second)) {
    const expected = hashToScalar(
      PROOF_TAG,
      deal.message.proven,
      group.toBytes(first),
      curve.g1.toBytes(second),
    );
    if (expected === deal.challenge) return;
  }
  throw new ConsiliumError(
    "DKG_BAD_POK",
    "The proof of this deal does not hold; the dealer must make a valid deal.",
    {
      dealer: deal.message.dealer,
    },
  );
}

/** HKDF(E_j) of CS01 §13.2: the pad over the share of member j in the deal of dealer i. */
function sharePad(
  params: DkgParams,
  sid: Uint8Array,
  dealer: number,
  member: number,
  ephemeralKey: Uint8Array,
  sharedPoint: Uint8Array,
): Uint8Array {
  const { encryptionKey } = memberOf(params, member);
  const info = concat(domain("DKG-SHARE"), u16(dealer), u16(member), encryptionKey, ephemeralKey);
  return deriveKey(sharedPoint, sid, info, SHARE_SIZE_BYTES);
}

/** The member with an index from 1. Throws `BAD_INDEX`. */
export function memberOf(params: DkgParams, index: number) {
  const member = params.members[index - 1];
  if (member !== undefined) return member;
  throw new ConsiliumError("BAD_INDEX", "This run has no member with that index.", { index });
}

/** The share of member j in a deal as it was sealed, given E_j; undefined when it is not a scalar below q. */
export function unsealShare(
  params: DkgParams,
  sid: Uint8Array,
  message: DkgDealMessage,
  member: number,
  sharedPoint: Uint8Array,
): bigint | undefined {
  const pad = sharePad(params, sid, message.dealer, member, message.ephemeralKey, sharedPoint);
  const share = bigintFromBytes(xorBytes(message.sealedShares[member - 1]!, pad));
  pad.fill(0);
  return share < SCALAR_ORDER ? share : undefined;
}

/**
 * The share of member j in a deal, given E_j, or undefined when it is not a scalar below q that matches the
 * commitments: then a dispute is due. The deal must have passed its checks; its points are not checked again.
 */
export function openSealedShare(
  curve: Curve,
  params: DkgParams,
  sid: Uint8Array,
  message: DkgDealMessage,
  member: number,
  sharedPoint: Uint8Array,
): bigint | undefined {
  const share = unsealShare(params, sid, message, member, sharedPoint);
  if (share === undefined) return undefined;
  const group = dkgBaseGroup(curve, params.purpose);
  const commitments = message.commitments.map((bytes) => decodePointOnCurve(group, bytes));
  const expected = evaluateCommitment(group, commitments, member);
  return group.equals(group.multiplyGenerator(share), expected) ? share : undefined;
}

/** E_j = e_j·R, 48 bytes. */
export function sharedPointOf(
  curve: Curve,
  message: DkgDealMessage,
  encryptionSecret: Uint8Array,
): Uint8Array {
  const ephemeralKey = decodeG1(curve, message.ephemeralKey);
  return encodePoint(curve.g1, curve.g1.multiply(ephemeralKey, decodeScalar(encryptionSecret)));
}

/**
 * Opens the share of member j in a deal with its secret e_j: 32 bytes. Throws `DKG_BAD_SHARE` when a dispute is due,
 * `BAD_INDEX`, and the codes of a deal that does not parse.
 */
export function dkgOpenShare(
  curve: Curve,
  params: DkgParams,
  body: Uint8Array,
  member: number,
  encryptionSecret: Uint8Array,
): Uint8Array {
  const sid = dkgSid(params);
  const message = parseDeal(params, sid, body);
  memberOf(params, member);
  const sharedPoint = sharedPointOf(curve, message, encryptionSecret);
  const share = openSealedShare(curve, params, sid, message, member, sharedPoint);
  sharedPoint.fill(0);
  if (share !== undefined) return encodeScalar(share);
  throw new ConsiliumError(
    "DKG_BAD_SHARE",
    "This dealer's share is wrong; send a dispute against the deal.",
    {
      dealer: message.dealer,
      member,
    },
  );
}
