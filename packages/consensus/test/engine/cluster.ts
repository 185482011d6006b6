import { fromHex, toHex } from "@consilium/crypto";
import {
  BLOCK_VERSION,
  type BlockHeader,
  type Certificate,
  digestOf,
  epochOfHeight,
  isBoundaryHeight,
  quorumOf,
  toEpoch,
  toHeight,
  toView,
  type Vote,
  VoteKind,
  type VoteSubject,
  valid,
  ZERO_32,
} from "@consilium/protocol";
import { expect } from "vitest";
import {
  certificatesOfRange,
  createState,
  type Effect,
  type EngineMessage,
  type EpochContext,
  type FinalizedTip,
  type Input,
  newestCertificates,
  step,
} from "../../src/engine/index.js";
import { canSign, emptySafetyRecord, pruneSafetyRecord, recordVote } from "../../src/safety-record.js";
import {
  contextOf,
  type Disk,
  epochOfMessage,
  LENGTH_HEIGHTS,
  NODES,
  type Node,
  VirtualTime,
} from "./cluster-parts.js";
import { chainId, genesis, nodeId, voteBy } from "./harness.js";

export interface Weather {
  readonly delayMsMax: number;
  readonly lossPercent: number;
}

/**
 * A whole network of engines with a minimal driver around each: virtual time, messages that are late, reordered or lost,
 * and crashes between any two effects. It checks what must hold while it runs; a violation fails the test at once.
 */
export class Cluster {
  readonly nodes: Node[];
  /** Digest of the final block of each height, in hex, as the first node that finalized it has it. */
  readonly finalized = new Map<number, string>();
  /** Blocks finalized under a certificate of a view in which they were proposed again. */
  repeated = 0;
  /** Asked before each effect; returning true kills the node there. */
  crashBefore: (node: Node, effect: Effect) => boolean = () => false;
  weather: Weather = { delayMsMax: 20, lossPercent: 0 };
  private readonly time = new VirtualTime();
  private readonly signed = new Map<string, VoteSubject[]>();

  constructor(private readonly draw: (below: number) => number) {
    this.nodes = Array.from({ length: NODES }, (_, index) => this.makeNode(index));
    for (const node of this.nodes) this.start(node);
  }

  /** Runs until the condition holds; false when it did not within that much simulated time. */
  runUntil(done: () => boolean, limitMs: number): boolean {
    return this.time.runUntil(done, limitMs);
  }

  crash(node: Node): void {
    node.alive = false;
    node.life += 1;
    node.held.clear();
    node.inputs.length = 0;
    node.checks = [];
    node.timers.clear();
  }

  restartLater(node: Node, delayMs: number): void {
    this.schedule(delayMs, () => !node.alive && this.start(node));
  }

  private makeNode(index: number): Node {
    const disk: Disk = {
      record: emptySafetyRecord(chainId),
      certificates: [],
      bodies: new Map(),
      chain: [],
      finalization: undefined,
      boundaries: new Map(),
    };
    const volatile = { state: createState(this.config(index)), held: new Map(), inputs: [], checks: [] };
    return { index, disk, ...volatile, timers: new Map(), alive: false, life: 0, performed: 0 };
  }

  private config(index: number) {
    const pace = { deltaMs: 40, blockIntervalMs: 5, heartbeatMs: 200, inactivityViews: 10 };
    return { chainId, self: nodeId(index), ...pace, blockPayloadBytes: 2 ** 21 };
  }

  private start(node: Node): void {
    const { disk } = node;
    node.alive = true;
    node.state = createState(this.config(node.index));
    for (const [key, header] of disk.bodies) node.held.set(key, header);
    const { certificates, record } = disk;
    const headers = [...disk.bodies.values()];
    const durable = { certificates: [...certificates], headers, ownVotes: record.votes };
    this.feed(node, { kind: "restored", ...this.standing(node), ...durable, mayVote: true });
    this.feed(node, { kind: "workKnown", work: true });
  }

