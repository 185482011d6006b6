import {
  bigintFromBytes,
  type CryptoPool,
  type PayloadPlatform,
  portablePayloadPlatform,
  SCALAR_ORDER,
} from "@consilium/crypto";
import type { Clock, Random } from "@consilium/protocol";

/** What the SDK needs of the platform. Everything has a portable default but the pool. */
export interface ClientPorts {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly random: Random;
  /** The one way to curve work. */
  readonly pool: CryptoPool;
  /** AES-GCM and SHA-256 for payloads; native ones are several times faster. */
  readonly payload: PayloadPlatform;
}

/** Ports made of what Node and browsers share: fetch, WebCrypto's random source, timers. */
export function portablePorts(pool: CryptoPool, change: Partial<ClientPorts> = {}): ClientPorts {
  return {
    fetch: (input, init) => globalThis.fetch(input, init),
    clock: {
      nowMs: () => Date.now(),
      setTimer(delayMs, callback) {
        const handle = setTimeout(callback, delayMs);
        return { cancel: () => clearTimeout(handle) };
      },
    },
    random: { bytes: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)) },
    payload: portablePayloadPlatform,
    pool,
    ...change,
  };
}

/** Resolves after `delayMs` of the clock, or at once when the signal is aborted. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    const stop = () => {
      timer.cancel();
      resolve();
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** A uniform scalar of BLS12-381, 32 bytes, not zero: drawn again until it is below the order (about 1.1 draws). */
export function randomScalar(random: Random): Uint8Array {
  for (;;) {
    const bytes = random.bytes(32);
    bytes[0] = bytes[0]! & 0x7f;
    const value = bigintFromBytes(bytes);
    if (value !== 0n && value < SCALAR_ORDER) return bytes;
  }
}
