import type { SimulatedClock } from "./clock.js";
import type { SeededRandom } from "./random.js";

type Batch = ReadonlyMap<string, unknown>;

/**
 * A disk of one node. A batch is atomic. What was not synced when the node crashes survives as a random prefix of the
 * unsynced batches, since a real disk writes them back in its own time.
 */
export class SimulatedDisk {
  readonly #durable = new Map<string, unknown>();
  #unsynced: Batch[] = [];

  constructor(
    private readonly clock: SimulatedClock,
    private readonly random: SeededRandom,
    private readonly syncMs: readonly [number, number],
    /** A disk that lies says "synced" this much too early; for tests of the tests. */
    private readonly lieMs = 0,
  ) {}

  /** What the operator put there before the first start. */
  provision(key: string, value: unknown): void {
    this.#durable.set(key, value);
  }

  write(batch: Batch): void {
    this.#unsynced.push(batch);
  }

  /** Makes everything written so far durable, then calls back. A crash in between may lose it. */
  sync(then: () => void | Promise<void>): void {
    const upTo = this.#unsynced;
    const delayMs = this.random.between(...this.syncMs);
    this.clock.after(delayMs + this.lieMs, () => {
      for (const batch of upTo) if (this.#unsynced.includes(batch)) this.#apply(batch);
      this.#unsynced = this.#unsynced.filter((batch) => !upTo.includes(batch));
      return this.lieMs === 0 ? then() : undefined;
    });
    if (this.lieMs > 0) this.clock.after(delayMs, then);
    // Later writes belong to the next sync.
    this.#unsynced = [...upTo];
  }

  crash(): void {
    const survived = this.random.between(0, this.#unsynced.length);
    for (const batch of this.#unsynced.slice(0, survived)) this.#apply(batch);
    this.#unsynced = [];
  }

  /** What a reader sees: unsynced writes included while the node runs. */
  get(key: string): unknown {
    for (const batch of this.#unsynced.toReversed()) if (batch.has(key)) return batch.get(key);
    return this.#durable.get(key);
  }

  entries(prefix: string): unknown[] {
    const keys = new Set(this.#durable.keys());
    for (const batch of this.#unsynced) for (const key of batch.keys()) keys.add(key);
    const found = [...keys].filter((key) => key.startsWith(prefix)).sort();
    return found.map((key) => this.get(key)).filter((value) => value !== undefined);
  }

  #apply(batch: Batch): void {
    for (const [key, value] of batch) {
      if (value === undefined) this.#durable.delete(key);
      else this.#durable.set(key, value);
    }
  }
}
