/** q, the prime order of G1, G2 and GT of BLS12-381. */
export const SCALAR_ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;

/** p, the prime of the base field of BLS12-381. */
export const FIELD_PRIME =
  0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn;

/** The residue of any integer in [0, q). */
export function reduceScalar(value: bigint): bigint {
  const residue = value % SCALAR_ORDER;
  return residue < 0n ? residue + SCALAR_ORDER : residue;
}

/** The inverse modulo q of a scalar that is not 0 (extended Euclid; not constant time, so for public values only). */
export function invertScalar(value: bigint): bigint {
  let [previous, current] = [SCALAR_ORDER, reduceScalar(value)];
  let [previousFactor, factor] = [0n, 1n];
  while (current > 1n) {
    const quotient = previous / current;
    [previous, current] = [current, previous - quotient * current];
    [previousFactor, factor] = [factor, previousFactor - quotient * factor];
  }
  if (current !== 1n) throw new RangeError("Zero has no inverse.");
  return reduceScalar(factor);
}
