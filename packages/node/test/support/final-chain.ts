import type { Curve } from "@consilium/crypto/curve";
import { loadMclCurve } from "@consilium/crypto/curve";
import type { Chain } from "@consilium/driver";
import { ChainAnchor, type StateReader, TransactionKind } from "@consilium/protocol";
import { Actor } from "../../../ledger/test/support/actors.js";
import type { TestChain } from "../../../ledger/test/support/chain.js";
import type { Hospital } from "../chain/harness.js";

const TIMEOUT = { timeoutMs: 60_000 };

/**
 * A chain of running nodes, as the ledger's test actors see a chain: they read its state and put transactions into it,
 * here through consensus, by the node of the first hospital.
 */
export class FinalChain {
  private anchors = 0;

  private constructor(
    readonly chain: Chain,
    readonly members: readonly Actor[],
    readonly curve: Curve,
  ) {}

  static async of(chain: Chain, hospitals: readonly Hospital[]): Promise<FinalChain> {
    const members = hospitals.map(({ nodeSecret, nodeId }, place) =>
      Object.assign(new Actor(`hospital ${place}`), { secret: nodeSecret, key: nodeId }),
    );
    return new FinalChain(chain, members, await loadMclCurve());
  }

  /** For what is written for the chain of the ledger's own tests; only what is here may be used. */
  get forActors(): TestChain {
    return this as unknown as TestChain;
  }

  get id(): Uint8Array {
    return this.chain.chainId;
  }

  get state(): StateReader {
    return this.chain.state();
  }

  get height(): number {
    return this.chain.finalized().height;
  }

  get timeMs(): number {
    return this.chain.finalized().timestampMs;
  }

  member(index: number): Actor {
    return this.members[index]!;
  }

  /** Makes transactions final, in one block or several, and gives their codes; without any, one block more. */
  async block(transactions: readonly Uint8Array[] = []): Promise<{ readonly codes: readonly string[] }> {
    const sent = transactions.length === 0 ? [this.anchor()] : transactions;
    const codes = await Promise.all(sent.map((each) => this.send(each)));
    return { codes };
  }

  async send(transaction: Uint8Array): Promise<string> {
    const { id, accepted, code } = await this.chain.submit(transaction);
    if (!accepted || id === undefined) return code;
    return (await this.chain.whenFinalized(id, TIMEOUT)).code;
  }

  async growTo(height: number): Promise<void> {
    while (this.height < height) await this.block();
  }

  /** The smallest transaction there is. */
  private anchor(): Uint8Array {
    const hospital = this.member(0);
    const payload = { chainId: hospital.key, height: ++this.anchors, digest: hospital.key };
    return hospital.transaction(this.id, TransactionKind.chainAnchor, ChainAnchor, payload);
  }
}
