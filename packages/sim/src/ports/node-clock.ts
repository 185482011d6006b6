import type { Clock, Timer } from "@consilium/protocol";
import type { EventQueue } from "./event-queue.js";

/** Unix time at which every simulation starts. */
export const START_MS = 1_700_000_000_000;

/** Whether a run of a node still goes on. A crash ends it: from then on its ports neither call nor answer. */
export interface Life {
  alive: boolean;
}

/** The processor of one node: what arrives at a busy node waits its turn. A node of zero cost is never busy. */
export class Processor {
  private busyUntilMs = 0;
  /** Time that one callback takes: a message, a timer, a write that came back. */
  costMs = 0;

  constructor(private readonly queue: EventQueue) {}

  run(life: Life, callback: () => void): void {
    const { nowMs } = this.queue;
    if (this.costMs === 0 && this.busyUntilMs <= nowMs) {
      if (life.alive) callback();
      return;
    }
    const startMs = Math.max(nowMs, this.busyUntilMs);
    this.busyUntilMs = startMs + this.costMs;
    this.queue.at(this.busyUntilMs, () => {
      if (life.alive) callback();
    });
  }

  /** After a crash nothing waits any more. */
  reset(): void {
    this.busyUntilMs = 0;
  }
}

/**
 * The clock as one node sees it: true time and an offset that may jump. Timers run on true time, as they do on a machine
 * whose wall clock is set: a jump changes what the clock says, not when a timer fires.
 */
export class NodeClock implements Clock {
  constructor(
    private readonly queue: EventQueue,
    private readonly processor: Processor,
    private readonly life: Life,
    private readonly offsetMs: () => number,
  ) {}

  nowMs(): number {
    return START_MS + this.queue.nowMs + this.offsetMs();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    let cancelled = false;
    const scheduled = this.queue.after(Math.max(0, delayMs), () => {
      this.processor.run(this.life, () => {
        if (!cancelled) callback();
      });
    });
    return {
      cancel: () => {
        cancelled = true;
        scheduled.cancel();
      },
    };
  }
}
