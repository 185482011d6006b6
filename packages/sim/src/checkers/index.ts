import type { FinalizedBlockEvent } from "@consilium/driver";
import type { Application } from "@consilium/ledger";
import type { Genesis, StateReader } from "@consilium/protocol";
import { Ancestry } from "./ancestry.js";
import type { Checker, CheckerContext, SeenValidator } from "./checker.js";
import { ConflictingQuorums } from "./conflicting-quorums.js";
import { FinalOrNullified } from "./final-or-nullified.js";
import { Findings } from "./findings.js";
import { Idle } from "./idle.js";
import { checkMemory } from "./memory.js";
import { type Answering, NothingLost } from "./nothing-lost.js";
import { OneBlockPerHeight } from "./one-block-per-height.js";
import { Punishment } from "./punishment.js";
import { Signers } from "./signers.js";
import { StateRoots } from "./state-roots.js";
import { ValidatorSets } from "./validator-sets.js";
import { VotesOnce } from "./votes-once.js";
import { digestOfHeader, hexOf, readCertificateBytes, readMessage, type SeenCertificate } from "./wire.js";

export interface CheckersOptions {
  readonly genesis: Genesis;
  readonly application: Application;
  /** Node ids of machines, hex. */
  readonly names: readonly string[];
  readonly honest: (machine: number) => boolean;
  /** Nothing may be nullified in this run. */
  readonly idle: boolean;
}

/** All invariants together: what honest nodes send and finalize goes in, sentences come out. */
export class Checkers {
  readonly findings = new Findings();
  readonly punishment: Punishment;
  readonly nothingLost: NothingLost;
  private readonly idle: Idle | undefined;
  private readonly ancestry: Ancestry;
  private readonly agreement: OneBlockPerHeight;
  private readonly all: readonly Checker[];
  private readonly context: CheckerContext;
  private readonly heights = new Map<number, number>();
  private readonly sets = new Map<number, readonly SeenValidator[]>();
  private readonly certificates = new Set<string>();
  private readonly seenMessages = new WeakSet<object>();
  /** The newest state that was seen, and its height. */
  private newest: { readonly height: number; readonly state: StateReader } | undefined;
  largestCollection = 0;

  constructor(private readonly options: CheckersOptions) {
    const { names, honest, application, genesis } = options;
    this.context = {
      report: (invariant, sentence) => this.findings.report(invariant, sentence),
      setOf: (epoch) => this.sets.get(epoch),
      honest,
      nameOf: (machine) => names[machine]!,
      honestMember: (nodeId) => names.every((name, machine) => name !== nodeId || honest(machine)),
    };
    const { context } = this;
    const length = genesis.parameters.epochLengthHeights;
    this.punishment = new Punishment(context);
    this.nothingLost = new NothingLost(context);
    this.ancestry = new Ancestry(context);
    this.agreement = new OneBlockPerHeight(context);
    this.idle = options.idle ? new Idle(context) : undefined;
    this.all = [
      this.agreement,
      new FinalOrNullified(context),
      new ConflictingQuorums(context),
      this.ancestry,
      new Signers(context),
      new VotesOnce(context),
      new StateRoots(context, application),
      new ValidatorSets(context, length, (state, epoch) => this.readSet(state, epoch)),
      this.punishment,
      this.nothingLost,
      ...(this.idle === undefined ? [] : [this.idle]),
    ];
  }

  /** The sets of the first two epochs stand in genesis. */
  async begin(): Promise<void> {
    const { changes } = await this.options.application.genesisChanges();
    const values = new Map(changes.map(({ key, value }) => [hexOf(key), value]));
    this.learnSets({ get: (key) => values.get(hexOf(key)) }, 0);
  }

  /** A consensus message of an honest node. */
  sent(node: number, message: Uint8Array): void {
    const seen = readMessage(message);
    if (seen === undefined) {
      this.findings.report("wire", `node ${node} sent a message that does not decode`);
      return;
    }
    if (this.seenMessages.has(seen)) return;
    this.seenMessages.add(seen);
    if (seen.kind === "certificate") this.certificate(seen.certificate);
    if (seen.kind === "vote") for (const checker of this.all) checker.vote?.(node, seen.vote);
    if (seen.kind !== "proposal") return;
    for (const checker of this.all) {
      checker.vote?.(node, seen.vote);
      checker.proposal?.(node, seen.header, seen.vote);
    }
    if (seen.parent !== undefined) this.certificate(seen.parent);
    for (const each of seen.nullifications) this.certificate(each);
  }

  certificate(certificate: SeenCertificate): void {
    const { kind, epoch, view, parentView, digest, signers } = certificate;
    const name = `${kind} ${epoch} ${view} ${parentView} ${digest} ${signers.join()}`;
    if (this.certificates.has(name)) return;
    this.certificates.add(name);
    for (const checker of this.all) checker.certificate?.(certificate);
  }

  /** A block that became final on an honest node, and the certificate that the node holds for its tip. */
  finalized(node: number, event: FinalizedBlockEvent, state: StateReader, nowMs: number): void {
    const { height } = event.tip;
    this.heights.set(node, height);
    this.learnSets(state, Math.floor((height - 1) / this.options.genesis.parameters.epochLengthHeights));
    if (height >= (this.newest?.height ?? 0)) this.newest = { height, state };
    const digest = digestOfHeader(event.block.header);
    if (digest !== hexOf(event.tip.digest))
      this.findings.report("wire", `node ${node} gives height ${height} a digest that is not its header's`);
    const final = { node, height, digest, event, state, nowMs };
    for (const checker of this.all) checker.finalized?.(final);
  }

  /** What a node holds as the proof of its tip. */
  proof(node: number, encoded: Uint8Array, tipDigest: Uint8Array): void {
    const certificate = readCertificateBytes(encoded);
    this.certificate(certificate);
    if (certificate.kind !== 3 || certificate.digest !== hexOf(tipDigest))
      this.findings.report("ancestry", `node ${node} holds a finalization of another block than its tip`);
  }

  /** A node took the state of a boundary block instead of executing what came before. */
  adopted(node: number, height: number): void {
    this.ancestry.adopted(node);
    this.heights.set(node, height);
  }

  /** A node starts from what its disk holds: a block may have landed there unannounced before a crash. */
  opened(node: number, height: number, digest: string): void {
    this.heights.set(node, height);
    this.ancestry.opened(node, height, digest);
    this.agreement.opened(node, height, digest);
  }

  heightOf(node: number): number {
    return this.heights.get(node) ?? 0;
  }

  memory(node: number, driver: object): void {
    this.largestCollection = Math.max(this.largestCollection, checkMemory(this.context, node, driver));
  }

  ask(answering: Answering): void {
    this.nothingLost.ask(answering);
  }

  async finish(): Promise<void> {
    for (const checker of this.all) await checker.finish?.();
    if (this.newest !== undefined) this.idle?.checkCredit(this.newest.state);
  }

  private learnSets(state: StateReader, epoch: number): void {
    for (const each of [epoch, epoch + 1]) {
      if (this.sets.has(each)) continue;
      const set = this.readSet(state, each);
      if (set !== undefined) this.sets.set(each, set);
    }
  }

  private readSet(state: StateReader, epoch: number): readonly SeenValidator[] | undefined {
    return this.options.application
      .validatorSet(state, epoch)
      ?.map(({ nodeId, voteKey }) => ({ nodeId: hexOf(nodeId), voteKey }));
  }
}
