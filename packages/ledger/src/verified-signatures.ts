import { concat, ed25519Verify, sha256, toHex } from "@consilium/crypto";
import { limits } from "@consilium/protocol";

/** Ed25519 verification as a port: whoever runs many nodes in one process lets them share what was verified. */
export interface SignatureCheck {
  /** Whether the signature (64 bytes) holds for the message under the key (32 bytes); never throws. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** The crypto package's own. */
export const ed25519Check: SignatureCheck = { verify: ed25519Verify };

/**
 * Signatures that held, so that a transaction is verified once on its way from the pool through a proposal into a
 * vote. Only what verified is remembered, under everything the answer depends on: it changes speed and nothing else.
 */
export class VerifiedSignatures {
  private readonly held = new Set<string>();

  /** As many as a pool may hold; the oldest go first. */
  constructor(
    private readonly check: SignatureCheck = ed25519Check,
    private readonly countMax: number = limits.mempoolTransactions,
  ) {}

  /** Whether the Ed25519 signature holds for these exact bytes under this key. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    const name = toHex(sha256(concat(publicKey, signature, message)));
    if (this.held.has(name)) return true;
    if (!this.check.verify(publicKey, message, signature)) return false;
    if (this.held.size >= this.countMax) this.held.delete(this.held.values().next().value!);
    this.held.add(name);
    return true;
  }
}
