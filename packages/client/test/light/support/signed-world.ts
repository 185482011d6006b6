import type { ValidatorSet } from "@consilium/consensus";
import { utf8 } from "@consilium/crypto";
import { MemoryState } from "../../../../ledger/test/support/memory-state.js";
import { makeWorld, type World } from "../../../../ledger/test/support/people.js";
import type { Checkpoint } from "../../../src/index.js";
import { HonestSource, type ServedBlock } from "./served-chain.js";
import type { Signers } from "./signers.js";

const NAMES = ["north", "east", "south", "west"];

/** The ledger's test world, with people, records and grants, under finalizations of four validators. */
export class SignedWorld {
  readonly blocks: ServedBlock[] = [];

  private constructor(
    readonly world: World,
    readonly set: ValidatorSet,
    private readonly signers: Signers,
  ) {}

  static async make(signers: Signers): Promise<SignedWorld> {
    const set = NAMES.map((name) => ({ nodeId: utf8(name.padEnd(32)), voteKey: signers.keyOf(name) }));
    return new SignedWorld(await makeWorld(), set, signers);
  }

  /** A world's genesis has no vote keys, so clients start from a checkpoint before its first block. */
  get checkpoint(): Checkpoint {
    const { id, genesis } = this.world.chain;
    const lengthHeights = genesis.parameters.epochLengthHeights;
    const start = { epoch: 0, height: 0, digest: new Uint8Array(32), timeMs: genesis.timeMs };
    return { chainId: id, lengthHeights, set: this.set, ...start };
  }

  /** Puts transactions into one final block. */
  async block(transactions: Uint8Array[] = []): Promise<readonly string[]> {
    const { chain } = this.world;
    const state = new MemoryState();
    for (const [key, value] of chain.state.entries) state.entries.set(key, value);
    const { codes, block } = await chain.block(transactions);
    const names = new Map(NAMES.slice(0, 3).entries());
    const finalization = await this.signers.finalize(block.header, this.set, names);
    this.blocks.push({ header: block.header, finalization, state });
    return codes;
  }

  /** A node at the newest block made here, or some blocks behind it. */
  source(name: string, behind = 0): HonestSource {
    return new HonestSource(name, this.blocks, [], this.blocks.length - behind);
  }
}
