import { ConsiliumError } from "@consilium/crypto";

export interface RateLimit {
  /** Acts that one name may do in one window. */
  readonly count: number;
  readonly windowMs: number;
  /** Names remembered at once; beyond that new names wait for the next window. */
  readonly namesMax: number;
}

/** Counts acts by name (an account, an address) in fixed windows, with a bounded memory. */
export class RateLimiter {
  #counts = new Map<string, number>();
  #windowStartMs = 0;

  constructor(private readonly limit: RateLimit) {}

  /** @throws ConsiliumError `RATE_LIMITED` once the name has used up its window, or memory is full. */
  take(name: string, nowMs: number): void {
    if (nowMs - this.#windowStartMs >= this.limit.windowMs || nowMs < this.#windowStartMs) {
      this.#counts = new Map();
      this.#windowStartMs = nowMs;
    }
    const used = this.#counts.get(name) ?? 0;
    const isFull = used === 0 && this.#counts.size >= this.limit.namesMax;
    if (used >= this.limit.count || isFull) {
      throw new ConsiliumError("RATE_LIMITED", "Too many requests; wait a little and try again.", {
        windowMs: this.limit.windowMs,
      });
    }
    this.#counts.set(name, used + 1);
  }
}
