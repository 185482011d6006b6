/** A seeded generator (xoshiro128**, Blackman and Vigna 2018, seeded by splitmix32): the same seed, the same run. */
export interface SeededRandom {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [from, to], both included. */
  between(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<Value>(values: readonly Value[]): Value;
  shuffle<Value>(values: readonly Value[]): Value[];
  /** Exponentially distributed with this mean. */
  exponential(mean: number): number;
  /** Log-normal: `median` · e^(sigma · z), z standard normal. */
  logNormal(median: number, sigma: number): number;
  bytes(length: number): Uint8Array;
  /** An independent stream, so that one part drawing more numbers does not change the others. */
  fork(label: string): SeededRandom;
}

export function seededRandom(seed: number | string): SeededRandom {
  const state = expandSeed(String(seed));
  const next32 = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(state[1]!, 5), 7), 9) >>> 0;
    const shifted = state[1]! << 9;
    state[2]! ^= state[0]!;
    state[3]! ^= state[1]!;
    state[1]! ^= state[2]!;
    state[0]! ^= state[3]!;
    state[2]! ^= shifted;
    state[3] = rotateLeft(state[3]!, 11);
    return result;
  };
  const next = (): number => next32() / 2 ** 32;
  const between = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    pick: (values) => values[between(0, values.length - 1)]!,
    shuffle: (values) => {
      const order = [...values];
      for (let last = order.length - 1; last > 0; last--) {
        const other = between(0, last);
        [order[last], order[other]] = [order[other]!, order[last]!];
      }
      return order;
    },
    exponential: (mean) => -mean * Math.log(1 - next()),
    // The normal variate is a sum of twelve uniform ones: sines and cosines differ in their last bit between engines.
    logNormal: (median, sigma) => {
      let sum = -6;
      for (let draw = 0; draw < 12; draw++) sum += next();
      return median * Math.exp(sigma * sum);
    },
    bytes: (length) => Uint8Array.from({ length }, () => next32() & 0xff),
    fork: (label) => seededRandom(`${seed}/${label}`),
  };
}

const rotateLeft = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

function expandSeed(seed: string): Uint32Array {
  let hash = 2166136261;
  for (let index = 0; index < seed.length; index++) hash = Math.imul(hash ^ seed.charCodeAt(index), 16777619);
  return Uint32Array.from({ length: 4 }, () => {
    hash = (hash + 0x9e3779b9) | 0;
    let mixed = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  });
}