  /** The epoch at work and the engine's tip, from durable state. */
  private standing({ disk }: Node): { epoch: EpochContext; tip: FinalizedTip } {
    const last = disk.chain.at(-1);
    if (last === undefined) return { epoch: contextOf(0), tip: genesis };
    const { height, timestampMs, epoch } = last;
    const ended = isBoundaryHeight(height, LENGTH_HEIGHTS);
    const view = toView(ended ? 0 : (disk.finalization?.view ?? 0));
    const tip = {
      digest: digestOf(last),
      height: toHeight(height),
      timestampMs,
      view,
      finalization: disk.finalization,
    };
    return { epoch: contextOf(ended ? epoch + 1 : epoch), tip };
  }

  private feed(node: Node, input: Input): void {
    node.inputs.push(input);
    if (node.inputs.length > 1) return;
    const { life } = node;
    // The input at work stays in the list until its effects have run; answers stand right behind it.
    for (let next = node.inputs[0]; next !== undefined; next = node.inputs[0]) {
      for (const effect of step(node.state, next).effects) {
        if (this.crashBefore(node, effect)) this.crash(node);
        if (node.life !== life) return;
        node.performed += 1;
        this.perform(node, effect);
      }
      node.inputs.shift();
    }
  }

  /** Right after the input at work, before whatever else waits. */
  private answer(node: Node, input: Input): void {
    node.inputs.splice(1, 0, input);
  }

  private perform(node: Node, effect: Effect): void {
    if (effect.kind === "persist") this.persist(node, effect);
    else if (effect.kind === "sign") this.sign(node, effect.subject);
    else if (effect.kind === "broadcast") this.broadcast(node, effect.message);
    else if (effect.kind === "send") this.send(node, this.byId(effect.to), effect.message);
    else if (effect.kind === "setTimer") this.setTimer(node, effect);
    else if (effect.kind === "assemble") this.assemble(node, effect.votes);
    else if (effect.kind === "fetch") this.fetch(node, effect);
    else if (effect.kind === "startSync") this.sync(node);
    else if (effect.kind === "buildPayload") this.build(node, effect);
    else if (effect.kind === "finalize") this.finalize(node, effect);
    else if (effect.kind === "checkPayload") {
      node.checks.push(effect);
      this.judge(node);
    } else if (effect.kind === "reportFault") {
      expect.fail(`node ${node.index} blames: ${effect.code} ${effect.reason}`);
    }
  }

  private persist(node: Node, { records }: Extract<Effect, { kind: "persist" }>): void {
    for (const record of records) {
      if (record.kind === "certificate") node.disk.certificates.push(record.certificate);
      else {
        const header = node.held.get(toHex(record.digest));
        expect(header, "a body that is made durable is here").toBeDefined();
        if (header !== undefined) node.disk.bodies.set(toHex(record.digest), header);
      }
    }
  }

  private sign(node: Node, subject: VoteSubject): void {
    const verdict = canSign(node.disk.record, subject);
    // Sync may have finalized the view meanwhile; nothing else is ever refused.
    if (verdict.kind !== "valid") expect(verdict.code).toBe("SAFETY_BELOW_FLOOR");
    else {
      node.disk.record = recordVote(node.disk.record, subject);
      this.checkVotes(node, subject);
    }
    const validator = contextOf(subject.epoch).validators.indexOf(nodeId(node.index));
    expect(validator).toBeGreaterThanOrEqual(0);
    const vote = verdict.kind === "valid" ? voteBy(validator, subject) : undefined;
    this.answer(node, { kind: "signed", subject, vote });
  }

  /** At most one vote of a kind in a view, never nullify with finalize, never notarize after nullify; in all lives. */
  private checkVotes(node: Node, subject: VoteSubject): void {
    const key = `${node.index} ${subject.epoch} ${subject.view}`;
    const votes = this.signed.get(key) ?? [];
    this.signed.set(key, votes);
    const same = votes.filter(({ kind }) => kind === subject.kind);
    for (const vote of same) expect(vote).toEqual(subject);
    if (same.length > 0) return;
    const kinds = votes.map(({ kind }) => kind);
    if (subject.kind !== VoteKind.finalize) expect(kinds).not.toContain(VoteKind.nullify);
    if (subject.kind === VoteKind.nullify) expect(kinds).not.toContain(VoteKind.finalize);
    if (subject.kind === VoteKind.finalize) expect(kinds).not.toContain(VoteKind.nullify);
    votes.push(subject);
  }

