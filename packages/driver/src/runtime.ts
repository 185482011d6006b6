import { createState, type Input, newestCertificates } from "@consilium/consensus";
import { accountId, ConsiliumError, codeOf, equalBytes, toHex } from "@consilium/crypto";
import { queries } from "@consilium/ledger";
import {
  boundaryHeightOf,
  decodeStrict,
  SignedTransaction,
  TransactionKind,
  type Vote,
} from "@consilium/protocol";
import { openChainStore, sameGenesis } from "./bootstrap.js";
import type { ChainCounters, EpochStatus, FollowReason, SubmitResult } from "./chain.js";
import { BlockWork } from "./engine/block-work.js";
import { EngineRunner } from "./engine/engine-runner.js";
import { Finalizer } from "./engine/finalizer.js";
import { engineTip } from "./epochs/engine-tip.js";
import { EpochBook } from "./epochs/epoch-book.js";
import { Seat } from "./epochs/seat.js";
import type { FinalityEvents } from "./events/finality-events.js";
import { EvidenceDesk } from "./facts/evidence-desk.js";
import { VoteArchive } from "./facts/vote-archive.js";
import { TRANSACTIONS_PROTOCOL, TransactionIntake } from "./mempool/intake.js";
import { Mempool } from "./mempool/mempool.js";
import { cachingVerifier } from "./messages/caching-verifier.js";
import { encodeMessage } from "./messages/codec.js";
import { GossipedBodies } from "./messages/gossiped-bodies.js";
import { Inbound } from "./messages/inbound.js";
import { OtherEpochs } from "./messages/other-epochs.js";
import { PeerDesk } from "./messages/peer-desk.js";
import type { ChainDriverOptions } from "./options.js";
import type { ChainStore, PendingRecords } from "./store/chain-store.js";
import type { TipRecord } from "./store/records.js";
import { CatchUp } from "./sync/catch-up.js";
import { Fetcher } from "./sync/fetcher.js";
import { serveChain } from "./sync/serve.js";
import { Snapshots } from "./sync/snapshots.js";
import { BlockTree } from "./tree/block-tree.js";

/** A running chain: the parts of the driver, built around one engine state and joined. */
export class ChainRuntime {
  readonly mempool: Mempool;
  readonly intake: TransactionIntake;
  readonly finalizer: Finalizer;
  readonly runner: EngineRunner;
  readonly epochs: EpochBook;
  private readonly seat: Seat;
  private readonly archive: VoteArchive;
  private readonly tree: BlockTree;
  private readonly inbound: Inbound;
  private readonly bodies: GossipedBodies;
  private readonly snapshots: Snapshots;
  private readonly catchUp: CatchUp;
  private work = false;
  private stopped = false;
  private halted = false;
  /** A snapshot is being taken: the engine has not begun, and consensus messages say nothing to it. */
  private bootstrapping = false;

