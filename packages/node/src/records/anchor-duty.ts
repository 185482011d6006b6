import { codeOf } from "@consilium/crypto";
import type { Chain } from "@consilium/driver";
import { queries } from "@consilium/ledger";
import { ChainAnchor, type Log, TransactionKind } from "@consilium/protocol";
import type { TransactionSender } from "./transaction-sender.js";

/**
 * Anchors the private chain on the alliance chain, so that a hospital cannot rewrite its own past. Each block with
 * transactions is anchored by itself or by a later block, which binds it through parent digests; idle blocks wait for
 * the next one that holds something.
 */
export class AnchorDuty {
  #wantedHeight = 0;
  #busy = false;
  #unsubscribe: (() => void)[] = [];

  constructor(
    private readonly alliance: Chain,
    private readonly own: Chain,
    private readonly sender: TransactionSender,
    private readonly nodeKey: Uint8Array,
    private readonly log: Log,
  ) {}

  start(): void {
    this.#wantedHeight = this.#newestWithContent();
    this.#unsubscribe = [
      this.own.onFinalized(({ block, tip }) => {
        if (block.payload.transactions.length > 0) this.#wantedHeight = tip.height;
        void this.#anchor();
      }),
      this.alliance.onFinalized(() => void this.#anchor()),
    ];
    void this.#anchor();
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  /** After a restart: the newest block with transactions that no anchor covers. */
  #newestWithContent(): number {
    const anchored = this.#anchoredHeight();
    for (let height = this.own.finalized().height; height > anchored; height--) {
      if ((this.own.blockAt(height)?.payload.transactions.length ?? 0) > 0) return height;
    }
    return anchored;
  }

  #anchoredHeight(): number {
    return queries.anchorOfMember(this.alliance.state(), this.nodeKey)?.height ?? 0;
  }

  async #anchor(): Promise<void> {
    if (!queries.isMember(this.alliance.state(), this.nodeKey)) return;
    if (this.#busy || this.#wantedHeight <= this.#anchoredHeight()) return;
    this.#busy = true;
    const { height, digest } = this.own.finalized();
    try {
      const payload = ChainAnchor.serialize({ chainId: this.own.chainId, height, digest });
      await this.sender.send(TransactionKind.chainAnchor, payload);
      this.log.debug({ height }, "private-chain.anchored");
    } catch (error) {
      // The next block of either chain tries again.
      this.log.warn({ height, code: codeOf(error) }, "private-chain.anchor-failed");
    } finally {
      this.#busy = false;
    }
  }
}
