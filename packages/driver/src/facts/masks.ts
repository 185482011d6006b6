/** Sets of validators as numbers: validator i is bit i, and a set has at most 31. */

/** The mask of a certificate's bitmap. */
export const maskOf = (bitmap: Uint8Array): number =>
  bitmap.reduce((mask, byte, index) => mask | (byte << (8 * index)), 0) >>> 0;

export function signerCount(bitmap: Uint8Array): number {
  let count = 0;
  for (let mask = maskOf(bitmap); mask !== 0; mask &= mask - 1) count += 1;
  return count;
}

export const has = (mask: number, validator: number): boolean => ((mask >>> validator) & 1) === 1;

/** The bitmap of ⌈n/8⌉ bytes of a mask, as certificates carry it. */
export const bitmapOf = (mask: number, validatorCount: number): Uint8Array =>
  Uint8Array.from({ length: Math.ceil(validatorCount / 8) }, (_, index) => (mask >>> (8 * index)) & 0xff);
