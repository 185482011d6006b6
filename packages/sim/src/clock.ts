type Action = () => void | Promise<void>;

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly action: Action;
}

/** Simulated time: an event queue. Events of one millisecond run in the order in which they were scheduled. */
export class SimulatedClock {
  #nowMs = 0;
  #order = 0;
  readonly #heap: Event[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, action: Action): void {
    this.#push({ atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, action });
  }

  /** Runs events up to a time, or until `done` says so after an event. */
  async runUntil(atMs: number, done: () => boolean = () => false): Promise<void> {
    for (let event = this.#heap[0]; event !== undefined && event.atMs <= atMs; event = this.#heap[0]) {
      this.#pop();
      this.#nowMs = event.atMs;
      const pending = event.action();
      if (pending !== undefined) await pending;
      if (done()) return;
    }
    this.#nowMs = Math.max(this.#nowMs, atMs);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!earlier(event, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#heap;
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

const earlier = (left: Event, right: Event): boolean =>
  left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
