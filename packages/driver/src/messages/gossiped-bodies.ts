import { type Input, validatorIndexOf } from "@consilium/consensus";
import {
  Block,
  type Clock,
  decodeStrict,
  epochOfHeight,
  fault,
  ignore,
  limits,
  type Verdict,
} from "@consilium/protocol";
import type { EpochBook } from "../epochs/epoch-book.js";
import type { BlockTree } from "../tree/block-tree.js";
import { checkBody } from "../tree/body-check.js";
import { PeerBudget } from "./peer-budget.js";
import type { GossipAnswer, PeerDesk } from "./peer-desk.js";

/**
 * Gossiped bodies of one peer that are looked at: in a burst, and per second. Many times what a chain makes; a body that
 * is left out is asked for by digest.
 */
const BODIES_AT_ONCE_MAX = 64;
const BODIES_PER_SECOND_MAX = 32;
/**
 * A large body counts as several: hashing a full one takes tens of milliseconds, and anybody can make one up. Four full
 * ones a second are left.
 */
const BYTES_PER_BODY = 256 * 1024;

export interface GossipedBodiesOptions {
  readonly chainId: Uint8Array;
  readonly clock: Clock;
  readonly desk: PeerDesk;
  readonly tree: BlockTree;
  readonly epochs: EpochBook;
  readonly tipHeight: () => number;
  readonly enqueue: (input: Input) => void;
}

/** Bodies that gossip brings. They are unsigned, so a bounded number of near ones is kept; the engine asks for others. */
export class GossipedBodies {
  private readonly budget: PeerBudget;

  constructor(private readonly options: GossipedBodiesOptions) {
    this.budget = new PeerBudget(options.clock, BODIES_AT_ONCE_MAX, BODIES_PER_SECOND_MAX);
  }

  take(from: string, message: Uint8Array): GossipAnswer {
    const { desk } = this.options;
    if (!this.budget.take(from, Math.max(1, Math.ceil(message.length / BYTES_PER_BODY))))
      return desk.judge(from, ignore("BLOCK_QUOTA", "too many bodies come from this peer"));
    const decoded = desk.decode(() => decodeStrict(Block, message, "block"));
    if (decoded.kind !== "valid") return desk.judge(from, decoded);
    return desk.judge(from, this.keep(decoded.value));
  }

  private keep(block: Block): Verdict<unknown> {
    const { tipHeight, epochs, chainId, tree, enqueue } = this.options;
    const { height, author, epoch } = block.header;
    const above = height - tipHeight();
    if (above < 1 || above > 2 * limits.unfinalizedBlocks)
      return ignore("BLOCK_FAR_AWAY", "its height is not near");
    if (epoch !== epochOfHeight(height, epochs.lengthHeights))
      return fault("BLOCK_WRONG_EPOCH", "its height is of another epoch than it says");
    const set = epochs.setOf(epoch);
    if (set === undefined || validatorIndexOf(set, author) === undefined)
      return ignore("BLOCK_STRANGE_AUTHOR", "not a validator's");
    const verdict = checkBody(block, chainId);
    if (verdict.kind !== "valid") return verdict;
    tree.add(block, verdict.value);
    enqueue({ kind: "bodyArrived", header: block.header });
    return verdict;
  }
}
