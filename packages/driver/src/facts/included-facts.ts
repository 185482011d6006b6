import { quorumOfSet } from "@consilium/consensus";
import { toHex } from "@consilium/crypto";
import { type Block, type Certificate, VoteKind } from "@consilium/protocol";
import type { EpochBook } from "../epochs/epoch-book.js";
import { maskOf, signerCount } from "./masks.js";

/** Blocks whose facts are kept read: two rounds of the largest set, and what waits for finality above it. */
const BLOCKS_IN_MEMORY_MAX = 160;

/** What the facts of a chain of blocks say of one view. */
export interface IncludedView {
  /** Whose vote of any kind is included: validator i is bit i. */
  voters: number;
  /** Kinds of which a quorum's fact is included. */
  readonly told: Set<number>;
  /** Height of the first block with a quorum's fact of the view; undefined while it is not open. */
  openedHeight: number | undefined;
}

export const positionName = ({ epoch, view }: { readonly epoch: number; readonly view: number }): string =>
  `${epoch} ${view}`;

interface BlockFacts {
  readonly height: number;
  readonly parentDigest: Uint8Array;
  readonly facts: readonly Certificate[];
}

/** Reads which votes the ancestors of a block have included already, above the finalized tip as below it. */
export class IncludedFacts {
  private readonly blocks = new Map<string, BlockFacts>();

  constructor(
    private readonly body: (digest: Uint8Array) => Block | undefined,
    private readonly epochs: Pick<EpochBook, "setOf">,
  ) {}

  /** By view, from the block with this digest down to `fromHeight`; ends early where a body is not here. */
  upTo(digest: Uint8Array, fromHeight: number): Map<string, IncludedView> {
    const chain: BlockFacts[] = [];
    for (let at = this.factsOf(digest); at !== undefined; at = this.factsOf(at.parentDigest)) {
      if (at.height < Math.max(1, fromHeight)) break;
      chain.push(at);
    }
    const views = new Map<string, IncludedView>();
    for (const { height, facts } of chain.reverse()) for (const fact of facts) this.add(views, fact, height);
    return views;
  }

  private add(views: Map<string, IncludedView>, fact: Certificate, height: number): void {
    const name = positionName(fact);
    const known = views.get(name) ?? { voters: 0, told: new Set<number>(), openedHeight: undefined };
    views.set(name, known);
    known.voters |= maskOf(fact.bitmap);
    const set = this.epochs.setOf(fact.epoch);
    if (set === undefined || signerCount(fact.bitmap) < quorumOfSet(set)) return;
    known.told.add(fact.kind === VoteKind.finalize ? VoteKind.notarize : fact.kind);
    known.openedHeight ??= height;
  }

  private factsOf(digest: Uint8Array): BlockFacts | undefined {
    const name = toHex(digest);
    const known = this.blocks.get(name);
    if (known !== undefined) return known;
    const block = this.body(digest);
    if (block === undefined) return undefined;
    const { height, parentDigest } = block.header;
    const read = { height, parentDigest, facts: block.payload.facts };
    this.blocks.set(name, read);
    const oldest = this.blocks.size > BLOCKS_IN_MEMORY_MAX ? this.blocks.keys().next().value : undefined;
    if (oldest !== undefined) this.blocks.delete(oldest);
    return read;
  }
}
