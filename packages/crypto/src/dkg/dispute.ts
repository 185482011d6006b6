/** Disputes: a member shows E_j, so that all can see what the dealer sealed for it (Consilium CS01 §13.2). */
import { concat } from "../bytes.js";
import type { Curve, G1Point } from "../curve/curve.js";
import { decodeG1, decodeScalar } from "../curve/encoding.js";
import { ConsiliumError } from "../errors.js";
import { type NonceSource, proveDleq, verifyDleq } from "../proofs.js";
import { memberOf, openSealedShare, sharedPointOf } from "./deal.js";
import { type DkgDealMessage, type DkgDisputeMessage, encodeDispute, parseDeal } from "./messages.js";
import { type DkgParams, dkgSid, runPrefix } from "./params.js";

const TAG = "DKG-DLEQ";

/**
 * The dispute of member j against a deal, 150 bytes. It makes j's share of that deal public, so it is sent only for a
 * share that is wrong. Throws `BAD_INDEX`, the codes of a deal that does not parse, `BAD_SCALAR`.
 */
export function dkgMakeDispute(
  curve: Curve,
  params: DkgParams,
  dealBody: Uint8Array,
  member: number,
  encryptionSecret: Uint8Array,
  nonce: NonceSource,
): Uint8Array {
  const sid = dkgSid(params);
  const deal = parseDeal(params, sid, dealBody);
  const sharedPoint = sharedPointOf(curve, deal, encryptionSecret);
  const statement = {
    tag: TAG,
    prefix: disputePrefix(params, sid, deal, member, sharedPoint),
    base: curve.g1.generator,
    secondBase: decodeG1(curve, deal.ephemeralKey),
  };
  const proof = proveDleq(curve.g1, statement, decodeScalar(encryptionSecret), nonce);
  return encodeDispute(sid, { dealer: deal.dealer, member, sharedPoint, proof });
}

export type DisputeVerdict = "DISPUTE_UPHELD" | "DISPUTE_REJECTED" | "DISPUTE_BAD_PROOF";

/** Judges a dispute whose indices were checked, against an accepted deal. */
export function judgeDispute(
  curve: Curve,
  params: DkgParams,
  sid: Uint8Array,
  deal: DkgDealMessage,
  dispute: DkgDisputeMessage,
): DisputeVerdict {
  if (!isProofValid(curve, params, sid, deal, dispute)) return "DISPUTE_BAD_PROOF";
  const share = openSealedShare(curve, params, sid, deal, dispute.member, dispute.sharedPoint);
  return share === undefined ? "DISPUTE_UPHELD" : "DISPUTE_REJECTED";
}

function isProofValid(
  curve: Curve,
  params: DkgParams,
  sid: Uint8Array,
  deal: DkgDealMessage,
  dispute: DkgDisputeMessage,
): boolean {
  try {
    const secondImage: G1Point = decodeG1(curve, dispute.sharedPoint);
    const statement = {
      tag: TAG,
      prefix: disputePrefix(params, sid, deal, dispute.member, dispute.sharedPoint),
      base: curve.g1.generator,
      image: decodeG1(curve, memberOf(params, dispute.member).encryptionKey),
      secondBase: decodeG1(curve, deal.ephemeralKey),
      secondImage,
    };
    return verifyDleq(curve.g1, statement, dispute.proof);
  } catch (error) {
    // A point or scalar that does not decode is a bad proof: the disputer pays for it.
    if (error instanceof ConsiliumError) return false;
    throw error;
  }
}

function disputePrefix(
  params: DkgParams,
  sid: Uint8Array,
  deal: DkgDealMessage,
  member: number,
  sharedPoint: Uint8Array,
): Uint8Array {
  const { encryptionKey } = memberOf(params, member);
  return concat(runPrefix(sid, deal.dealer, member), encryptionKey, deal.ephemeralKey, sharedPoint);
}
