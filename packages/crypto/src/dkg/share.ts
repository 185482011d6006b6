/** The share a member ends up with (Consilium CS01 §13.3, §13.4). */
import { equalBytes } from "../bytes.js";
import type { Curve } from "../curve/curve.js";
import { encodeScalar } from "../curve/encoding.js";
import { SCALAR_ORDER } from "../curve/order.js";
import { ConsiliumError } from "../errors.js";
import { dkgOpenShare, memberOf, sharedPointOf, unsealShare } from "./deal.js";
import { parseDeal } from "./messages.js";
import { dkgBaseGroup } from "./params.js";
import { type DkgState, dkgQualified, dkgQualifiedDeals } from "./state.js";
import { dealWeights } from "./transcript.js";

/**
 * The share s_j of member j, 32 bytes, as the run stands: the weighted sum of its shares of the used deals. Only the
 * sum is checked, against VK_j, which is one multiplication instead of one evaluation per deal. Throws
 * `DKG_WRONG_PHASE` while there is no result, `BAD_INDEX`, and `DKG_BAD_SHARE` when the sum is wrong: dispute what
 * {@link dkgWrongShares} names, or, when that is too late, sit out until the next reshare. The caller zeroises it.
 */
export function dkgFinalShare(
  curve: Curve,
  state: DkgState,
  member: number,
  encryptionSecret: Uint8Array,
): Uint8Array {
  const { params, result } = state;
  if (result === null)
    throw new ConsiliumError("DKG_WRONG_PHASE", "Dealing is not over yet; wait for its end.");
  memberOf(params, member);
  const share = sumShares(curve, state, member, encryptionSecret);
  const group = dkgBaseGroup(curve, params.purpose);
  if (
    share !== undefined &&
    equalBytes(group.toBytes(group.multiplyGenerator(share)), result.verificationKeys[member - 1]!)
  ) {
    return encodeScalar(share);
  }
  throw new ConsiliumError(
    "DKG_BAD_SHARE",
    "These deals give this member no valid share: dispute the wrong ones, or wait for the next reshare.",
    { member },
  );
}

function sumShares(
  curve: Curve,
  state: DkgState,
  member: number,
  encryptionSecret: Uint8Array,
): bigint | undefined {
  const { params, sid } = state;
  const weights = dealWeights(params, dkgQualified(state));
  let sum = 0n;
  for (const { dealer, body } of dkgQualifiedDeals(state)) {
    const weight = weights.get(dealer);
    if (weight === undefined) continue;
    const message = parseDeal(params, sid, body);
    const sharedPoint = sharedPointOf(curve, message, encryptionSecret);
    const share = unsealShare(params, sid, message, member, sharedPoint);
    sharedPoint.fill(0);
    if (share === undefined) return undefined;
    sum = (sum + weight * share) % SCALAR_ORDER;
  }
  return sum;
}

/** Deals, by dealer, whose share for member j is wrong, so that a dispute is due. */
export function dkgWrongShares(
  curve: Curve,
  state: DkgState,
  member: number,
  encryptionSecret: Uint8Array,
): { readonly dealer: number; readonly body: Uint8Array }[] {
  return dkgQualifiedDeals(state).filter(({ body }) => {
    try {
      dkgOpenShare(curve, state.params, body, member, encryptionSecret).fill(0);
      return false;
    } catch (error) {
      if (error instanceof ConsiliumError && error.code === "DKG_BAD_SHARE") return true;
      throw error;
    }
  });
}
