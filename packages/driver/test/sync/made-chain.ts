import {
  assembleCertificate,
  electGenesisSet,
  inlineVoteVerifier,
  makeHandover,
  quorumOfSet,
  type ValidatorSet,
  type VoteVerifier,
  validatorSetRoot,
  voteBytes,
} from "@consilium/consensus";
import { hash, toHex, u32, type VoteSuite } from "@consilium/crypto";
import { loadBlstVoteSuite } from "@consilium/crypto/votes-blst";
import type { Application } from "@consilium/ledger";
import {
  BLOCK_VERSION,
  type Block,
  type Certificate,
  digestOf,
  epochOfHeight,
  type Genesis,
  isBoundaryHeight,
  payloadRootOf,
  presets,
  SignedTransaction,
  toEpoch,
  toHeight,
  toView,
  VoteKind,
  ZERO_32,
} from "@consilium/protocol";
import { openChainStore } from "../../src/bootstrap.js";
import type { FinalizedTip } from "../../src/chain.js";
import { EpochBook } from "../../src/epochs/epoch-book.js";
import type { ChainStore } from "../../src/store/chain-store.js";
import type { TipRecord } from "../../src/store/records.js";
import { countingApplication, MemoryStore } from "../../src/testing/index.js";
import { seededRandom } from "../harness.js";

const START_MS = 1_700_000_000_000;
const VALIDATORS = 5;
const SEATS = 4;

export interface ChainShape {
  readonly lengthHeights: number;
  readonly blocks: number;
  /** Heights between two finalizations that the maker keeps; boundaries always have theirs. */
  readonly finalizedEvery?: number;
  /** Transactions of every block, and the bytes of each. */
  readonly transactions?: number;
  readonly payloadBytes?: number;
  /** Another application than the counting one, and what its members are and send. */
  readonly setup?: ChainSetup;
}

export interface ChainSetup {
  readonly nodeKeys: readonly Uint8Array[];
  readonly application: (genesis: Genesis) => Application;
  readonly transactionsOf: (chainId: Uint8Array, height: number) => Uint8Array[];
}

/**
 * A finalized chain without the consensus that made it: blocks executed, and finalizations signed by the keys of each
 * epoch's set, which changes with every epoch.
 */
export class MadeChain {
  private current: TipRecord;

  private constructor(
    readonly genesis: Genesis,
    readonly application: Application,
    readonly verifier: VoteVerifier,
    private readonly suite: VoteSuite,
    readonly store: ChainStore,
    readonly epochs: EpochBook,
    record: TipRecord,
  ) {
    this.current = record;
  }

  static async create(shape: ChainShape): Promise<MadeChain> {
    const suite = await loadBlstVoteSuite();
    const genesis = genesisOf(suite, shape.lengthHeights, shape.setup?.nodeKeys);
    const application = (shape.setup?.application ?? applicationOf)(genesis);
    const { store, record } = await openChainStore({ store: new MemoryStore(), application });
    const { lengthHeights } = shape;
    const epochs = new EpochBook({ application, store, lengthHeights });
    const verifier = inlineVoteVerifier(suite, seededRandom(1));
    const chain = new MadeChain(genesis, application, verifier, suite, store, epochs, record);
    for (let height = 1; height <= shape.blocks; height++) await chain.grow(shape);
    return chain;
  }

  get tip(): FinalizedTip {
    return this.current.tip;
  }

  get target(): { readonly epoch: number; readonly view: number } {
    return this.tip;
  }

  async grow(shape: ChainShape): Promise<Block> {
    const { lengthHeights, blocks, finalizedEvery = 1, payloadBytes = 1, transactions = 1 } = shape;
    const { application, store } = this;
    const { tip } = this.current;
    const height = tip.height + 1;
    const epoch = epochOfHeight(height, lengthHeights);
    const boundary = isBoundaryHeight(height, lengthHeights);
    const made =
      shape.setup?.transactionsOf(application.chainId, height) ??
      Array.from({ length: transactions }, (_, index) => this.transaction(height, index, payloadBytes));
    const payload = { transactions: made, facts: [] };
    const nextSet = boundary ? setOf(this.genesis, epoch + 1) : undefined;
    const header = {
      version: BLOCK_VERSION,
      chainId: application.chainId,
      epoch,
      height: toHeight(height),
      parentDigest: tip.digest,
      author: this.epochs.setOf(epoch)![0]!.nodeId,
      timestampMs: tip.timestampMs + 1,
      payloadRoot: payloadRootOf(payload),
      stateRoot: tip.stateRoot,
      nextSetRoot: nextSet === undefined ? ZERO_32 : validatorSetRoot(nextSet),
    };
    const block = { header, payload };
    const digest = digestOf(header);
    const { changes, stateRoot } = await application.applyBlock(store.state, block);
    const view = ((height - 1) % lengthHeights) + 1;
    const kept = boundary || height % finalizedEvery === 0 || height === blocks;
    const finalization = kept ? await this.finalize(epoch, view, digest) : undefined;
    const next = { height, digest, stateRoot, timestampMs: header.timestampMs, epoch, view };
    const handover = nextSet && makeHandover(header, finalization!, nextSet);
    const record = { tip: next, finalization };
    await store.commit([{ block, digest, changes, results: [] }], record, [], handover);
    this.current = { tip: next, finalization };
    this.epochs.advance(next);
    return block;
  }

