import { invertScalar, reduceScalar, SCALAR_ORDER } from "./curve/order.js";
import { ConsiliumError } from "./errors.js";

/** λ_k for every k of `indices`, in their order: ∏ m/(m − k) over the other m (Consilium CS01 §1). */
export function lagrangeCoefficients(indices: readonly number[]): bigint[] {
  return indices.map((k) => {
    let numerator = 1n;
    let denominator = 1n;
    for (const m of indices) {
      if (m === k) continue;
      numerator = (numerator * BigInt(m)) % SCALAR_ORDER;
      denominator = reduceScalar(denominator * BigInt(m - k));
    }
    return (numerator * invertScalar(denominator)) % SCALAR_ORDER;
  });
}

/**
 * The parts with the `threshold` lowest indices, ascending.
 * Throws `TOO_FEW_SHARES`, `DUPLICATE_INDEX`, `BAD_INDEX` in this order.
 */
export function selectLowestIndices<Part extends { readonly index: number }>(
  parts: readonly Part[],
  threshold: number,
): Part[] {
  if (parts.length < threshold || threshold < 1) {
    throw new ConsiliumError("TOO_FEW_SHARES", "Collect more shares: fewer than the threshold are at hand.", {
      shares: parts.length,
      threshold,
    });
  }
  if (new Set(parts.map((part) => part.index)).size !== parts.length) {
    throw new ConsiliumError("DUPLICATE_INDEX", "Give one share per index.");
  }
  for (const { index } of parts) requireIndex(index);
  return [...parts].sort((left, right) => left.index - right.index).slice(0, threshold);
}

/** Throws `BAD_INDEX` unless the share index is in 1..65535. */
export function requireIndex(index: number): number {
  if (!Number.isInteger(index) || index < 1 || index > 0xffff) {
    throw new ConsiliumError("BAD_INDEX", "Count share indices from 1.", { index });
  }
  return index;
}
