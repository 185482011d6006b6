import { toHex } from "@consilium/crypto";
import { limits, Role, type StateReader } from "@consilium/protocol";
import { type Envelope, nextNonce } from "./envelope.js";
import { ensure } from "./rules.js";

/** What accounts come to inside one block: their nonces, and how many transactions they sent. */
export class SenderRun {
  private readonly counts = new Map<string, number>();

  constructor(private readonly state: StateReader) {}

  readonly nextNonce = (sender: Uint8Array): number => nextNonce(this.state, sender) + this.countOf(sender);

  /** @throws ConsiliumError `TX_QUOTA` for one more of a user who filled its part of the block; members have no part. */
  check({ sender, signed }: Envelope): void {
    if (sender?.role === Role.member) return;
    ensure(this.countOf(signed.transaction.sender) < limits.transactionsPerUserPerBlock, "TX_QUOTA");
  }

  take({ signed }: Envelope): void {
    const { sender } = signed.transaction;
    this.counts.set(toHex(sender), this.countOf(sender) + 1);
  }

  private countOf(sender: Uint8Array): number {
    return this.counts.get(toHex(sender)) ?? 0;
  }
}