  private broadcast(node: Node, message: EngineMessage): void {
    const isFinal = message.kind === "certificate" && message.certificate.kind === VoteKind.finalize;
    const seated = node.state.epoch.validators;
    for (const other of this.nodes) {
      if (other !== node && (isFinal || seated.includes(nodeId(other.index))))
        this.send(node, other, message);
    }
    if (message.kind !== "proposal") return;
    for (const other of this.nodes) this.bringBody(node, other, message.proposal.vote.digest);
  }

  private bringBody(from: Node, to: Node, digest: Uint8Array): void {
    const header = from.held.get(toHex(digest));
    if (header === undefined) return;
    this.transmit(to, () => {
      to.held.set(toHex(digest), header);
      this.feed(to, { kind: "bodyArrived", header });
      this.judge(to);
    });
  }

  private send(from: Node, to: Node, message: EngineMessage): void {
    this.transmit(to, () => this.receive(to, from, message));
  }

  /** What a driver does before the engine sees a message: other epochs are answered or caught up with. */
  private receive(node: Node, from: Node, message: EngineMessage): void {
    const epoch = epochOfMessage(message);
    const atWork = node.state.epoch.epoch;
    if (epoch === atWork) this.feed(node, { ...message, from: nodeId(from.index) } as Input);
    else if (epoch > atWork) this.sync(node);
    else {
      const isFinal = message.kind === "certificate" && message.certificate.kind === VoteKind.finalize;
      const boundary = node.disk.boundaries.get(epoch);
      expect(boundary, "every epoch that is over has its boundary's finalization").toBeDefined();
      if (!isFinal && boundary) this.send(node, from, { kind: "certificate", certificate: boundary });
      return;
    }
    this.feed(node, { ...message, from: nodeId(from.index) } as Input);
  }

  private setTimer(node: Node, { epoch, view, timer, delayMs }: Extract<Effect, { kind: "setTimer" }>): void {
    const { life } = node;
    const name = this.schedule(delayMs, () => {
      if (node.life !== life || node.timers.get(timer) !== name) return;
      this.feed(node, { kind: "timeout", epoch, view, timer });
    });
    node.timers.set(timer, name);
  }

  private assemble(node: Node, votes: readonly Vote[]): void {
    const { length } = node.state.epoch.validators;
    expect(new Set(votes.map(({ validator }) => validator)).size).toBeGreaterThanOrEqual(quorumOf(length));
    let bits = 0;
    for (const { validator } of votes) bits |= 1 << validator;
    const { validator: _validator, ...subject } = votes[0]!;
    this.answer(node, {
      kind: "certificate",
      certificate: { ...subject, bitmap: Uint8Array.of(bits) },
      from: undefined,
    });
  }

  private fetch(node: Node, effect: Extract<Effect, { kind: "fetch" }>): void {
    const peer = this.nodes[(node.index + 1 + this.draw(NODES - 1)) % NODES]!;
    if (!peer.alive) return;
    if (effect.what === "body") {
      const own = node.held.get(toHex(effect.digest));
      if (own !== undefined) this.answer(node, { kind: "bodyArrived", header: own });
      else this.bringBody(peer, node, effect.digest);
    } else if (peer.state.epoch.epoch === effect.epoch) {
      for (const certificate of certificatesOfRange(peer.state, effect.fromView, effect.toView, 64))
        this.send(peer, node, { kind: "certificate", certificate });
    }
  }

  /** Range sync in one stroke from whoever has finalized most; each boundary's finalization comes along. */
  private sync(node: Node): void {
    const best = this.nodes.reduce((left, right) =>
      right.disk.chain.length > left.disk.chain.length ? right : left,
    );
    const { disk } = node;
    if (best.disk.chain.length > disk.chain.length && best.disk.finalization !== undefined) {
      for (const header of best.disk.chain.slice(disk.chain.length)) this.land(node, header);
      for (const [epoch, certificate] of best.disk.boundaries) disk.boundaries.set(epoch, certificate);
      this.raiseFloor(node, best.disk.finalization);
    }
    const standing = this.standing(node);
    const kind = standing.epoch.epoch > node.state.epoch.epoch ? "newEpoch" : "caughtUp";
    const input: Input = kind === "caughtUp" ? { kind, ...standing } : { kind, ...standing, mayVote: true };
    if (node.inputs.length > 0) this.answer(node, input);
    else this.feed(node, input);
  }

