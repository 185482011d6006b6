import {
  assembleCertificate,
  certificatesOfRange,
  createState,
  type Effect,
  type EngineMessage,
  type FinalizedTip,
  type Input,
  type State,
  step,
  type TimerKind,
  wantsVote,
} from "@consilium/consensus";
import { equalBytes, toHex } from "@consilium/crypto";
import {
  type BlockHeader,
  type Certificate,
  digestOf,
  VoteKind,
  type VoteSubject,
} from "@consilium/protocol";
import { SimulatedApplication } from "./application.js";
import { DurableState } from "./durable-state.js";
import type { Wire } from "./network.js";
import type { NodeParts } from "./node-parts.js";

/** After this long a sync without an answer has made no progress. */
export const SYNC_TIMEOUT_MS = 2_000;
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
  readonly #durable: DurableState;
  readonly #timers = new Map<TimerKind, number>();
  #timerCount = 0;
  #work = false;
  #syncing = 0;

  constructor(private readonly parts: NodeParts) {
    this.state = createState(parts.config);
    this.#durable = new DurableState(parts.disk, parts.config.chainId, parts.genesis);
    parts.network.attach(parts.index, (from, wire) => this.#receive(from, wire));
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
    const { tip, record } = this.#durable;
    this.#reportChain(tip);
    await this.#input({
      kind: "restored",
      epoch: parts.epoch,
      tip,
      certificates: this.#durable.certificatesAboveTip(),
      headers: this.#durable.headersAboveTip(),
      ownVotes: record.kind === "valid" ? record.value.votes : [],
      mayVote: record.kind === "valid",
    });
    await this.#input({ kind: "workKnown", work: this.#work });
  }

  /** A finalization whose sync the crash cut short may have reached the disk all the same. */
  #reportChain({ finalization }: FinalizedTip): void {
    if (finalization === undefined) return;
    this.parts.observer.synced(this.parts.index, named(this.#durable.chainFrom(1)), finalization);
  }

  crash(): void {
    this.alive = false;
    this.#life += 1;
    this.#durable.crash();
    this.parts.observer.ran(this.parts.index, "crash");
  }

  async setWork(work: boolean): Promise<void> {
    this.#work = work;
    if (this.alive) await this.#input({ kind: "workKnown", work });
  }

  #makeApplication(): SimulatedApplication {
    const { config, keys, index, random } = this.parts;
    return new SimulatedApplication({
      chainId: config.chainId,
      author: keys.set[index]!.nodeId,
      random,
      nowMs: () => this.#nowMs(),
      after: (delayMs, action) => this.#after(delayMs, action),
      body: (digest) => this.#durable.body(digest),
      tip: () => this.#durable.tip,
      storeBody: (header) => this.#durable.writeBody(header),
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
          if (record.kind === "certificate") this.#durable.writeCertificate(record.certificate);
        }
        return this.#sync(() => {});
      case "sign":
        return this.#sign(effect.subject);
      case "finalize":
        this.#durable.commit(
          effect.blocks.map(({ header }) => header),
          effect.finalization,
        );
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
    this.#durable.sync(async () => {
      if (life !== this.#life) return;
      await then();
      this.#running = false;
      await this.#pump();
    });
    return true;
  }

  /** The signer: checks the record, makes the vote durable in it, and only then signs. */
  #sign(subject: VoteSubject): boolean {
    const { rules, keys, index } = this.parts;
    const { record } = this.#durable;
    if (record.kind !== "valid" || rules.canSign(record.value, subject).kind !== "valid") {
      this.#queue.push(...step(this.state, { kind: "signed", subject, vote: undefined }).effects);
      return false;
    }
    this.#durable.writeRecord(rules.recordVote(record.value, subject));
    return this.#sync(() => {
      const vote = keys.sign(index, subject);
      this.#queue.push(...step(this.state, { kind: "signed", subject, vote }).effects);
    });
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
    const header = this.#durable.body(toHex(effect.digest));
    if (header === undefined) this.#send(this.#peer(), { kind: "askBody", digest: effect.digest });
    else this.#queue.push(...step(this.state, { kind: "bodyArrived", header }).effects);
  }

  /** Asks one peer for a range of finalized blocks; no answer in time means no progress. */
  #startSync(): void {
    const attempt = ++this.#syncing;
    this.#send(this.#peer(), { kind: "askBlocks", fromHeight: this.#durable.tip.height + 1 });
    this.#after(SYNC_TIMEOUT_MS, () => (attempt === this.#syncing ? this.#caughtUp() : undefined));
  }

  #caughtUp(): Promise<void> {
    this.#syncing += 1;
    return this.#input({ kind: "caughtUp", epoch: this.parts.epoch, tip: this.#durable.tip });
  }

  async #receive(from: number, wire: Wire): Promise<void> {
    if (!this.alive) return;
    switch (wire.kind) {
      case "engine":
        return this.#receiveEngine(from, wire.message);
      case "work":
        return this.setWork(true);
      case "body":
        this.#durable.writeBody(wire.header);
        await this.#input({ kind: "bodyArrived", header: wire.header });
        return this.#application.wake();
      case "askBody": {
        const header = this.#durable.body(toHex(wire.digest));
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

  async #receiveEngine(from: number, message: EngineMessage): Promise<void> {
    const peer = this.parts.epoch.validators[from]!;
    if (message.kind === "vote" && !wantsVote(this.state, message.vote)) return;
    const life = this.#life;
    if (!(await this.parts.check.isValid(message)) || life !== this.#life) return;
    await this.#input({ ...message, from: peer } as Input);
  }

  #serveBlocks(to: number, fromHeight: number): void {
    const { finalization } = this.#durable.tip;
    const headers = this.#durable.chainFrom(fromHeight);
    if (headers.length > 0) this.#send(to, { kind: "blocks", headers, finalization });
  }

  /** One finalization proves a range, its ancestors by parent digest. */
  async #receiveBlocks(headers: readonly BlockHeader[], proof: Certificate | undefined): Promise<void> {
    const { height, digest } = this.#durable.tip;
    const fresh = named(headers.filter((header) => header.height > height));
    const last = fresh.at(-1);
    if (last === undefined || proof?.kind !== VoteKind.finalize || !equalBytes(proof.digest, last.digest))
      return;
    const parents = [digest, ...fresh.map((block) => block.digest)];
    if (!fresh.every(({ header }, index) => equalBytes(header.parentDigest, parents[index]!))) return;
    if (!(await this.parts.check.isValid({ kind: "certificate", certificate: proof }))) return;
    this.#durable.commit(
      fresh.map(({ header }) => header),
      proof,
    );
    const life = this.#life;
    this.#durable.sync(async () => {
      if (life !== this.#life) return;
      this.parts.observer.synced(this.parts.index, fresh, proof);
      await this.#caughtUp();
      await this.#application.wake();
    });
  }
}

const named = (headers: readonly BlockHeader[]): { header: BlockHeader; digest: Uint8Array }[] =>
  headers.map((header) => ({ header, digest: digestOf(header) }));
