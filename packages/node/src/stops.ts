import type { Log } from "@consilium/protocol";

const STOP_TIMEOUT_MS = 4_500;

/** What has to be stopped, in the reverse order of starting, all within five seconds. */
export class Stops {
  readonly #steps: { readonly name: string; readonly stop: () => Promise<void> }[] = [];
  #running: Promise<void> | undefined;

  constructor(private readonly log: Log) {}

  add(name: string, stop: () => Promise<void>): void {
    this.#steps.unshift({ name, stop });
  }

  /** Stops everything once; whoever asks again waits for the same. A step that fails or hangs does not hold up the rest. */
  run(): Promise<void> {
    this.#running ??= this.#stopAll();
    return this.#running;
  }

  async #stopAll(): Promise<void> {
    const deadlineMs = Date.now() + STOP_TIMEOUT_MS;
    for (const { name, stop } of this.#steps) {
      try {
        await within(stop(), Math.max(deadlineMs - Date.now(), 100));
      } catch (error) {
        this.log.warn({ step: name, error }, "node.stop-step-failed");
      }
    }
  }
}

async function within(work: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
