import {
  createState,
  type FinalizedTip as EngineTip,
  electGenesisSet,
  epochContext,
  type Input,
  newestCertificates,
  type ValidatorSet,
  type VoteVerifier,
  validatorIndexOf,
} from "@consilium/consensus";
import { ConsiliumError, codeOf, equalBytes, toHex } from "@consilium/crypto";
import { queries } from "@consilium/ledger";
import {
  Block,
  type Certificate,
  decodeStrict,
  ignore,
  limits,
  toEpoch,
  toHeight,
  toView,
  type Verdict,
} from "@consilium/protocol";
import { openChainStore, sameGenesis } from "./bootstrap.js";
import type { ChainCounters, FinalizedTip, FollowReason } from "./chain.js";
import { BlockWork } from "./engine/block-work.js";
import { EngineRunner } from "./engine/engine-runner.js";
import { Finalizer } from "./engine/finalizer.js";
import { SafeSigner } from "./engine/safe-signer.js";
import type { FinalityEvents } from "./events/finality-events.js";
import { TRANSACTIONS_PROTOCOL, TransactionIntake } from "./mempool/intake.js";
import { Mempool } from "./mempool/mempool.js";
import { cachingVerifier } from "./messages/caching-verifier.js";
import { encodeMessage } from "./messages/codec.js";
import { Inbound } from "./messages/inbound.js";
import { PeerBudget } from "./messages/peer-budget.js";
import { type GossipAnswer, PeerDesk } from "./messages/peer-desk.js";
import type { ChainDriverOptions } from "./options.js";
import type { ChainStore } from "./store/chain-store.js";
import type { TipRecord } from "./store/records.js";
import { Fetcher } from "./sync/fetcher.js";
import { RangeSync } from "./sync/range-sync.js";
import { serveChain } from "./sync/serve.js";
import { BlockTree } from "./tree/block-tree.js";
import { checkBody } from "./tree/body-check.js";

/**
 * Gossiped bodies of one peer that are looked at: in a burst, and per second. Many times what a chain makes; a body that
 * is left out is asked for by digest.
 */
const GOSSIPED_BODIES_AT_ONCE_MAX = 64;
const GOSSIPED_BODIES_PER_SECOND_MAX = 32;

/** A running chain: the parts of the driver, built around one engine state and joined. */
export class ChainRuntime {
  readonly mempool: Mempool;
  readonly intake: TransactionIntake;
  readonly finalizer: Finalizer;
  readonly runner: EngineRunner;
  private readonly set: ValidatorSet;
  private readonly tree: BlockTree;
  private readonly inbound: Inbound;
  private readonly desk: PeerDesk;
  private readonly bodyBudget: PeerBudget;
  private readonly fetcher: Fetcher;
  private readonly verifier: VoteVerifier;
  private readonly signer: SafeSigner | undefined;
  private readonly following: FollowReason | undefined;
  private work = false;
  private stopped = false;
  private halted = false;

  private constructor(
    private readonly options: ChainDriverOptions,
    readonly store: ChainStore,
    record: TipRecord,
    readonly events: FinalityEvents,
    counters: ChainCounters,
  ) {
    const { genesis, application, transport, clock, log } = options;
    const { chainId } = application;
    this.set = electGenesisSet(genesis);
    this.verifier = cachingVerifier(options.verifier);
    this.desk = new PeerDesk(counters, log, (peer, code) => options.onPeerFault?.(peer, code));
    this.bodyBudget = new PeerBudget(clock, GOSSIPED_BODIES_AT_ONCE_MAX, GOSSIPED_BODIES_PER_SECOND_MAX);
    const state = createState({
      chainId,
      self: toHex(options.identity.nodeId),
      ...genesis.parameters,
    });
    const pinned = (digest: string) => state.blocks.has(digest) || state.wantedBodies.has(digest);
    this.tree = new BlockTree(application, store, record.tip, pinned);
    const nextNonce = options.nextNonce ?? ((state, sender) => queries.nextNonces(state, sender).envelope);
    this.mempool = new Mempool({ application, state: store.state, nextNonce });
    const opened = this.openSigner(chainId);
    this.signer = opened.signer;
    this.following = opened.reason;
    const shared = {
      chainId,
      set: this.set,
      verifier: this.verifier,
      desk: this.desk,
      enqueue: (input: Input) => this.runner.enqueue(input),
      fatal: (error: unknown) => this.halt(error),
      ...{ transport, clock, log, counters, store, application, events },
      ...{ tree: this.tree, mempool: this.mempool, random: options.random, signer: this.signer },
    };
    this.intake = new TransactionIntake({
      ...shared,
      context: () => this.nextContext(),
      changed: () => this.updateWork(),
    });
    this.finalizer = new Finalizer(record, { ...shared, intake: this.intake });
    this.fetcher = new Fetcher(shared);
    this.inbound = new Inbound({ ...shared, state: () => state });
    const fetchBody = (digest: Uint8Array, author: Uint8Array) => this.fetcher.body(digest, author);
    const work = new BlockWork({ ...shared, nodeId: options.identity.nodeId, fetchBody });
    const rangeSync = new RangeSync({
      ...shared,
      tip: () => this.finalizer.tip,
      commit: (blocks, finalization) => this.finalizer.commit(blocks, finalization),
      stopped: () => this.stopped,
    });
    this.runner = new EngineRunner(
      state,
      {
        ...shared,
        self: toHex(options.identity.nodeId),
        intake: this.intake,
        fetcher: this.fetcher,
        rangeSync,
        finalizer: this.finalizer,
        engineTip,
        advanced: () => this.updateWork(),
        peerFault: (peer, code) => options.onPeerFault?.(peer, code),
      },
      work,
    );
  }

