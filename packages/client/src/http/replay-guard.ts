import { ConsiliumError } from "@consilium/crypto";
import type { VerifiedRequest } from "./signature.js";

/**
 * Remembers the nonces of signed requests until their window has passed, so that each request counts once.
 * It holds at most `capacity` nonces; beyond that it refuses rather than forgets.
 */
export class ReplayGuard {
  readonly #expiryMs = new Map<string, number>();

  constructor(private readonly capacity = 100_000) {}

  /**
   * Claims the nonce of a verified request. Throws `AUTH_REPLAYED` when it was seen, `BUSY` when the guard is full.
   */
  claim(request: Pick<VerifiedRequest, "keyId" | "nonce" | "expiresAtMs">, nowMs: number): void {
    const name = `${request.keyId}:${request.nonce}`;
    if ((this.#expiryMs.get(name) ?? -1) >= nowMs) {
      throw new ConsiliumError("AUTH_REPLAYED", "This signed request was already used; sign a new one.");
    }
    if (this.#expiryMs.size >= this.capacity) this.#forgetExpired(nowMs);
    if (this.#expiryMs.size >= this.capacity) {
      throw new ConsiliumError("BUSY", "Too many signed requests in one minute; try again shortly.");
    }
    this.#expiryMs.delete(name);
    this.#expiryMs.set(name, request.expiresAtMs);
  }

  #forgetExpired(nowMs: number): void {
    for (const [name, expiryMs] of this.#expiryMs) {
      if (expiryMs < nowMs) this.#expiryMs.delete(name);
    }
  }
}
