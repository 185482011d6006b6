import { inlineVoteVerifier } from "@consilium/consensus";
import { toHex, utf8 } from "@consilium/crypto";
import { type Curve, createCurveVoteSuite, InlineCryptoPool, loadCurve } from "@consilium/crypto/curve";
import {
  type Block,
  type Certificate,
  ChainKind,
  digestOf,
  epochOfHeight,
  type Genesis,
  payloadRootOf,
  presets,
  type StateReader,
} from "@consilium/protocol";
import { type Application, createAllianceLedger, type LedgerEvent, queries } from "../../src/index.js";
import { Actor } from "./actors.js";
import { MemoryState } from "./memory-state.js";
import { Seeded } from "./random.js";

/** Four hospitals in order of their node ids, which is the order of validators with equal stakes. */
const makeHospitals = (): Actor[] =>
  ["north", "east", "south", "west"]
    .map((name) => new Actor(`hospital ${name}`))
    .sort((left, right) => (toHex(left.key) < toHex(right.key) ? -1 : 1));

export function makeGenesis(overrides: Partial<Genesis> = {}): Genesis {
  return {
    version: 1,
    kind: ChainKind.alliance,
    name: new Uint8Array([0x74]),
    timeMs: 1_700_000_000_000,
    parameters: { ...presets.devnet, ceremonyWindowHeights: 20 },
    seats: 4,
    members: makeHospitals().map((hospital) => ({
      name: utf8(hospital.name),
      nodeKey: hospital.key,
      exchangeKey: hospital.exchangeKey,
      voteKey: new Uint8Array(48),
      votePossession: new Uint8Array(96),
      stake: 100,
    })),
    keyCentre: [0, 1, 2, 3],
    allianceChainId: new Uint8Array(32),
    ...overrides,
  };
}

/** What a block may have besides transactions. */
export interface BlockExtra {
  readonly facts?: readonly Certificate[];
  readonly author?: Uint8Array;
}

export interface BlockOutcome {
  readonly codes: readonly string[];
  readonly events: readonly LedgerEvent[];
  readonly block: Block;
}

/** One chain under test: applies blocks as a node does, and keeps them for replay. */
export class TestChain {
  readonly state = new MemoryState();
  readonly blocks: Block[] = [];
  readonly roots: Uint8Array[] = [];
  timeMs: number;
  height = 0;

  private constructor(
    readonly app: Application,
    readonly curve: Curve,
    readonly genesis: Genesis,
    readonly members: readonly Actor[],
  ) {
    this.timeMs = genesis.timeMs;
  }

  get id(): Uint8Array {
    return this.app.chainId;
  }

  static async start(
    make: typeof createAllianceLedger = createAllianceLedger,
    genesis: Genesis = makeGenesis(),
    members: readonly Actor[] = makeHospitals(),
  ): Promise<TestChain> {
    const curve = await loadCurve({ backend: "mcl" });
    const verifier = inlineVoteVerifier(createCurveVoteSuite(curve), new Seeded("weights"));
    const app = make(genesis, new InlineCryptoPool(curve), { verifier });
    const chain = new TestChain(app, curve, genesis, members);
    const first = await chain.app.genesisChanges();
    chain.state.apply(first.changes);
    chain.roots.push(first.stateRoot);
    return chain;
  }

  member(index: number): Actor {
    return this.members[index]!;
  }

  /** Makes the next block. */
  makeBlock(transactions: Uint8Array[], stepMs = 1_000, extra: BlockExtra = {}): Block {
    const payload = { transactions, facts: [...(extra.facts ?? [])] };
    const { header: genesisHeader } = this.app.genesisBlock();
    const height = this.height + 1;
    const header = {
      ...genesisHeader,
      epoch: epochOfHeight(height, this.genesis.parameters.epochLengthHeights),
      height,
      parentDigest: digestOf(this.blocks.at(-1)?.header ?? genesisHeader),
      author: extra.author ?? genesisHeader.author,
      timestampMs: this.timeMs + stepMs,
      payloadRoot: payloadRootOf(payload),
      stateRoot: this.roots.at(-1)!,
    };
    return { header, payload };
  }

  /** Checks and applies one block; every transaction in it must be includable. */
  async block(
    transactions: Uint8Array[] = [],
    stepMs = 1_000,
    extra: BlockExtra = {},
  ): Promise<BlockOutcome> {
    const block = this.makeBlock(transactions, stepMs, extra);
    const verdict = await this.app.checkPayload(this.state, block);
    if (verdict.kind !== "valid") throw new Error(`not includable: ${verdict.code}`);
    return this.applyBlock(block);
  }

  async applyBlock(block: Block): Promise<BlockOutcome> {
    const execution = await this.app.applyBlock(this.state, block);
    this.state.apply(execution.changes);
    this.blocks.push(block);
    this.roots.push(execution.stateRoot);
    this.height = block.header.height;
    this.timeMs = block.header.timestampMs;
    return { codes: execution.results.map(({ code }) => code), events: execution.events, block };
  }

  /** The code of one transaction in a block of its own. */
  async send(transaction: Uint8Array, stepMs = 1_000): Promise<string> {
    const { codes } = await this.block([transaction], stepMs);
    return codes[0]!;
  }

  /** What a mempool is told about a transaction now. */
  async verdict(transaction: Uint8Array): Promise<string> {
    const context = { height: this.height + 1, timestampMs: this.timeMs + 1_000 };
    const verdict = await this.app.checkTransaction(this.state, transaction, context);
    return verdict.kind === "valid" ? "valid" : `${verdict.kind} ${verdict.code}`;
  }

  async advanceTo(height: number): Promise<void> {
    while (this.height < height) await this.block();
  }

  /** State values that a refused transaction may touch: its nonce, its result, the tip, and the tree over them. */
  meaning(): string {
    const bookkeeping = ["02", "11", "60", "61", "70", "71"];
    return [...this.state.entries]
      .filter(([key]) => !bookkeeping.includes(key.slice(0, 2)))
      .map(([key, value]) => `${key}=${value.join()}`)
      .sort()
      .join("\n");
  }

  /** Sends a transaction that must be refused, and checks that nothing but its code came of it. */
  async refused(transaction: Uint8Array, stepMs = 1_000): Promise<string> {
    const before = this.meaning();
    const { codes, events } = await this.block([transaction], stepMs);
    if (this.meaning() !== before) throw new Error(`refusal ${codes[0]} changed the state`);
    if (events.length > 0) throw new Error(`refusal ${codes[0]} reported events`);
    return codes[0]!;
  }
}

/** The state root that a state commits to. */
export const rootOf = (state: StateReader): Uint8Array => queries.stateRoot(state);
