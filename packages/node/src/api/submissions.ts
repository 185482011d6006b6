import { toHex } from "@consilium/crypto";
import type { Transaction } from "@consilium/protocol";

interface Submission {
  readonly account: string;
  readonly nonce: number;
  readonly expiryHeight: number;
}

const SUBMISSIONS_MAX = 20_000;

/** Transactions that this API handed to the chain and that are not final yet; a bounded number, oldest out first. */
export class Submissions {
  readonly #byId = new Map<string, Submission>();

  add(id: Uint8Array, { sender, nonce, expiryHeight }: Transaction): void {
    const oldest = this.#byId.size >= SUBMISSIONS_MAX ? this.#byId.keys().next().value : undefined;
    if (oldest !== undefined) this.#byId.delete(oldest);
    this.#byId.set(toHex(id), { account: toHex(sender), nonce, expiryHeight });
  }

  isPending(id: Uint8Array, height: number): boolean {
    const submission = this.#byId.get(toHex(id));
    return submission !== undefined && height <= submission.expiryHeight;
  }

  /** What a finalized block settled, and what it left behind by height. */
  settle(ids: readonly Uint8Array[], height: number): void {
    for (const id of ids) this.#byId.delete(toHex(id));
    for (const [id, { expiryHeight }] of this.#byId) if (expiryHeight < height) this.#byId.delete(id);
  }

  /** The account's next nonce, counting what it has under way. */
  nextNonce(account: Uint8Array, inState: number): number {
    const name = toHex(account);
    let next = inState;
    for (const submission of this.#byId.values()) {
      if (submission.account === name) next = Math.max(next, submission.nonce + 1);
    }
    return next;
  }
}
