/** What a set of qualified deals amounts to: the key, the verification keys, the transcript (Consilium CS01 §13.3). */
import { equalBytes, u16 } from "../bytes.js";
import type { Curve } from "../curve/curve.js";
import { decodePointOnCurve } from "../curve/encoding.js";
import { hash } from "../hash.js";
import { lagrangeCoefficients } from "../lagrange.js";
import { evaluateCommitment } from "./deal.js";
import { parseDeal } from "./messages.js";
import { type BasePoint, type DkgParams, dkgBaseGroup } from "./params.js";

/** An accepted deal. */
export interface DkgDeal {
  /** i, the index of the dealer. */
  readonly dealer: number;
  readonly body: Uint8Array;
}

/** Outcome of a run as plain data. */
export interface DkgResult {
  /** Dealers whose polynomials make the key: all qualified, or the old t lowest of them in a reshare. */
  readonly used: readonly number[];
  /** A_0 … A_{t−1}; A_0 is the key. */
  readonly commitments: readonly Uint8Array[];
  /** VK_1 … VK_n. */
  readonly verificationKeys: readonly Uint8Array[];
  /** th, 32 bytes. */
  readonly transcript: Uint8Array;
}

export type DkgOutcome = DkgResult | { readonly failure: "DKG_DEGENERATE" | "DKG_BAD_LINK" };

/** The dealers that count and the weight of each: 1 in a fresh run, its Lagrange coefficient in a reshare. */
export function dealWeights(params: DkgParams, qualified: readonly number[]): ReadonlyMap<number, bigint> {
  if (params.old === undefined) return new Map(qualified.map((dealer) => [dealer, 1n]));
  const used = [...qualified].sort((left, right) => left - right).slice(0, params.old.threshold);
  const weights = lagrangeCoefficients(used);
  return new Map(used.map((dealer, index) => [dealer, weights[index]!]));
}

/** Aggregates qualified deals (ascending by dealer). Their points were checked when they were accepted. */
export function aggregateDeals(
  curve: Curve,
  params: DkgParams,
  sid: Uint8Array,
  qualified: readonly DkgDeal[],
): DkgOutcome {
  const group = dkgBaseGroup(curve, params.purpose);
  const weights = dealWeights(
    params,
    qualified.map(({ dealer }) => dealer),
  );
  const commitments = sumCommitments(curve, params, sid, qualified, weights);
  const keys = params.members.map((_, index) => evaluateCommitment(group, commitments, index + 1));
  if ([commitments[0]!, ...keys].some((point) => group.isIdentity(point)))
    return { failure: "DKG_DEGENERATE" };
  const encoded = commitments.map((point) => group.toBytes(point));
  if (params.old !== undefined && !equalBytes(encoded[0]!, params.old.key))
    return { failure: "DKG_BAD_LINK" };
  const verificationKeys = keys.map((point) => group.toBytes(point));
  const transcript = hash(
    "DKG-TR",
    sid,
    u16(qualified.length),
    ...qualified.flatMap(({ dealer, body }) => [u16(dealer), hash("DKG-DEAL", body)]),
    ...encoded,
    ...verificationKeys,
  );
  return { used: [...weights.keys()], commitments: encoded, verificationKeys, transcript };
}

function sumCommitments(
  curve: Curve,
  params: DkgParams,
  sid: Uint8Array,
  qualified: readonly DkgDeal[],
  weights: ReadonlyMap<number, bigint>,
): BasePoint[] {
  const group = dkgBaseGroup(curve, params.purpose);
  const rows = qualified
    .filter(({ dealer }) => weights.has(dealer))
    .map(({ dealer, body }) => {
      const { commitments } = parseDeal(params, sid, body);
      return {
        weight: weights.get(dealer)!,
        points: commitments.map((bytes) => decodePointOnCurve(group, bytes)),
      };
    });
  return Array.from({ length: params.threshold }, (_, k) => {
    const points = rows.map((row) => row.points[k]!);
    if (params.old === undefined) return points.reduce((sum, point) => group.add(sum, point));
    return group.multiScalar(
      points,
      rows.map((row) => row.weight),
    );
  });
}
