import { scrypt } from "node:crypto";
import { type CryptoPool, createCryptoPool, type KeystorePlatform, nobleAead } from "@consilium/crypto";
import { type ClientPorts, memoryWalletStorage, portablePorts, type WalletOptions } from "../../src/index.js";
import { seededRandom } from "./random.js";

/** Native scrypt, so that tests do not spend their time in the portable one. */
export const keystorePlatform: KeystorePlatform = {
  aead: nobleAead,
  scrypt: (password, salt, { n, r, p, sizeBytes }) =>
    new Promise((resolve, reject) => {
      scrypt(password, salt, sizeBytes, { N: n, r, p, maxmem: 256 * n * r }, (error, key) =>
        error === null ? resolve(Uint8Array.from(key)) : reject(error),
      );
    }),
};

/** A clock on which every timer that is due in the future fires at once: waiting takes no time. */
export class QuickClock {
  #nowMs = 1_700_000_000_000;
  nowMs(): number {
    return this.#nowMs;
  }
  /** Moves time on without a timer. */
  pass(ms: number): void {
    this.#nowMs += ms;
  }
  setTimer(delayMs: number, callback: () => void) {
    // Limits of single attempts (40 s) never fire here: only pauses between attempts do.
    if (delayMs >= 40_000) return { cancel: () => undefined };
    let isCancelled = false;
    setImmediate(() => {
      if (isCancelled) return;
      this.#nowMs += delayMs;
      callback();
    });
    return {
      cancel: () => {
        isCancelled = true;
      },
    };
  }
}

let pool: Promise<CryptoPool> | undefined;

export async function testPorts(
  fetchPort: typeof fetch,
  clock: QuickClock,
  seed: string,
): Promise<ClientPorts> {
  pool ??= createCryptoPool();
  return portablePorts(await pool, { fetch: fetchPort, clock, random: seededRandom(seed) });
}

export function testWallet(
  seed: string,
): WalletOptions & { storage: ReturnType<typeof memoryWalletStorage> } {
  const random = seededRandom(`wallet ${seed}`);
  return {
    storage: memoryWalletStorage(),
    password: "pw",
    random,
    cost: 2 ** 15,
    platform: keystorePlatform,
  };
}
