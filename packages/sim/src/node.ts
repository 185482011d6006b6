import {
  assembleCertificate,
  canSign,
  certificatesOfRange,
  createState,
  decodeSafetyRecord,
  type Effect,
  type EngineConfig,
  type EngineMessage,
  type EpochContext,
  emptySafetyRecord,
  encodeSafetyRecord,
  type FinalizedTip,
  type Input,
  pruneSafetyRecord,
  recordVote,
  type SafetyRecord,
  type State,
  step,
  type TimerKind,
  verifyCertificate,
  verifyProposal,
  verifyVotes,
  wantsVote,
} from "@consilium/consensus";
import { toHex } from "@consilium/crypto";
import {
  type BlockHeader,
  type Certificate,
  digestOf,
  toEpoch,
  toHeight,
  toView,
  type Vote,
  type VoteSubject,
} from "@consilium/protocol";
import { SimulatedApplication } from "./application.js";
import type { SimulatedClock } from "./clock.js";
import type { SimulatedDisk } from "./disk.js";
import type { SimulatedNetwork, Wire } from "./network.js";
import type { SeededRandom } from "./random.js";
import type { SimulatedKeys } from "./signatures.js";

/** What the checkers and the trace see, taken where it leaves a node and not from the engine's own state. */
export interface Observer {
  /** An effect is about to run, or the node crashed. */
  ran(node: number, what: Effect["kind"] | "crash"): void;
  sent(node: number, to: number, wire: Wire): void;
  assembled(node: number, certificate: Certificate): void;
  finalized(
    node: number,
    blocks: readonly { header: BlockHeader; digest: Uint8Array }[],
    finalization: Certificate,
  ): void;
  synced(
    node: number,
    blocks: readonly { header: BlockHeader; digest: Uint8Array }[],
    finalization: Certificate,
  ): void;
  fault(node: number, effect: Extract<Effect, { kind: "reportFault" }>): void;
}

/** The durable half of the signer, as a port: tests plant bugs here. */
export interface SafetyRules {
  canSign: typeof canSign;
  recordVote: typeof recordVote;
}

export const safetyRules: SafetyRules = { canSign, recordVote };

/** A Byzantine node runs the honest code and changes what leaves it. */
export interface Behaviour {
  readonly name: string;
  /** What is sent instead of a message to one peer. */
  outgoing(message: EngineMessage, to: number, node: BehaviourView): readonly Wire[];
}

export interface BehaviourView {
  readonly index: number;
  readonly validators: number;
  readonly keys: SimulatedKeys;
}

export interface NodeParts {
  readonly index: number;
  readonly config: EngineConfig;
  readonly epoch: EpochContext;
  readonly genesis: FinalizedTip;
  readonly clock: SimulatedClock;
  readonly network: SimulatedNetwork;
  readonly disk: SimulatedDisk;
  readonly keys: SimulatedKeys;
  readonly random: SeededRandom;
  readonly observer: Observer;
  readonly rules: SafetyRules;
  readonly behaviour: Behaviour | undefined;
  readonly clockSkewMs: number;
  /** Verdicts by message: nodes share message objects, and one that was verified once need not be again. */
  readonly verified: WeakMap<object, Promise<boolean>>;
}

const SYNC_TIMEOUT_MS = 2_000;
/** Simulated Unix time at the start of a run. */
const START_MS = 1_700_000_000_000;

/**
 * One simulated node: the production engine behind a small effect runner. Effects run strictly in order; `persist`,
 * `sign` and `finalize` wait for the disk before the next one runs.
 */
export class SimulatedNode {
  alive = false;
  state: State;
  #life = 0;
  #queue: Effect[] = [];
  #running = false;
  #application!: SimulatedApplication;
  readonly #timers = new Map<TimerKind, number>();
  #timerCount = 0;
  #work = false;
  #syncing = 0;

