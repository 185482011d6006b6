import type { Clock, Timer } from "@consilium/protocol";
import { TimerQueue } from "./timer-queue.js";

/** A clock that stands still until it is advanced. Timers fire in order of time, then of setting. */
export class SimulatedClock implements Clock {
  private readonly timers = new TimerQueue();

  /** `settle` lets everything run that needs no clock: promises, and what the platform queued for the next turn. */
  constructor(
    private timeMs: number,
    private readonly settle: () => Promise<void>,
  ) {}

  nowMs(): number {
    return this.timeMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = this.timers.add(this.timeMs + Math.max(0, delayMs), callback);
    return { cancel: () => this.timers.cancel(timer) };
  }

  /** Advances timer by timer until the condition holds; false when it does not within `limitMs`. */
  async runUntil(holds: () => boolean, limitMs: number): Promise<boolean> {
    const endMs = this.timeMs + limitMs;
    await this.settle();
    while (!holds()) {
      const next = this.timers.peek();
      if (next === undefined || next.atMs > endMs) {
        this.timeMs = endMs;
        return holds();
      }
      this.timers.take();
      this.timeMs = Math.max(this.timeMs, next.atMs);
      next.callback();
      await this.settle();
    }
    return true;
  }

  async advance(durationMs: number): Promise<void> {
    await this.runUntil(() => false, durationMs);
  }
}
