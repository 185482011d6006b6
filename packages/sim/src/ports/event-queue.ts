/** What a scheduled event can still be told. */
export interface Scheduled {
  cancel(): void;
}

interface Entry extends Scheduled {
  readonly atMs: number;
  readonly order: number;
  action: (() => void) | undefined;
}

/** One turn of the event loop: when it comes, every promise that waited for nothing but other promises has run. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Simulated time: a binary heap of events. Events of one millisecond run in the order in which they were scheduled and
 * belong to one turn; before time goes on, everything settles that needs no clock. Production code that runs here waits
 * for nothing but ports, so the microtasks of a turn run dry in an order that the seed alone decides.
 */
export class EventQueue {
  private readonly heap: Entry[] = [];
  private order = 0;
  private timeMs = 0;
  /** Events run so far, for measurements. */
  eventCount = 0;

  /** True time since the start of the simulation, whole milliseconds. */
  get nowMs(): number {
    return this.timeMs;
  }

  after(delayMs: number, action: () => void): Scheduled {
    return this.at(this.timeMs + delayMs, action);
  }

  at(atMs: number, action: () => void): Scheduled {
    const entry: Entry = {
      atMs: Math.max(this.timeMs, Math.ceil(atMs)),
      order: this.order++,
      action,
      cancel() {
        this.action = undefined;
      },
    };
    this.push(entry);
    return entry;
  }

  /** Runs events up to a time, or until `done` holds after a turn. Returns whether it held. */
  async runUntil(endMs: number, done: () => boolean = () => false): Promise<boolean> {
    await turn();
    for (let first = this.heap[0]; first !== undefined && first.atMs <= endMs; first = this.heap[0]) {
      this.timeMs = first.atMs;
      if (!this.runEventsOf(first.atMs)) continue;
      await turn();
      if (done()) return true;
    }
    this.timeMs = Math.max(this.timeMs, endMs);
    return done();
  }

  /** False when every event of the millisecond was cancelled. */
  private runEventsOf(timeMs: number): boolean {
    let ran = false;
    for (let first = this.heap[0]; first !== undefined && first.atMs === timeMs; first = this.heap[0]) {
      this.pop();
      if (first.action === undefined) continue;
      ran = true;
      this.eventCount += 1;
      first.action();
    }
    return ran;
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!earlier(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && earlier(heap[child + 1]!, heap[child]!)) child += 1;
      if (!earlier(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}

const earlier = (left: Entry, right: Entry): boolean =>
  left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
