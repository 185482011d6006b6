import { existsSync } from "node:fs";
import { join } from "node:path";
import { toHex } from "@consilium/crypto";
import { writeDurably } from "../keys/index.js";

/**
 * Remembers beside the vote key on which chains it voted. The safety record lies in the data folder; when that folder is
 * moved away, as after damage on disk, a fresh one would let the key vote anew in views in which it voted already.
 */
export class VotedMarks {
  /** @param keystoreDir the folder of the node's keystores. */
  constructor(private readonly keystoreDir: string) {}

  has(chainId: Uint8Array): boolean {
    return existsSync(this.pathOf(chainId));
  }

  /** Durable when it returns. Call after the chain's safety record is written and before its first vote. */
  add(chainId: Uint8Array): void {
    if (!this.has(chainId)) writeDurably(this.pathOf(chainId), `${toHex(chainId)}\n`);
  }

  private pathOf(chainId: Uint8Array): string {
    return join(this.keystoreDir, `voted-${toHex(chainId).slice(0, 16)}`);
  }
}
