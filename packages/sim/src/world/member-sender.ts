import { accountId, ed25519Sign, toHex } from "@consilium/crypto";
import type { Chain } from "@consilium/driver";
import { queries } from "@consilium/ledger";
import {
  SignedTransaction,
  type Transaction,
  type TransactionKind,
  transactionIdOf,
  transactionSigningBytes,
} from "@consilium/protocol";
import type { NodeKey } from "./node-keys.js";

const EXPIRY_HEIGHTS = 200;
/** Heights without the transaction after which it is handed in again. */
const AGAIN_AFTER_HEIGHTS = 4;

interface Waiting {
  readonly kind: TransactionKind;
  readonly payload: Uint8Array;
  nonce: number;
  id: string;
  encoded: Uint8Array;
  submittedHeight: number;
}

/**
 * A member's own transactions, one at a time: the next is signed once the one before it is final. What gets lost is
 * handed in again; what turns out refused is given up.
 */
export class MemberSender {
  private readonly account: Uint8Array;
  private readonly queue: { readonly kind: TransactionKind; readonly payload: Uint8Array }[] = [];
  private waiting: Waiting | undefined;
  private busy = false;

  constructor(
    private readonly chain: Chain,
    private readonly key: NodeKey,
  ) {
    this.account = accountId(chain.chainId, key.publicKey);
    chain.onFinalized(() => void this.work());
  }

  /** How many wait, the one under way included. */
  get backlog(): number {
    return this.queue.length + (this.waiting === undefined ? 0 : 1);
  }

  send(kind: TransactionKind, payload: Uint8Array): void {
    this.queue.push({ kind, payload });
    void this.work();
  }

  private async work(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      await this.advance();
    } finally {
      this.busy = false;
    }
  }

  private async advance(): Promise<void> {
    const nextNonce = queries.nextNonces(this.chain.state(), this.account).envelope;
    if (this.waiting !== undefined && nextNonce > this.waiting.nonce) this.waiting = undefined;
    const { height } = this.chain.finalized();
    if (this.waiting === undefined) {
      const next = this.queue.shift();
      if (next === undefined) return;
      this.waiting = this.sign(next.kind, next.payload, nextNonce, height);
    } else if (height - this.waiting.submittedHeight < AGAIN_AFTER_HEIGHTS) {
      return;
    }
    this.waiting.submittedHeight = height;
    const answer = await this.chain.submit(this.waiting.encoded);
    // Refused for good, or overtaken by one that an earlier run of the node sent: the next one takes its turn.
    if (!answer.accepted && answer.code !== "MEMPOOL_FULL") this.waiting = undefined;
  }

  private sign(kind: TransactionKind, payload: Uint8Array, nonce: number, height: number): Waiting {
    const transaction: Transaction = {
      chainId: this.chain.chainId,
      kind,
      sender: this.account,
      nonce,
      expiryHeight: height + EXPIRY_HEIGHTS,
      payload,
    };
    const signature = ed25519Sign(this.key.secretKey, transactionSigningBytes(transaction));
    const encoded = SignedTransaction.serialize({ transaction, signature });
    return {
      kind,
      payload,
      nonce,
      id: toHex(transactionIdOf(transaction)),
      encoded,
      submittedHeight: height,
    };
  }
}
