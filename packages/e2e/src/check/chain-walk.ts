import { type BlockView, routes } from "@consilium/client";
import { codeOf } from "@consilium/crypto";
import type { RunNode } from "../cluster/cluster.js";
import { answered } from "./answered.js";
import type { Witness } from "./witness.js";

export interface WalkResult {
  /** Blocks compared, over all nodes. */
  readonly blocksChecked: number;
  /** Blocks that a node does not hold because it was wiped or joined late, and took over a snapshot above them. */
  readonly blocksNotHeld: number;
}

/** Blocks asked of one node at a time. */
const AT_ONCE = 8;
const RETRY_FOR_MS = 20_000;

/**
 * Walks the alliance chain of every node from its first block up to a height: equal digests at every height on all
 * nodes and in every earlier report, each block on top of the one before, each transaction in one block only, and every
 * transaction that was reported final in the block it was reported in.
 */
export async function walkChains(
  nodes: readonly RunNode[],
  witness: Witness,
  upTo: number,
  isLate: (name: string) => boolean,
): Promise<WalkResult> {
  const agreed: (BlockView | undefined)[] = [];
  let [blocksChecked, blocksNotHeld] = [0, 0];
  for (const node of nodes) {
    const mayLack = node.wipes > 0 || isLate(node.name);
    const compare = async (height: number) => {
      const block = await blockAt(node, height);
      if (block === undefined) {
        blocksNotHeld += 1;
        if (!mayLack)
          witness.violated("BLOCK_LOST", `${node.name} does not hold final block ${height} any more.`);
        return;
      }
      blocksChecked += 1;
      witness.block(node.name, height, block.digest);
      agreed[height] ??= block;
    };
    await forEachHeight(upTo, (height) => answered(node, witness, () => compare(height)));
  }
  checkLinks(agreed, upTo, witness);
  checkTransactions(agreed, upTo, witness);
  return { blocksChecked, blocksNotHeld };
}

function checkLinks(blocks: readonly (BlockView | undefined)[], upTo: number, witness: Witness): void {
  for (let height = 1; height <= upTo; height++) {
    const [block, parent] = [blocks[height], blocks[height - 1]];
    if (block === undefined) witness.violated("BLOCK_LOST", `No node holds final block ${height}.`);
    else if (parent !== undefined && block.parentDigest !== parent.digest)
      witness.violated("HEIGHT_DISAGREES", `Block ${height} does not stand on block ${height - 1}.`);
  }
}

function checkTransactions(blocks: readonly (BlockView | undefined)[], upTo: number, witness: Witness): void {
  const heightOf = new Map<string, number>();
  for (const block of blocks) {
    for (const id of block?.transactions ?? []) {
      const before = heightOf.get(id);
      if (before !== undefined) {
        const sentence = `Transaction ${id} stands in block ${before} and again in block ${block!.height}.`;
        witness.violated("TRANSACTION_DOUBLED", sentence);
      }
      heightOf.set(id, block!.height);
    }
  }
  for (const [id, { height }] of witness.transactions) {
    if (height > upTo || heightOf.get(id) === height) continue;
    const found = heightOf.get(id);
    const where = found === undefined ? "in no block" : `in block ${found}`;
    witness.violated(
      "TRANSACTION_LOST",
      `Transaction ${id} was reported final at height ${height} and stands ${where}.`,
    );
  }
}

async function blockAt(node: RunNode, height: number): Promise<BlockView | undefined> {
  try {
    return await node.api.call(routes.block, { height }, undefined, { retryForMs: RETRY_FOR_MS });
  } catch (error) {
    if (codeOf(error) === "BLOCK_UNKNOWN") return undefined;
    throw error;
  }
}

async function forEachHeight(upTo: number, work: (height: number) => Promise<void>): Promise<void> {
  let next = 1;
  const worker = async () => {
    while (next <= upTo) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
