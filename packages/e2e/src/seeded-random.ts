/** A small seeded generator (Mulberry32: a counter, mixed): the same seed gives the same draws everywhere. */
export class SeededRandom {
  #state: number;

  /** @param seed any whole number. */
  constructor(seed: number) {
    // Both halves of a seed above 2^32 count.
    this.#state = (Math.trunc(seed / 2 ** 32) ^ Math.imul(seed >>> 0, 0x9e3779b1)) >>> 0;
  }

  /** A number in [0, 1). */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** One entry of a list that has some. */
  pick<Value>(list: readonly Value[]): Value {
    return list[Math.floor(this.fraction() * list.length)]!;
  }

  /** `count` different entries of a list, in drawn order. */
  sample<Value>(list: readonly Value[], count: number): Value[] {
    const left = [...list];
    const drawn: Value[] = [];
    while (drawn.length < count && left.length > 0) {
      drawn.push(...left.splice(Math.floor(this.fraction() * left.length), 1));
    }
    return drawn;
  }

  /** One of the names, each as likely as its weight says. */
  weighted<Name extends string>(weights: Readonly<Partial<Record<Name, number>>>): Name {
    const entries = Object.entries(weights) as [Name, number][];
    let left = this.fraction() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return entries.at(-1)![0];
  }
}
