/** Lets a bounded number in at a time; the others wait in order. */
export class Turnstile {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly capacity: number) {}

  /** Resolves with the function that makes room again; rejects when the signal aborts first. */
  async enter(signal: AbortSignal): Promise<() => void> {
    while (this.inside >= this.capacity) {
      await this.turn(signal);
    }
    this.inside += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.inside -= 1;
      this.waiting.shift()?.();
    };
  }

  private turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        // Out of the line too: a turn given to someone who left would be lost to those behind.
        this.waiting.splice(this.waiting.indexOf(onTurn), 1);
        reject(new Error("deadline"));
      };
      const onTurn = () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.waiting.push(onTurn);
    });
  }
}