  private constructor(
    private readonly options: ChainDriverOptions,
    readonly store: ChainStore,
    record: TipRecord,
    readonly events: FinalityEvents,
    counters: ChainCounters,
  ) {
    const { genesis, application, transport, clock, log, identity, random } = options;
    const { chainId } = application;
    const verifier = cachingVerifier(options.verifier);
    const desk = new PeerDesk(counters, log, (peer, code) => options.onPeerFault?.(peer, code));
    const state = createState({ chainId, self: toHex(identity.nodeId), ...genesis.parameters });
    const pinned = (digest: string) => state.blocks.has(digest) || state.wantedBodies.has(digest);
    this.tree = new BlockTree(application, store, record.tip, pinned);
    const nextNonce = options.nextNonce ?? ((reader, sender) => queries.nextNonces(reader, sender).envelope);
    const isMember = queries.isMember;
    this.mempool = new Mempool({ application, state: store.state, nextNonce, isMember });
    const lengthHeights = genesis.parameters.epochLengthHeights;
    this.epochs = new EpochBook({ application, store, lengthHeights });
    this.epochs.advance(record.tip);
    const rules = application.snapshot;
    this.snapshots = new Snapshots({ store, rules, lengthHeights, clock, log });
    const { epochs, mempool, tree } = this;
    const base = {
      ...{ chainId, verifier, desk, transport, clock, log, counters, store, application, events },
      ...{ tree, mempool, random, epochs, identity },
      enqueue: (input: Input) => this.runner.enqueue(input),
      fatal: (error: unknown) => this.halt(error),
      fetchBody: (digest: Uint8Array, author: Uint8Array) => fetcher.body(digest, author),
      tip: () => this.finalizer.tip,
      tipHeight: () => this.finalizer.tip.height,
      judge: desk.judge.bind(desk),
    };
    this.seat = new Seat(base);
    const evidence = new EvidenceDesk(log, (first: Vote, second: Vote) =>
      options.onEvidence?.(first, second),
    );
    this.archive = new VoteArchive({ ...base, evidence, view: () => state.view });
    this.intake = new TransactionIntake({
      ...base,
      context: () => this.nextContext(),
      changed: () => this.updateWork(),
    });
    const { seat, archive, intake, snapshots } = this;
    const shared = { ...base, seat, archive, intake, snapshots, evidence };
    this.finalizer = new Finalizer(record, shared);
    this.bodies = new GossipedBodies(base);
    const fetcher = new Fetcher(shared);
    this.inbound = new Inbound({ ...shared, others: new OtherEpochs(shared), state: () => state });
    this.catchUp = new CatchUp({
      ...shared,
      commit: (blocks, finalization) => this.finalizer.commit(blocks, finalization),
      adopt: (adopted) => this.finalizer.adopt(adopted),
      stateSync: options.stateSync === true,
      stopped: () => this.stopped,
    });
    const { catchUp, finalizer } = this;
    this.runner = new EngineRunner(
      state,
      {
        ...{ ...shared, self: toHex(identity.nodeId), fetcher, catchUp, finalizer },
        advanced: () => this.updateWork(),
        epochEntered: () => this.inbound.epochEntered(),
        peerFault: (peer, code) => options.onPeerFault?.(peer, code),
      },
      new BlockWork({ ...shared, nodeId: identity.nodeId }),
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
    await runtime.seat.open();
    const mayVote = await runtime.seat.take(runtime.epochs.current);
    const { height } = record.tip;
    const follow = runtime.followReason() ?? "none";
    options.log.info({ height, epoch: runtime.epochs.current, fresh, follow }, "chain opened");
    await runtime.restore(record, mayVote);
    return runtime;
  }

  /** Whether this node takes a snapshot or ranges instead of following the chain's votes. */
  get syncing(): boolean {
    return this.bootstrapping || this.runner.state.syncing;
  }

  followReason(): FollowReason | undefined {
    if (this.stopped && this.halted) return "HALTED";
    if (this.seat.followReason !== undefined) return this.seat.followReason;
    return this.runner.state.started && !this.runner.state.mayVote ? "OWN_VOTE_UNKNOWN" : undefined;
  }

  epochStatus(): EpochStatus {
    const { current: epoch, lengthHeights } = this.epochs;
    const names = (of: number) => this.epochs.setOf(of)?.map(({ nodeId }) => toHex(nodeId));
    const nextValidators = names(epoch + 1);
    return {
      epoch,
      lengthHeights,
      boundaryHeight: boundaryHeightOf(epoch, lengthHeights),
      validators: names(epoch) ?? [],
      ...(nextValidators === undefined ? {} : { nextValidators }),
    };
  }

  /** Admits a local submission. One that resets this node's own safety record is remembered beside the loss. */
  async submit(encoded: Uint8Array): Promise<SubmitResult> {
    const result = await this.intake.submit(encoded);
    if (!result.accepted) return result;
    const { transaction } = decodeStrict(SignedTransaction, encoded, "submission");
    const { identity, application } = this.options;
    const own = equalBytes(transaction.sender, accountId(application.chainId, identity.nodeId));
    if (own && transaction.kind === TransactionKind.safetyReset) await this.seat.noteReset(result.id);
    return result;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.inbound.stop();
    const intake = this.intake.stop();
    await this.runner.stop();
    await intake;
    await this.snapshots.stop();
    await this.catchUp.settled();
    // Range sync may be landing blocks, and with them the floor of a safety record that the next start reads.
    await this.finalizer.settled();
  }

  private halt(error: unknown): void {
    if (this.stopped) return;
    this.halted = true;
    void this.stop();
    this.options.log.error({ code: codeOf(error), error: String(error) }, "the chain halts on this node");
    this.options.onFatal?.(error);
  }

  private async restore({ tip, finalization }: TipRecord, mayVote: boolean): Promise<void> {
    const { certificates, headers } = await this.store.loadPending();
    await this.intake.restore();
    await this.snapshots.clean();
    for (const certificate of certificates) this.archive.addCertificate(certificate);
    this.listen();
    if (this.options.stateSync !== true || tip.height > 0) {
      this.begin({ tip, finalization }, mayVote, { certificates, headers });
      return;
    }
    this.bootstrapping = true;
    this.bootstrap(mayVote, { certificates, headers }).catch((error: unknown) => this.halt(error));
  }

  /** Takes a snapshot if there is one to take; only then the engine begins, where the chain stands now. */
  private async bootstrap(mayVote: boolean, pending: PendingRecords): Promise<void> {
    const adopted = await this.catchUp.bootstrap();
    if (this.stopped) return;
    const seated = adopted ? await this.seat.take(this.epochs.current) : mayVote;
    this.bootstrapping = false;
    const { tip, finalization } = this.finalizer;
    // What stood above genesis says nothing about the epoch that a snapshot leads to.
    const above = adopted ? { certificates: [], headers: [] } : pending;
    this.begin({ tip, finalization }, seated, above);
  }

  private begin(
    { tip, finalization }: TipRecord,
    mayVote: boolean,
    { certificates, headers }: PendingRecords,
  ): void {
    const epoch = this.epochs.contextOf(this.epochs.current);
    if (epoch === undefined) {
      const sentence = "The store does not know the validators of its own epoch; sync this node anew.";
      throw new ConsiliumError("STORE_CORRUPT", sentence, { epoch: this.epochs.current });
    }
    this.runner.enqueue({
      kind: "restored",
      epoch,
      tip: engineTip(tip, finalization, epoch.epoch),
      certificates,
      headers,
      ownVotes: this.seat.votes(),
      mayVote,
    });
    this.updateWork();
    for (const peer of this.options.transport.connected()) this.greet(peer);
  }

  private listen(): void {
    const { transport } = this.options;
    serveChain({
      transport,
      store: this.store,
      tree: this.tree,
      epochs: this.epochs,
      snapshots: this.snapshots,
      tip: () => this.finalizer.tip,
      state: () => this.runner.state,
    });
    transport.serve(TRANSACTIONS_PROTOCOL, (from, body) => this.intake.forwarded(from, body));
    transport.receive({
      message: (from, message) => {
        if (!this.bootstrapping) this.inbound.message(from, message);
      },
      gossip: async (from, topic, message) =>
        this.bootstrapping
          ? "ignore"
          : topic === "blocks"
            ? this.bodies.take(from, message)
            : this.intake.gossip(from, message),
      connected: (peer) => this.greet(peer),
      disconnected: () => {},
    });
  }

  /** A new peer is told where this node stands: if it is behind, it learns so; if it is ahead, it answers. */
  private greet(peer: string): void {
    const { state } = this.runner;
    if (!state.started || this.stopped) return;
    for (const certificate of newestCertificates(state)) {
      this.options.transport.send(peer, encodeMessage({ kind: "certificate", certificate }));
    }
  }

  private nextContext() {
    const { height, timestampMs } = this.finalizer.tip;
    return { height: height + 1, timestampMs: Math.max(this.options.clock.nowMs(), timestampMs + 1) };
  }

  private updateWork(): void {
    if (this.bootstrapping) return;
    const work = this.mempool.hasReady() || this.options.hasWork?.(this.store.state) === true;
    if (work === this.work) return;
    this.work = work;
    this.runner.enqueue({ kind: "workKnown", work });
  }
}
