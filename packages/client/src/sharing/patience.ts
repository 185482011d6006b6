import type { Clock } from "@consilium/protocol";
import { delay } from "../ports.js";

const PAUSE_MS = 200;

/**
 * Tries again while a failure may pass: nodes reach the same final state at slightly different moments, so another node
 * may refuse for a moment what this one has already seen final. The last failure is thrown after `patienceMs`, or once
 * the signal is aborted.
 */
export async function patiently<Value>(
  options: {
    readonly clock: Clock;
    readonly patienceMs: number;
    readonly mayPass: (error: unknown) => boolean;
    readonly signal?: AbortSignal;
  },
  action: () => Promise<Value>,
): Promise<Value> {
  const { clock, patienceMs, mayPass, signal } = options;
  const giveUpAtMs = clock.nowMs() + patienceMs;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!mayPass(error) || signal?.aborted === true || clock.nowMs() > giveUpAtMs) throw error;
    }
    await delay(clock, PAUSE_MS, signal);
  }
}
