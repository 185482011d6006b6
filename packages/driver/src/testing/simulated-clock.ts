import type { Clock, Timer } from "@consilium/protocol";

interface Pending {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is advanced. Timers fire in order of time, then of setting. */
export class SimulatedClock implements Clock {
  private timers: Pending[] = [];
  private order = 0;

  /** `settle` lets everything run that needs no clock: promises, and what the platform queued for the next turn. */
  constructor(
    private timeMs: number,
    private readonly settle: () => Promise<void>,
  ) {}

  nowMs(): number {
    return this.timeMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer: Pending = { atMs: this.timeMs + Math.max(0, delayMs), order: this.order++, callback };
    this.timers.push(timer);
    return {
      cancel: () => {
        this.timers = this.timers.filter((each) => each !== timer);
      },
    };
  }

  /** Advances timer by timer until the condition holds; false when it does not within `limitMs`. */
  async runUntil(holds: () => boolean, limitMs: number): Promise<boolean> {
    const endMs = this.timeMs + limitMs;
    await this.settle();
    while (!holds()) {
      const next = this.next();
      if (next === undefined || next.atMs > endMs) {
        this.timeMs = endMs;
        return holds();
      }
      this.timers = this.timers.filter((each) => each !== next);
      this.timeMs = Math.max(this.timeMs, next.atMs);
      next.callback();
      await this.settle();
    }
    return true;
  }

  async advance(durationMs: number): Promise<void> {
    await this.runUntil(() => false, durationMs);
  }

  private next(): Pending | undefined {
    const [first, ...rest] = this.timers;
    return rest.reduce(
      (best, each) =>
        best !== undefined && (best.atMs < each.atMs || (best.atMs === each.atMs && best.order < each.order))
          ? best
          : each,
      first,
    );
  }
}
