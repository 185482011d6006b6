/** Drawing of a dealer's secrets from random bytes that the caller supplies. */
import { bigintFromBytes, Reader, requireLength } from "../bytes.js";
import { encodeScalar } from "../curve/encoding.js";
import { SCALAR_ORDER } from "../curve/order.js";
import type { DkgDealSecrets } from "./deal.js";
import type { DkgParams } from "./params.js";

/** Random bytes behind one scalar: 48, so that the reduction modulo q leaves a bias below 2^−128. */
export const SCALAR_RANDOM_SIZE_BYTES = 48;

const NONCE_RANDOM_SIZE_BYTES = 32;

/** A scalar, 32 bytes, from 48 random ones. Zero, which never comes up by chance, becomes one. */
export function scalarFromRandom(random: Uint8Array): Uint8Array {
  const value = bigintFromBytes(requireLength(random, SCALAR_RANDOM_SIZE_BYTES, "randomness")) % SCALAR_ORDER;
  return encodeScalar(value === 0n ? 1n : value);
}

/** How many random bytes a deal of this run takes. */
export function dkgDealRandomSizeBytes(params: DkgParams): number {
  return SCALAR_RANDOM_SIZE_BYTES * (params.threshold + 1) + 2 * NONCE_RANDOM_SIZE_BYTES;
}

/**
 * The secrets of a deal from fresh random bytes ({@link dkgDealRandomSizeBytes} of them). In a reshare the constant
 * term is the dealer's old share. Store the deal before sending it; erase random bytes and secrets after the run.
 */
export function dkgDrawDealSecrets(
  params: DkgParams,
  random: Uint8Array,
  oldShare?: Uint8Array,
): DkgDealSecrets {
  if ((params.old === undefined) !== (oldShare === undefined)) {
    throw new RangeError("Give the old share in a reshare, and only there.");
  }
  const reader = new Reader(random);
  const coefficients = Array.from({ length: params.threshold }, () =>
    scalarFromRandom(reader.take(SCALAR_RANDOM_SIZE_BYTES)),
  );
  const ephemeralSecret = scalarFromRandom(reader.take(SCALAR_RANDOM_SIZE_BYTES));
  const coefficientNonce = { random: reader.take(NONCE_RANDOM_SIZE_BYTES) };
  const ephemeralNonce = { random: reader.take(NONCE_RANDOM_SIZE_BYTES) };
  reader.end("randomness");
  if (oldShare !== undefined) coefficients[0] = oldShare.slice();
  return { coefficients, ephemeralSecret, coefficientNonce, ephemeralNonce };
}