  /**
   * Opens the store (writing genesis into a fresh one) and starts from what it holds.
   * Throws `CHAIN_OTHER_GENESIS` for a data folder of another chain, and the store's codes.
   */
  static async open(options: ChainDriverOptions, events: FinalityEvents, counters: ChainCounters) {
    const { store, record, fresh } = await openChainStore(options);
    if (!sameGenesis(store, options)) {
      const sentence =
        "The data folder holds another chain; name another folder or the genesis it was made with.";
      throw new ConsiliumError("CHAIN_OTHER_GENESIS", sentence);
    }
    const runtime = new ChainRuntime(options, store, record, events, counters);
    const height = record.tip.height;
    options.log.info({ height, fresh, follow: runtime.followReason() ?? "none" }, "chain opened");
    await runtime.restore(record);
    return runtime;
  }

  followReason(): FollowReason | undefined {
    if (this.stopped && this.halted) return "HALTED";
    if (this.following !== undefined) return this.following;
    return this.runner.state.started && !this.runner.state.mayVote ? "OWN_VOTE_UNKNOWN" : undefined;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.inbound.stop();
    await this.runner.stop();
  }

  private halt(error: unknown): void {
    if (this.stopped) return;
    this.halted = true;
    this.stopped = true;
    this.inbound.stop();
    void this.runner.stop();
    this.options.log.error({ code: codeOf(error), error: String(error) }, "the chain halts on this node");
    this.options.onFatal?.(error);
  }

  private openSigner(chainId: Uint8Array): { signer?: SafeSigner; reason?: FollowReason } {
    const { nodeId, voteSigner } = this.options.identity;
    const validator = validatorIndexOf(this.set, nodeId);
    if (validator === undefined) return { reason: "NOT_A_VALIDATOR" };
    const registered = this.set[validator]?.voteKey;
    if (
      voteSigner === undefined ||
      registered === undefined ||
      !equalBytes(voteSigner.publicKey, registered)
    ) {
      return { reason: "NO_VOTE_KEY" };
    }
    const opened = SafeSigner.open(this.store, chainId, validator, voteSigner, this.options.log);
    return opened.mayVote ? { signer: opened.signer } : { reason: opened.reason };
  }

  private async restore({ tip, finalization }: TipRecord): Promise<void> {
    const { application, transport } = this.options;
    const { certificates, headers } = await this.store.loadPending();
    await this.intake.restore();
    serveChain({
      transport,
      store: this.store,
      tree: this.tree,
      tip: () => this.finalizer.tip,
      state: () => this.runner.state,
    });
    transport.serve(TRANSACTIONS_PROTOCOL, (from, body) => this.intake.forwarded(from, body));
    transport.receive({
      message: (from, message) => this.inbound.message(from, message),
      gossip: (from, topic, message) =>
        topic === "blocks" ? this.takeBlock(from, message) : this.intake.gossip(from, message),
      connected: (peer) => this.greet(peer),
      disconnected: () => {},
    });
    this.runner.enqueue({
      kind: "restored",
      // One epoch so far: its set is elected at genesis, its order seeded by the genesis hash.
      epoch: epochContext(toEpoch(0), this.set, application.chainId, toHeight(Number.MAX_SAFE_INTEGER)),
      tip: engineTip(tip, finalization),
      certificates,
      headers,
      ownVotes: this.signer?.votes() ?? [],
      mayVote: this.signer !== undefined,
    });
    this.updateWork();
    for (const peer of transport.connected()) this.greet(peer);
  }

  /** A new peer is told where this node stands: if it is behind, it learns so; if it is ahead, it answers. */
  private greet(peer: string): void {
    const { state } = this.runner;
    if (!state.started || this.stopped) return;
    for (const certificate of newestCertificates(state)) {
      this.options.transport.send(peer, encodeMessage({ kind: "certificate", certificate }));
    }
  }

  private async takeBlock(from: string, message: Uint8Array): Promise<GossipAnswer> {
    if (!this.bodyBudget.take(from))
      return this.desk.judge(from, ignore("BLOCK_QUOTA", "too many bodies come from this peer"));
    const decoded = this.desk.decode(() => decodeStrict(Block, message, "block"));
    if (decoded.kind !== "valid") return this.desk.judge(from, decoded);
    return this.desk.judge(from, this.keepBody(decoded.value));
  }

  /** Bodies are unsigned, so gossip keeps a bounded number of recent ones; the engine asks for those it needs. */
  private keepBody(block: Block): Verdict<unknown> {
    const { height, author } = block.header;
    const above = height - this.finalizer.tip.height;
    if (above < 1 || above > 2 * limits.unfinalizedBlocks)
      return ignore("BLOCK_FAR_AWAY", "its height is not near");
    if (validatorIndexOf(this.set, author) === undefined)
      return ignore("BLOCK_STRANGE_AUTHOR", "not a validator's");
    const verdict = checkBody(block, this.options.application.chainId);
    if (verdict.kind !== "valid") return verdict;
    this.tree.add(block, verdict.value);
    this.runner.enqueue({ kind: "bodyArrived", header: block.header });
    return verdict;
  }

  private nextContext() {
    const { height, timestampMs } = this.finalizer.tip;
    return { height: height + 1, timestampMs: Math.max(this.options.clock.nowMs(), timestampMs + 1) };
  }

  private updateWork(): void {
    const work = this.mempool.hasReady() || this.options.hasWork?.(this.store.state) === true;
    if (work === this.work) return;
    this.work = work;
    this.runner.enqueue({ kind: "workKnown", work });
  }
}

function engineTip(tip: FinalizedTip, finalization: Certificate | undefined): EngineTip {
  const { digest, height, timestampMs, view } = tip;
  return { digest, height: toHeight(height), timestampMs, view: toView(view), finalization };
}
