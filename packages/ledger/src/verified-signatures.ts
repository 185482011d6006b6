import { concat, ed25519Verify, sha256, toHex } from "@consilium/crypto";
import { limits } from "@consilium/protocol";

/**
 * Signatures that held, so that a transaction is verified once on its way from the pool through a proposal into a
 * vote. Only what verified is remembered, under everything the answer depends on: it changes speed and nothing else.
 */
export class VerifiedSignatures {
  private readonly held = new Set<string>();

  /** As many as a pool may hold; the oldest go first. */
  constructor(private readonly countMax: number = limits.mempoolTransactions) {}

  /** Whether the Ed25519 signature holds for these exact bytes under this key. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    const name = toHex(sha256(concat(publicKey, signature, message)));
    if (this.held.has(name)) return true;
    if (!ed25519Verify(publicKey, message, signature)) return false;
    if (this.held.size >= this.countMax) this.held.delete(this.held.values().next().value!);
    this.held.add(name);
    return true;
  }
}
