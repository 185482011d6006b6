import type { Clock } from "@consilium/protocol";

export { secureRandom as systemRandom } from "../keys/platform.js";

/** Node fires a timer with a longer delay at once. */
const TIMER_DELAY_MS_MAX = 2 ** 31 - 1;

/** The machine's clock and timers; a delay above 24 days counts as that. A timer does not keep the process alive on its own. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  setTimer: (delayMs, callback) => {
    const handle = setTimeout(callback, Math.min(delayMs, TIMER_DELAY_MS_MAX));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};