  private build(node: Node, { epoch, view, parent }: Extract<Effect, { kind: "buildPayload" }>): void {
    const height = parent.height + 1;
    const ends = isBoundaryHeight(height, LENGTH_HEIGHTS);
    const header: BlockHeader = {
      version: BLOCK_VERSION,
      chainId,
      epoch,
      height,
      parentDigest: parent.digest,
      author: fromHex(nodeId(node.index)),
      timestampMs: Math.max(parent.timestampMs + 1, genesis.timestampMs + this.time.nowMs),
      payloadRoot: ZERO_32,
      stateRoot: ZERO_32,
      nextSetRoot: ends ? new Uint8Array(32).fill(epoch + 2) : ZERO_32,
    };
    node.held.set(toHex(digestOf(header)), header);
    node.inputs.push({ kind: "payloadBuilt", epoch, view, header });
  }

  private judge(node: Node): void {
    const ready = node.checks.filter(({ digest }) => node.held.has(toHex(digest)));
    node.checks = node.checks.filter((check) => !ready.includes(check));
    for (const { epoch, view, digest } of ready) {
      const input: Input = { kind: "payloadChecked", epoch, view, digest, verdict: valid(undefined) };
      if (node.inputs.length > 0) node.inputs.push(input);
      else this.feed(node, input);
    }
  }

  private finalize(node: Node, { finalization, blocks }: Extract<Effect, { kind: "finalize" }>): void {
    for (const { header } of blocks) if (header.height > node.disk.chain.length) this.land(node, header);
    const last = blocks.at(-1)!.header;
    if (last.height !== node.disk.chain.length) return;
    this.raiseFloor(node, finalization);
    if (!isBoundaryHeight(last.height, LENGTH_HEIGHTS)) return;
    const proposer = contextOf(last.epoch).proposerOrder[(finalization.view - 1) % (NODES - 1)]!;
    if (contextOf(last.epoch).validators[proposer] !== toHex(last.author)) this.repeated += 1;
    node.disk.boundaries.set(last.epoch, finalization);
    this.answer(node, { kind: "newEpoch", ...this.standing(node), mayVote: true });
  }

  /** Invariants 1 and 4, and that each height stands in its epoch. */
  private land(node: Node, header: BlockHeader): void {
    const digest = toHex(digestOf(header));
    const parent = node.disk.chain.at(-1);
    expect(header.height).toBe(node.disk.chain.length + 1);
    expect(toHex(header.parentDigest)).toBe(toHex(parent ? digestOf(parent) : genesis.digest));
    expect(header.epoch).toBe(epochOfHeight(header.height, LENGTH_HEIGHTS));
    const known = this.finalized.get(header.height) ?? digest;
    expect(digest, `one block at height ${header.height}`).toBe(known);
    this.finalized.set(header.height, digest);
    node.held.set(digest, header);
    node.disk.bodies.set(digest, header);
    node.disk.chain.push(header);
  }

  private raiseFloor({ disk }: Node, finalization: Certificate): void {
    const { epoch, view } = finalization;
    disk.finalization = finalization;
    disk.record = pruneSafetyRecord(disk.record, { epoch: toEpoch(epoch), view: toView(view) });
    disk.certificates = disk.certificates.filter(
      (each) => each.epoch > epoch || (each.epoch === epoch && each.view > view),
    );
  }

  private transmit(to: Node, arrive: () => void): void {
    if (this.draw(100) < this.weather.lossPercent) return;
    this.schedule(1 + this.draw(this.weather.delayMsMax), () => {
      if (to.alive) arrive();
    });
  }

  private schedule(delayMs: number, run: () => void): number {
    return this.time.schedule(delayMs, run);
  }

  private byId(id: string): Node {
    return this.nodes.find(({ index }) => nodeId(index) === id)!;
  }

  /** A node that was gone greets the others as drivers do: here is where I stand. */
  greet(): void {
    for (const node of this.nodes) {
      for (const other of this.nodes) {
        if (other === node || !node.alive) continue;
        for (const certificate of newestCertificates(node.state))
          this.send(node, other, { kind: "certificate", certificate });
      }
    }
  }
}