  constructor(private readonly parts: NodeParts) {
    this.state = createState(parts.config);
    parts.disk.provision("record", encodeSafetyRecord(emptySafetyRecord(parts.config.chainId)));
    parts.network.attach(parts.index, (from, wire) => this.#receive(from, wire));
  }

  get tip(): FinalizedTip {
    return (this.parts.disk.get("tip") as FinalizedTip | undefined) ?? this.parts.genesis;
  }

  async start(): Promise<void> {
    const { parts } = this;
    this.#life += 1;
    this.alive = true;
    this.#queue = [];
    this.#running = false;
    this.#timers.clear();
    this.#application = this.#makeApplication();
    this.state = createState(parts.config);
    const record = decodeSafetyRecord(
      parts.disk.get("record") as Uint8Array | undefined,
      parts.config.chainId,
    );
    const tip = this.tip;
    this.#reportChain(tip);
    await this.#input({
      kind: "restored",
      epoch: parts.epoch,
      tip,
      certificates: (parts.disk.entries("certificate/") as Certificate[]).filter(
        ({ view }) => view > tip.view,
      ),
      headers: (parts.disk.entries("body/") as BlockHeader[]).filter(({ height }) => height > tip.height),
      ownVotes: record.kind === "valid" ? record.value.votes : [],
      mayVote: record.kind === "valid",
    });
    await this.#input({ kind: "workKnown", work: this.#work });
  }

  /** A finalization whose sync the crash cut short may have reached the disk all the same. */
  #reportChain(tip: FinalizedTip): void {
    if (tip.finalization === undefined) return;
    const headers = (this.parts.disk.entries("chain/") as BlockHeader[]).toSorted(
      (a, b) => a.height - b.height,
    );
    const blocks = headers.map((header) => ({ header, digest: digestOf(header) }));
    this.parts.observer.synced(this.parts.index, blocks, tip.finalization);
  }

  crash(): void {
    this.alive = false;
    this.#life += 1;
    this.parts.disk.crash();
    this.parts.observer.ran(this.parts.index, "crash");
  }

  async setWork(work: boolean): Promise<void> {
    this.#work = work;
    if (this.alive) await this.#input({ kind: "workKnown", work });
  }

  #makeApplication(): SimulatedApplication {
    const { config, keys, index, random, disk } = this.parts;
    return new SimulatedApplication({
      chainId: config.chainId,
      author: keys.set[index]!.nodeId,
      random,
      nowMs: () => this.#nowMs(),
      after: (delayMs, action) => this.#after(delayMs, action),
      body: (digest) => disk.get(`body/${digest}`) as BlockHeader | undefined,
      tip: () => this.tip,
      storeBody: (header) => this.#storeBody(header),
      answer: (input) => this.#input(input),
    });
  }

  #nowMs(): number {
    return START_MS + this.parts.clock.nowMs + this.parts.clockSkewMs;
  }

  /** Runs later, unless the node crashed meanwhile. */
  #after(delayMs: number, action: () => void | Promise<void>): void {
    const life = this.#life;
    this.parts.clock.after(delayMs, () => (life === this.#life ? action() : undefined));
  }

  async #input(input: Input): Promise<void> {
    this.#queue.push(...step(this.state, input).effects);
    await this.#pump();
  }

  async #pump(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    for (let effect = this.#queue.shift(); effect !== undefined; effect = this.#queue.shift()) {
      if (await this.#run(effect)) return;
    }
    this.#running = false;
  }

  /** True when the effect waits for the disk; the queue goes on from its answer. */
  async #run(effect: Effect): Promise<boolean> {
    const { observer, index } = this.parts;
    observer.ran(index, effect.kind);
    switch (effect.kind) {
      case "persist":
        for (const record of effect.records) {
          if (record.kind === "certificate") this.#keepCertificate(record.certificate);
        }
        return this.#sync(() => {});
      case "sign":
        return this.#sign(effect.subject);
      case "finalize":
        this.#commit(effect);
        return this.#sync(async () => {
          observer.finalized(index, effect.blocks, effect.finalization);
          await this.#application.wake();
        });
      case "broadcast":
        this.#broadcast(effect.message);
        return false;
      case "send":
        this.#sendEngine(this.#indexOf(effect.to), effect.message);
        return false;
      case "forwardWork":
        this.#send(this.#indexOf(effect.to), { kind: "work" });
        return false;
      case "setTimer":
        this.#setTimer(effect);
        return false;
      case "assemble": {
        const certificate = await assembleCertificate(
          this.parts.keys.verifier,
          this.parts.keys.set,
          effect.votes,
        );
        observer.assembled(index, certificate);
        this.#queue.push(...step(this.state, { kind: "certificate", certificate, from: undefined }).effects);
        return false;
      }
      case "fetch":
        this.#fetch(effect);
        return false;
      case "startSync":
        this.#startSync();
        return false;
      case "buildPayload":
        this.#application.build(effect);
        return false;
      case "checkPayload":
        this.#application.check(effect);
        return false;
      case "reportFault":
        observer.fault(index, effect);
        return false;
    }
  }

  #sync(then: () => void | Promise<void>): true {
    const life = this.#life;
    this.parts.disk.sync(async () => {
      if (life !== this.#life) return;
      await then();
      this.#running = false;
      await this.#pump();
    });
    return true;
  }

  /** The signer: checks the record, makes the vote durable in it, and only then signs. */
  #sign(subject: VoteSubject): boolean {
    const { disk, rules, keys, index, config } = this.parts;
    const record = decodeSafetyRecord(disk.get("record") as Uint8Array | undefined, config.chainId);
    if (record.kind !== "valid" || rules.canSign(record.value, subject).kind !== "valid") {
      this.#queue.push(...step(this.state, { kind: "signed", subject, vote: undefined }).effects);
      return false;
    }
    this.#writeRecord(rules.recordVote(record.value, subject));
    return this.#sync(() => {
      const vote = keys.sign(index, subject);
      this.#queue.push(...step(this.state, { kind: "signed", subject, vote }).effects);
    });
  }

  #writeRecord(record: SafetyRecord): void {
    this.parts.disk.write(new Map([["record", encodeSafetyRecord(record)]]));
  }

  #keepCertificate(certificate: Certificate): void {
    this.parts.disk.write(new Map([[`certificate/${certificate.view}/${certificate.kind}`, certificate]]));
  }

  /** Blocks, finalization and the raised floor in one atomic batch. */
  #commit({ blocks, finalization }: Extract<Effect, { kind: "finalize" }>): void {
    const last = blocks.at(-1)!;
    const tip: FinalizedTip = {
      digest: last.digest,
      height: toHeight(last.header.height),
      timestampMs: last.header.timestampMs,
      view: toView(finalization.view),
      finalization,
    };
    this.#commitTip(
      tip,
      blocks.map(({ header }) => header),
    );
  }

  #commitTip(tip: FinalizedTip, headers: readonly BlockHeader[]): void {
    const { disk, config } = this.parts;
    // Sync may have gone past a finalization that still waited in the queue; the tip never goes back.
    if (tip.height <= this.tip.height) return;
    const batch = new Map<string, unknown>([["tip", tip]]);
    for (const header of headers) {
      batch.set(`chain/${header.height}`, header);
      batch.set(`body/${toHex(digestOf(header))}`, header);
    }
    for (const old of disk.entries("certificate/") as Certificate[]) {
      if (old.view <= tip.view) batch.set(`certificate/${old.view}/${old.kind}`, undefined);
    }
    const record = decodeSafetyRecord(disk.get("record") as Uint8Array | undefined, config.chainId);
    if (record.kind === "valid") {
      const floor = { epoch: toEpoch(tip.finalization?.epoch ?? 0), view: tip.view };
      batch.set("record", encodeSafetyRecord(pruneSafetyRecord(record.value, floor)));
    }
    disk.write(batch);
  }

  #setTimer({ epoch, view, timer, delayMs }: Extract<Effect, { kind: "setTimer" }>): void {
    const id = ++this.#timerCount;
    this.#timers.set(timer, id);
    this.#after(delayMs, async () => {
      if (this.#timers.get(timer) === id) await this.#input({ kind: "timeout", epoch, view, timer });
    });
  }

  #indexOf(nodeId: string): number {
    return this.parts.epoch.validators.indexOf(nodeId);
  }

  #broadcast(message: EngineMessage): void {
    for (let to = 0; to < this.parts.epoch.validators.length; to++) {
      if (to === this.parts.index) continue;
      this.#sendEngine(to, message);
      if (message.kind === "proposal") this.#send(to, { kind: "body", header: message.proposal.header });
    }
  }

  #sendEngine(to: number, message: EngineMessage): void {
    const { behaviour, index, keys } = this.parts;
    const honest: Wire = { kind: "engine", message };
    const view = { index, keys, validators: keys.set.length };
    for (const wire of behaviour?.outgoing(message, to, view) ?? [honest]) this.#send(to, wire);
  }

  #send(to: number, wire: Wire): void {
    this.parts.observer.sent(this.parts.index, to, wire);
    this.parts.network.send(this.parts.index, to, wire);
  }

  #peer(): number {
    const { index, random, keys } = this.parts;
    return (index + random.between(1, Math.max(1, keys.set.length - 1))) % keys.set.length;
  }

  #fetch(effect: Extract<Effect, { kind: "fetch" }>): void {
    if (effect.what === "certificates") {
      this.#send(this.#peer(), { kind: "askCertificates", fromView: effect.fromView, toView: effect.toView });
      return;
    }
    const header = this.parts.disk.get(`body/${toHex(effect.digest)}`) as BlockHeader | undefined;
    if (header === undefined) this.#send(this.#peer(), { kind: "askBody", digest: effect.digest });
    else this.#queue.push(...step(this.state, { kind: "bodyArrived", header }).effects);
  }

  /** Asks one peer for a range of finalized blocks; no answer in time means no progress. */
  #startSync(): void {
    const attempt = ++this.#syncing;
    this.#send(this.#peer(), { kind: "askBlocks", fromHeight: this.tip.height + 1 });
    this.#after(SYNC_TIMEOUT_MS, () => (attempt === this.#syncing ? this.#caughtUp() : undefined));
  }

  #caughtUp(): Promise<void> {
    this.#syncing += 1;
    return this.#input({ kind: "caughtUp", epoch: this.parts.epoch, tip: this.tip });
  }

  async #receive(from: number, wire: Wire): Promise<void> {
    if (!this.alive) return;
    switch (wire.kind) {
      case "engine":
        return this.#receiveEngine(from, wire.message);
      case "work":
        return this.setWork(true);
      case "body":
        this.#storeBody(wire.header);
        await this.#input({ kind: "bodyArrived", header: wire.header });
        return this.#application.wake();
      case "askBody": {
        const header = this.parts.disk.get(`body/${toHex(wire.digest)}`) as BlockHeader | undefined;
        if (header !== undefined) this.#send(from, { kind: "body", header });
        return;
      }
      case "askCertificates":
        for (const certificate of certificatesOfRange(this.state, wire.fromView, wire.toView, 64)) {
          this.#sendEngine(from, { kind: "certificate", certificate });
        }
        return;
      case "askBlocks":
        return this.#serveBlocks(from, wire.fromHeight);
      case "blocks":
        return this.#receiveBlocks(wire.headers, wire.finalization);
    }
  }

  #storeBody(header: BlockHeader): void {
    this.parts.disk.write(new Map([[`body/${toHex(digestOf(header))}`, header]]));
  }

  async #receiveEngine(from: number, message: EngineMessage): Promise<void> {
    const peer = this.parts.epoch.validators[from]!;
    if (message.kind === "vote" && !wantsVote(this.state, message.vote)) return;
    const life = this.#life;
    if (!(await this.#isVerified(message)) || life !== this.#life) return;
    await this.#input({ ...message, from: peer } as Input);
  }

  #isVerified(message: EngineMessage): Promise<boolean> {
    const { verified } = this.parts;
    const key =
      message.kind === "vote"
        ? message.vote
        : message.kind === "proposal"
          ? message.proposal
          : message.certificate;
    let verdict = verified.get(key);
    if (verdict === undefined) {
      verdict = this.#verify(message);
      verified.set(key, verdict);
    }
    return verdict;
  }

  async #verify(message: EngineMessage): Promise<boolean> {
    const { keys, config } = this.parts;
    const { chainId } = config;
    if (message.kind === "vote") {
      const verdicts = await verifyVotes(keys.verifier, chainId, keys.set, [message.vote satisfies Vote]);
      return verdicts[0]?.kind === "valid";
    }
    const verdict =
      message.kind === "proposal"
        ? await verifyProposal(keys.verifier, chainId, keys.set, message.proposal)
        : await verifyCertificate(keys.verifier, chainId, keys.set, message.certificate);
    return verdict.kind === "valid";
  }

  #serveBlocks(to: number, fromHeight: number): void {
    const { height, finalization } = this.tip;
    const headers: BlockHeader[] = [];
    for (let next = fromHeight; next <= height; next++)
      headers.push(this.parts.disk.get(`chain/${next}`) as BlockHeader);
    if (headers.length > 0) this.#send(to, { kind: "blocks", headers, finalization });
  }

  /** One finalization proves a range, its ancestors by parent digest. */
  async #receiveBlocks(
    headers: readonly BlockHeader[],
    finalization: Certificate | undefined,
  ): Promise<void> {
    const last = headers.at(-1);
    if (last === undefined || finalization === undefined || last.height <= this.tip.height) return;
    if (toHex(finalization.digest) !== toHex(digestOf(last))) return;
    if (!(await this.#isVerified({ kind: "certificate", certificate: finalization }))) return;
    const fresh = headers.filter(({ height }) => height > this.tip.height);
    let parent = this.tip.digest;
    for (const header of fresh) {
      if (toHex(header.parentDigest) !== toHex(parent)) return;
      parent = digestOf(header);
    }
    const tip: FinalizedTip = {
      digest: parent,
      height: toHeight(last.height),
      timestampMs: last.timestampMs,
      view: toView(finalization.view),
      finalization,
    };
    this.#commitTip(tip, fresh);
    const life = this.#life;
    this.parts.disk.sync(async () => {
      if (life !== this.#life) return;
      const blocks = fresh.map((header) => ({ header, digest: digestOf(header) }));
      this.parts.observer.synced(this.parts.index, blocks, finalization);
      await this.#caughtUp();
      await this.#application.wake();
    });
  }
}
