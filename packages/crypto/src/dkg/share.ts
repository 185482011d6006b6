/** The share a member ends up with (Consilium CS01 §13.3, §13.4). */
import { bigintFromBytes, equalBytes } from "../bytes.js";
import type { Curve } from "../curve/curve.js";
import { encodeScalar } from "../curve/encoding.js";
import { SCALAR_ORDER } from "../curve/order.js";
import { ConsiliumError } from "../errors.js";
import { dkgOpenShare } from "./deal.js";
import { dkgBaseGroup } from "./params.js";
import { type DkgState, dkgQualified, dkgQualifiedDeals } from "./state.js";
import { dealWeights } from "./transcript.js";

/**
 * The share s_j of member j, 32 bytes, as the run stands: the weighted sum of its shares of the used deals, checked
 * against VK_j. Throws `DKG_WRONG_PHASE` while there is no result, and `DKG_BAD_SHARE` when a deal's share is wrong:
 * dispute it, or, when that is too late, sit out until the next reshare. The caller zeroises the result.
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
  const weights = dealWeights(params, dkgQualified(state));
  let share = 0n;
  for (const { dealer, body } of dkgQualifiedDeals(state)) {
    const weight = weights.get(dealer);
    if (weight === undefined) continue;
    const part = dkgOpenShare(curve, params, body, member, encryptionSecret);
    share = (share + weight * bigintFromBytes(part)) % SCALAR_ORDER;
    part.fill(0);
  }
  const group = dkgBaseGroup(curve, params.purpose);
  if (equalBytes(group.toBytes(group.multiplyGenerator(share)), result.verificationKeys[member - 1]!)) {
    return encodeScalar(share);
  }
  throw new ConsiliumError(
    "DKG_BAD_SHARE",
    "These deals give this member no valid share; wait for the next reshare.",
    {
      member,
    },
  );
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
