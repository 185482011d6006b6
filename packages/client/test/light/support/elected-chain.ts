import { type ValidatorSet, validatorIndexOf, validatorSetRoot } from "@consilium/consensus";
import { toHex, utf8 } from "@consilium/crypto";
import { InlineCryptoPool, loadCurve } from "@consilium/crypto/curve";
import { type Application, createAllianceLedger } from "@consilium/ledger";
import {
  type BlockHeader,
  CandidateReady,
  CandidateResign,
  ChainKind,
  digestOf,
  epochOfHeight,
  type Genesis,
  type Handover,
  isBoundaryHeight,
  payloadRootOf,
  presets,
  TransactionKind,
  ZERO_32,
} from "@consilium/protocol";
import { Actor } from "../../../../ledger/test/support/actors.js";
import { MemoryState } from "../../../../ledger/test/support/memory-state.js";
import { HonestSource, type ServedBlock } from "./served-chain.js";
import type { Signers } from "./signers.js";

/** Heights of an epoch: long enough for a first block, transactions and a boundary. */
export const EPOCH_HEIGHTS = 4;
export const START_MS = 1_700_000_000_000;
const STEP_MS = 1_000;

const NAMES = ["north", "east", "south", "west", "coast", "hill", "lake"];

/**
 * The real ledger with elections, its blocks finalized by the real keys of whoever is elected: seven hospitals for four
 * seats. Each epoch one of the seated resigns, so that every set differs from the one before.
 */
export class ElectedChain {
  readonly blocks: ServedBlock[] = [];
  readonly handovers: Handover[] = [];
  private state = new MemoryState();
  private root: Uint8Array = ZERO_32;
  private parent: BlockHeader;

  private constructor(
    readonly app: Application,
    readonly genesis: Genesis,
    readonly hospitals: readonly Actor[],
    private readonly signers: Signers,
    private readonly stepMs: number,
  ) {
    this.parent = app.genesisBlock().header;
  }

  /** `stepMs` between blocks tells histories apart that otherwise hold the same. */
  static async start(signers: Signers, stepMs = STEP_MS): Promise<ElectedChain> {
    const hospitals = NAMES.map((name) => new Actor(`hospital ${name}`));
    const genesis = genesisOf(hospitals, signers);
    const pool = new InlineCryptoPool(await loadCurve({ backend: "mcl" }));
    const app = createAllianceLedger(genesis, pool);
    const chain = new ElectedChain(app, genesis, hospitals, signers, stepMs);
    const first = await app.genesisChanges();
    chain.state.apply(first.changes);
    chain.root = first.stateRoot;
    return chain;
  }

  get height(): number {
    return this.blocks.length;
  }

  setOf(epoch: number): ValidatorSet {
    return this.app.validatorSet(this.state, epoch)!;
  }

  source(name: string, height?: number): HonestSource {
    return new HonestSource(name, this.blocks, this.handovers, height);
  }

  /** Makes blocks up to a height. */
  async growTo(height: number): Promise<void> {
    while (this.height < height) await this.grow();
  }

  /** Who holds the vote keys of a set, by place. */
  namesOf(set: ValidatorSet): Map<number, string> {
    const seats = this.hospitals.flatMap(({ key, name }) => {
      const index = validatorIndexOf(set, key);
      return index === undefined ? [] : [[index, name] as const];
    });
    return new Map(seats);
  }

  private async grow(): Promise<void> {
    const height = this.height + 1;
    const epoch = epochOfHeight(height, EPOCH_HEIGHTS);
    const payload = { transactions: this.transactionsOf(height, epoch), facts: [] };
    const isBoundary = isBoundaryHeight(height, EPOCH_HEIGHTS);
    const set = this.setOf(epoch);
    const header = {
      ...this.app.genesisBlock().header,
      epoch,
      height,
      parentDigest: digestOf(this.parent),
      author: set[0]!.nodeId,
      timestampMs: this.parent.timestampMs + this.stepMs,
      payloadRoot: payloadRootOf(payload),
      stateRoot: this.root,
      nextSetRoot: isBoundary ? validatorSetRoot(this.setOf(epoch + 1)) : ZERO_32,
    };
    const finalization = await this.signers.finalize(header, set, this.namesOf(set));
    const before = this.state;
    if (isBoundary) this.handovers.push({ header, finalization, nextSet: [...this.setOf(epoch + 1)] });
    const { changes, stateRoot, results } = await this.app.applyBlock(before, { header, payload });
    const refused = results.filter(({ code }) => code !== "OK");
    if (refused.length > 0) throw new Error(`refused: ${refused.map(({ code }) => code).join(" ")}`);
    this.state = new MemoryState();
    for (const [key, value] of before.entries) this.state.entries.set(key, value);
    this.state.apply(changes);
    this.root = stateRoot;
    this.parent = header;
    this.blocks.push({ header, finalization, state: before });
  }

  /** In the second block of an epoch all others say that they are up, and the first of the seated resigns. */
  private transactionsOf(height: number, epoch: number): Uint8Array[] {
    if ((height - 1) % EPOCH_HEIGHTS !== 1) return [];
    const seated = this.setOf(epoch + 1)[0]!.nodeId;
    const { chainId } = this.app;
    return this.hospitals.flatMap((hospital) => {
      if (this.resigned.has(hospital.name)) return [];
      const { candidateReady, candidateResign } = TransactionKind;
      if (toHex(hospital.key) !== toHex(seated)) {
        // Genesis counts as a sign of life in epoch 0.
        if (epoch === 0) return [];
        return [hospital.transaction(chainId, candidateReady, CandidateReady, { epoch })];
      }
      this.resigned.add(hospital.name);
      return [hospital.transaction(chainId, candidateResign, CandidateResign, { epoch })];
    });
  }

  private readonly resigned = new Set<string>();
}

function genesisOf(hospitals: readonly Actor[], signers: Signers): Genesis {
  return {
    version: 1,
    kind: ChainKind.alliance,
    name: utf8("test"),
    timeMs: START_MS,
    parameters: { ...presets.devnet, epochLengthHeights: EPOCH_HEIGHTS },
    seats: 4,
    members: hospitals.map(({ name, key, exchangeKey }) => ({
      ...{ name: utf8(name), nodeKey: key, exchangeKey, voteKey: signers.keyOf(name) },
      ...{ votePossession: new Uint8Array(96), stake: 100 },
    })),
    keyCentre: [0, 1, 2, 3],
    allianceChainId: new Uint8Array(32),
  };
}
