import { toHex } from "@consilium/crypto";
import { limits, Role, type StateReader } from "@consilium/protocol";
import { type Envelope, nextNonce } from "./envelope.js";
import { ensure } from "./rules.js";

interface Sent {
  readonly count: number;
  readonly costly: number;
}

const NONE: Sent = { count: 0, costly: 0 };

/** What accounts come to inside one block: their nonces, and how many transactions they sent. */
export class SenderRun {
  private readonly sent = new Map<string, Sent>();

  constructor(private readonly state: StateReader) {}

  readonly nextNonce = (sender: Uint8Array): number =>
    nextNonce(this.state, sender) + this.sentBy(sender).count;

  /**
   * A block is executed before its child can be voted for, so what one account can make everybody compute is bounded.
   * @throws ConsiliumError `TX_QUOTA` for one more of a user who filled its part of the block, or one more that is
   * costly of a member; other transactions of members have no part.
   */
  check({ sender, rule, signed }: Envelope): void {
    const { count, costly } = this.sentBy(signed.transaction.sender);
    if (sender?.role !== Role.member) ensure(count < limits.transactionsPerUserPerBlock, "TX_QUOTA");
    else if (rule.costly) ensure(costly < limits.costlyTransactionsPerMemberPerBlock, "TX_QUOTA");
  }

  take({ rule, signed }: Envelope): void {
    const { sender } = signed.transaction;
    const { count, costly } = this.sentBy(sender);
    this.sent.set(toHex(sender), { count: count + 1, costly: costly + (rule.costly ? 1 : 0) });
  }

  private sentBy(sender: Uint8Array): Sent {
    return this.sent.get(toHex(sender)) ?? NONE;
  }
}