  /** A finalization by the set of an epoch, of whatever block. */
  async finalize(epoch: number, view: number, digest: Uint8Array): Promise<Certificate> {
    const set = this.epochs.setOf(epoch) ?? setOf(this.genesis, epoch);
    const place = { epoch: toEpoch(epoch), view: toView(view), parentView: toView(view - 1) };
    const subject = { kind: VoteKind.finalize, ...place, digest };
    const message = voteBytes(this.application.chainId, subject);
    const votes = set.slice(0, quorumOfSet(set)).map(({ nodeId }, validator) => ({
      ...subject,
      validator,
      signature: this.suite.sign(secretOf(nodeId), message),
    }));
    return assembleCertificate(this.verifier, set, votes);
  }

  /** Adds large values to the state, as if a block had written them, so that a snapshot has that many chunks more. */
  async fill(values: number): Promise<void> {
    const { application, store } = this;
    const entries = Array.from({ length: values }, (_, index) => ({
      key: Uint8Array.of(0x40, index),
      value: new Uint8Array(900_000).fill(index),
    }));
    const { changes, root } = application.snapshot!.rebuild(store.state, entries);
    await store.write([...entries, ...changes], true);
    this.current = { ...this.current, tip: { ...this.current.tip, stateRoot: root } };
  }

  private transaction(height: number, index: number, payloadBytes: number): Uint8Array {
    const transaction = {
      chainId: this.application.chainId,
      kind: 0x10,
      sender: hash("TEST-ACCOUNT", u32(height), u32(index)),
      nonce: 0,
      expiryHeight: 1_000_000,
      payload: new Uint8Array(payloadBytes).fill(7),
    };
    return SignedTransaction.serialize({ transaction, signature: new Uint8Array(64).fill(1, 0, 1) });
  }
}

export const applicationOf = (genesis: Genesis): Application =>
  countingApplication(genesis, { sets: (epoch) => setOf(genesis, epoch) });

/** Epochs 0 and 1 have the genesis set; later ones take turns over all members. */
function setOf(genesis: Genesis, epoch: number): ValidatorSet {
  const all = electGenesisSet({ ...genesis, seats: VALIDATORS });
  if (epoch < 2) return all.slice(0, SEATS);
  return Array.from({ length: SEATS }, (_, index) => all[(epoch + index) % VALIDATORS]!);
}

const secrets = new Map<string, Uint8Array>();
const secretOf = (nodeId: Uint8Array): Uint8Array => secrets.get(toHex(nodeId))!;

const madeUpKeys = Array.from({ length: VALIDATORS }, (_, index) => hash("TEST-NODE", u32(index)));

function genesisOf(
  suite: VoteSuite,
  lengthHeights: number,
  nodeKeys: readonly Uint8Array[] = madeUpKeys,
): Genesis {
  const members = nodeKeys.map((nodeKey, index) => {
    const secret = hash("TEST-VOTE", u32(index)).fill(0, 0, 1);
    secrets.set(toHex(nodeKey), secret);
    return {
      name: new Uint8Array(),
      nodeKey,
      exchangeKey: new Uint8Array(32),
      voteKey: suite.publicKey(secret),
      votePossession: new Uint8Array(96),
      stake: 1,
    };
  });
  return {
    version: 1,
    kind: 1,
    name: new Uint8Array(),
    timeMs: START_MS,
    parameters: { ...presets.devnet, epochLengthHeights: lengthHeights },
    seats: VALIDATORS,
    members,
    keyCentre: [],
    allianceChainId: new Uint8Array(32),
  };
}
