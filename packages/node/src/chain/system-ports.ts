import type { Clock } from "@consilium/protocol";

export { secureRandom as systemRandom } from "../keys/platform.js";

/** The machine's clock and timers. A timer does not keep the process alive on its own. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  setTimer: (delayMs, callback) => {
    const handle = setTimeout(callback, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};
