import { randomFillSync } from "node:crypto";
import type { Clock, Random } from "@consilium/protocol";

/** The machine's clock and timers. A timer does not keep the process alive on its own. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  setTimer: (delayMs, callback) => {
    const handle = setTimeout(callback, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** The operating system's secure random source. */
export const systemRandom: Random = {
  bytes: (length) => new Uint8Array(randomFillSync(new Uint8Array(length))),
};
