import type { EngineMessage } from "@consilium/consensus";
import type { BlockHeader, Certificate } from "@consilium/protocol";
import type { SimulatedClock } from "./clock.js";
import type { SeededRandom } from "./random.js";

/** What travels between simulated nodes. Bodies go their own way, as gossip does, and may come later than votes. */
export type Wire =
  | { readonly kind: "engine"; readonly message: EngineMessage }
  | { readonly kind: "body"; readonly header: BlockHeader }
  | { readonly kind: "work" }
  | { readonly kind: "askBody"; readonly digest: Uint8Array }
  | { readonly kind: "askCertificates"; readonly fromView: number; readonly toView: number }
  | { readonly kind: "askBlocks"; readonly fromHeight: number }
  | {
      readonly kind: "blocks";
      readonly headers: readonly BlockHeader[];
      readonly finalization: Certificate | undefined;
    };

export interface LinkQuality {
  readonly delayMs: readonly [number, number];
  readonly loss: number;
  readonly duplication: number;
}

/** Directed links that are cut now: `from>to`. */
export class SimulatedNetwork {
  quality: LinkQuality;
  readonly #cut = new Set<string>();
  readonly #receivers: ((from: number, wire: Wire) => void | Promise<void>)[] = [];
  sent = 0;

  constructor(
    private readonly clock: SimulatedClock,
    private readonly random: SeededRandom,
    quality: LinkQuality,
  ) {
    this.quality = quality;
  }

  attach(node: number, receive: (from: number, wire: Wire) => void | Promise<void>): void {
    this.#receivers[node] = receive;
  }

  /** Loses, delays, duplicates; unequal delays reorder. A cut link loses what is sent while it is cut. */
  send(from: number, to: number, wire: Wire): void {
    this.sent += 1;
    const copies = this.random.chance(this.quality.duplication) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delayMs = this.random.between(...this.quality.delayMs);
      const lost = this.random.chance(this.quality.loss);
      if (lost || this.#cut.has(`${from}>${to}`)) continue;
      this.clock.after(delayMs, () => this.#receivers[to]?.(from, wire));
    }
  }

  /** Cuts all links from one group to the other, in one or both directions. */
  cut(left: readonly number[], right: readonly number[], oneWay: boolean): void {
    for (const a of left) {
      for (const b of right) {
        this.#cut.add(`${a}>${b}`);
        if (!oneWay) this.#cut.add(`${b}>${a}`);
      }
    }
  }

  heal(): void {
    this.#cut.clear();
  }
}
