import { bigintFromBytes, hash, u32 } from "@consilium/crypto";
import type { Bytes32, Epoch, Height, View } from "@consilium/protocol";
import type { EpochContext } from "./engine/index.js";
import { nodeIdsOf, type ValidatorSet } from "./validator-set.js";

/**
 * Order in which the validators of an epoch propose, round robin over views: a Fisher-Yates shuffle of the indices
 * 0..count−1. `seed` is the digest of the previous boundary block, or the genesis hash, so that nobody can choose it
 * after the set is known. Each draw is 32 bytes of H("PROPOSER-ORDER", seed ‖ u32 position), so the bias of reducing
 * it is below 2^-248.
 */
export function proposerOrder(seed: Bytes32, count: number): readonly number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let position = count - 1; position > 0; position--) {
    const draw = bigintFromBytes(hash("PROPOSER-ORDER", seed, u32(position)));
    const other = Number(draw % BigInt(position + 1));
    [order[position], order[other]] = [order[other]!, order[position]!];
  }
  return order;
}

/** Index of the validator that proposes in a view (views count from 1). */
export function proposerOfView(order: readonly number[], view: View): number {
  return order[(view - 1) % order.length]!;
}

/**
 * What the engine needs to know of an epoch. `seed` is the digest of the previous boundary block, or the genesis hash;
 * `lastHeight` is the height of the epoch's own boundary block.
 */
export function epochContext(
  epoch: Epoch,
  set: ValidatorSet,
  seed: Bytes32,
  lastHeight: Height,
): EpochContext {
  return { epoch, validators: nodeIdsOf(set), proposerOrder: proposerOrder(seed, set.length), lastHeight };
}
