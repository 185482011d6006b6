/** One timer that waits: those of the same time fire in the order in which they were set. */
export interface QueuedTimer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

/** Timers by time and then by setting: a binary heap, so that setting and taking cost O(log n). */
export class TimerQueue {
  private heap: QueuedTimer[] = [];
  private order = 0;
  private cancelled = 0;

  /** Timers that will still fire. */
  get size(): number {
    return this.heap.length - this.cancelled;
  }

  add(atMs: number, callback: () => void): QueuedTimer {
    const timer: QueuedTimer = { atMs, order: this.order++, callback, cancelled: false };
    this.heap.push(timer);
    this.rise(this.heap.length - 1);
    return timer;
  }

  /** A cancelled timer stays in the heap until it comes up, or until half of the heap is of its kind. */
  cancel(timer: QueuedTimer): void {
    if (timer.cancelled) return;
    timer.cancelled = true;
    this.cancelled += 1;
    if (this.cancelled * 2 <= this.heap.length) return;
    const left = this.heap.filter((each) => !each.cancelled);
    this.cancelled = 0;
    // A sorted array is a heap.
    this.heap = left.sort((one, other) => (isBefore(one, other) ? -1 : 1));
  }

  /** The timer that fires next, left where it is. */
  peek(): QueuedTimer | undefined {
    while (this.heap[0]?.cancelled === true) {
      this.removeFirst();
      this.cancelled -= 1;
    }
    return this.heap[0];
  }

  take(): QueuedTimer | undefined {
    const first = this.peek();
    if (first === undefined) return undefined;
    this.removeFirst();
    // Whoever cancels it later cancels nothing that the queue counts.
    first.cancelled = true;
    return first;
  }

  private removeFirst(): void {
    const last = this.heap.pop();
    if (last === undefined || this.heap.length === 0) return;
    this.heap[0] = last;
    this.sink(0);
  }

  private rise(index: number): void {
    const timer = this.heap[index]!;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (isBefore(this.heap[parent]!, timer)) break;
      this.heap[index] = this.heap[parent]!;
      index = parent;
    }
    this.heap[index] = timer;
  }

  private sink(index: number): void {
    const timer = this.heap[index]!;
    for (;;) {
      const [left, right] = [2 * index + 1, 2 * index + 2];
      let child = left;
      if (right < this.heap.length && isBefore(this.heap[right]!, this.heap[left]!)) child = right;
      if (child >= this.heap.length || isBefore(timer, this.heap[child]!)) break;
      this.heap[index] = this.heap[child]!;
      index = child;
    }
    this.heap[index] = timer;
  }
}

const isBefore = (one: QueuedTimer, other: QueuedTimer): boolean =>
  one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
