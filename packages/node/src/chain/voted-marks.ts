import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ConsiliumError, toHex } from "@consilium/crypto";
import type { StartMark } from "@consilium/driver";
import { writeDurably } from "../keys/index.js";

/**
 * Remembers beside the vote key on which chains it voted, and for each a number that only grows. The safety record lies in
 * the data folder; when that folder is moved away, as after damage on disk, a fresh one would let the key vote anew in
 * views in which it voted already. When it is put back from an older copy, the number in it is behind the one here.
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

  /** The number of a chain, durable in `starts-<chain>`. `read` throws `START_MARK_CORRUPT`. */
  startMark(chainId: Uint8Array): StartMark {
    const path = this.pathOf(chainId, "starts");
    return {
      read: () => (existsSync(path) ? numberIn(path) : 0),
      write: (mark) => writeDurably(path, `${mark}\n`),
    };
  }

  private pathOf(chainId: Uint8Array, kind = "voted"): string {
    return join(this.keystoreDir, `${kind}-${toHex(chainId).slice(0, 16)}`);
  }
}

function numberIn(path: string): number {
  const text = readFileSync(path, "utf8").trim();
  const mark = Number(text);
  if (/^[0-9]+$/.test(text) && Number.isSafeInteger(mark)) return mark;
  throw new ConsiliumError(
    "START_MARK_CORRUPT",
    `${path} is damaged, so nobody can tell whether the data folder is this node's newest. Restore the file, or remove it only if you are sure of the data folder.`,
    { path },
  );
}
