import {
  assembleCertificate,
  type Effect,
  type Input,
  type PersistRecord,
  type State,
  step,
} from "@consilium/consensus";
import { ConsiliumError, toHex } from "@consilium/crypto";
import {
  Block,
  type Certificate,
  type HexId,
  isBoundaryHeight,
  type Timer,
  VoteKind,
} from "@consilium/protocol";
import { engineTip } from "../epochs/engine-tip.js";
import { encodeMessage } from "../messages/codec.js";
import type { BlockWork } from "./block-work.js";
import type { RunnerOptions } from "./runner-options.js";

/** Heights before a boundary from which the next epoch's validators hear all votes: they include the late ones. */
const HEIGHTS_SHARED_WITH_NEXT_SET = 3;

/**
 * Feeds the engine and runs its effects, strictly in order: an effect that writes has landed before the next one runs,
 * and no input is stepped while effects of the one before it are still running.
 */
export class EngineRunner {
  private readonly inputs: Input[] = [];
  private readonly timers = new Map<string, Timer>();
  private readonly published = new Set<string>();
  /** Bodies that the effects of the current step name, by digest in hex. */
  private readonly held = new Map<string, Block>();
  private pumping: Promise<void> | undefined;
  private stopped = false;

  constructor(
    readonly state: State,
    private readonly options: RunnerOptions,
    private readonly work: BlockWork,
  ) {}

  enqueue(input: Input): void {
    if (this.stopped) return;
    this.inputs.push(input);
    this.pumping ??= this.pump();
  }

  /** Lets the effect that runs finish; nothing runs after it. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.inputs.length = 0;
    for (const timer of this.timers.values()) timer.cancel();
    this.timers.clear();
    await this.pumping;
  }

  private async pump(): Promise<void> {
    // Inputs of one turn of the event loop are stepped one after the other, but never inside the caller.
    await Promise.resolve();
    try {
      for (let input = this.inputs.shift(); input !== undefined; input = this.inputs.shift()) {
        const { effects } = step(this.state, input);
        if (input.kind === "newEpoch") this.options.epochEntered();
        this.hold(effects);
        for (const effect of effects) {
          if (this.stopped) return;
          await this.perform(effect);
        }
        await this.turnEpoch();
      }
    } catch (error) {
      this.options.fatal(error);
    } finally {
      this.pumping = undefined;
    }
  }

  /** The boundary block is final: the engine enters the next epoch before it sees any other input. */
  private async turnEpoch(): Promise<void> {
    if (this.stopped || this.state.syncing || !this.state.started) return;
    if (this.options.epochs.current === this.state.epoch.epoch) return;
    this.inputs.unshift(await this.standing());
  }

  /** Where this node stands now: in the epoch that the engine knows, or in a later one, with its seat judged anew. */
  private async standing(): Promise<Input> {
    const { finalizer, epochs, seat, log } = this.options;
    const { tip, finalization } = finalizer;
    const epoch = epochs.contextOf(epochs.current);
    if (epoch === undefined) {
      throw new ConsiliumError("EPOCH_UNKNOWN", "The validators of the epoch at work are not known here.", {
        epoch: epochs.current,
      });
    }
    const standing = { epoch, tip: engineTip(tip, finalization, epoch.epoch) };
    if (epoch.epoch === this.state.epoch.epoch) return { kind: "caughtUp", ...standing };
    const mayVote = await seat.take(epoch.epoch);
    log.info({ epoch: epoch.epoch, validators: epoch.validators.length, mayVote }, "epoch begins");
    return { kind: "newEpoch", ...standing, mayVote };
  }

  /** Taken before the first effect waits for the disk: meanwhile other bodies may push these out of memory. */
  private hold(effects: readonly Effect[]): void {
    this.held.clear();
    for (const digest of effects.flatMap(bodiesNamedBy)) {
      const block = this.options.tree.body(digest);
      if (block !== undefined) this.held.set(toHex(digest), block);
    }
  }

  private async perform(effect: Effect): Promise<void> {
    switch (effect.kind) {
      case "persist":
        return this.persist(effect.records);
      case "sign":
        return this.sign(effect);
      case "finalize":
        return this.finalize(effect);
      case "broadcast":
        return this.broadcast(effect);
      case "send":
        return this.options.transport.send(effect.to, encodeMessage(effect.message));
      case "forwardWork":
        return this.options.intake.forwardTo(effect.to);
      case "setTimer":
        return this.setTimer(effect);
      case "assemble":
        return this.assemble(effect);
      case "fetch":
        if (effect.what === "body") return this.options.fetcher.body(effect.digest);
        return this.options.fetcher.certificates(effect.epoch, effect.fromView, effect.toView);
      case "startSync":
        return this.startSync(effect.target);
      case "buildPayload":
        return this.work.build(effect);
      case "checkPayload":
        return this.work.check(effect);
      case "reportFault":
        return this.reportFault(effect);
    }
  }

  private async persist(records: readonly PersistRecord[]): Promise<void> {
    const { store, tree, counters } = this.options;
    const bodies: Block[] = [];
    const certificates: Certificate[] = [];
    for (const record of records) {
      if (record.kind === "certificate") certificates.push(record.certificate);
      else if (!this.isOvertaken(record.digest)) bodies.push(this.bodyOf(record.digest));
    }
    await store.persist(bodies, certificates);
    for (const certificate of certificates) this.options.archive.addCertificate(certificate);
    for (const { kind, digest } of certificates) {
      if (kind === VoteKind.nullify) counters.viewsNullified += 1;
      // Executed off the vote path, so that the next block finds its parent's state ready.
      else tree.execution(digest).catch(() => {});
    }
  }

  private bodyOf(digest: Uint8Array): Block {
    const block = this.held.get(toHex(digest));
    if (block !== undefined) return block;
    throw new ConsiliumError("BLOCK_UNKNOWN", "A body that is to be kept is not here.", {
      digest: toHex(digest),
    });
  }

  /** Range sync moved past a block that was being built or judged: nobody needs its body, and no vote can revive it. */
  private isOvertaken(digest: Uint8Array): boolean {
    const known = this.state.blocks.get(toHex(digest));
    return known !== undefined && known.header.height <= this.options.finalizer.tip.height;
  }

  private async sign({ subject }: Extract<Effect, { kind: "sign" }>): Promise<void> {
    const vote = await this.options.seat.sign(subject);
    if (vote !== undefined) {
      this.options.counters.votesSigned += 1;
      this.options.archive.add(vote);
    }
    this.inputs.unshift({ kind: "signed", subject, vote });
  }

  private async finalize({ finalization, blocks }: Extract<Effect, { kind: "finalize" }>): Promise<void> {
    const bodies = blocks.map(({ digest }) => this.bodyOf(digest));
    await this.options.finalizer.commit(bodies, finalization);
    this.noteTip();
  }

  private noteTip(): void {
    const { finalizer, archive, epochs, advanced } = this.options;
    archive.moved(finalizer.tip, isBoundaryHeight(finalizer.tip.height, epochs.lengthHeights));
    advanced();
  }

  private broadcast({ message }: Extract<Effect, { kind: "broadcast" }>): void {
    const { transport, self } = this.options;
    const to = new Set([...this.state.epoch.validators, ...this.nextValidators()]);
    // Those who only follow learn of progress from finalizations.
    const final = message.kind === "certificate" && message.certificate.kind === VoteKind.finalize;
    if (final) for (const peer of transport.connected()) to.add(peer);
    to.delete(self);
    transport.broadcast([...to], encodeMessage(message));
    if (message.kind === "proposal")
      this.publishBody(message.proposal.vote.digest, message.proposal.header.author);
  }

  /** The next epoch's validators, once the boundary is near. */
  private nextValidators(): readonly HexId[] {
    const { epochs, finalizer } = this.options;
    const { epoch, lastHeight } = this.state.epoch;
    if (finalizer.tip.height < lastHeight - HEIGHTS_SHARED_WITH_NEXT_SET) return [];
    return (epochs.setOf(epoch + 1) ?? []).map(({ nodeId }) => toHex(nodeId));
  }

  /** An own block's body goes out with its first proposal; who misses it asks. */
  private publishBody(digest: Uint8Array, author: Uint8Array): void {
    const name = toHex(digest);
    if (toHex(author) !== this.options.self || this.published.has(name)) return;
    this.published.clear();
    this.published.add(name);
    const block = this.options.tree.body(digest);
    if (block !== undefined) this.options.transport.publish("blocks", Block.serialize(block));
  }

  private setTimer({ epoch, view, timer, delayMs }: Extract<Effect, { kind: "setTimer" }>): void {
    this.timers.get(timer)?.cancel();
    const handle = this.options.clock.setTimer(delayMs, () =>
      this.enqueue({ kind: "timeout", epoch, view, timer }),
    );
    this.timers.set(timer, handle);
  }

  private async assemble({ votes }: Extract<Effect, { kind: "assemble" }>): Promise<void> {
    const set = this.options.epochs.setOf(this.state.epoch.epoch) ?? [];
    const certificate = await assembleCertificate(this.options.verifier, set, votes);
    this.inputs.unshift({ kind: "certificate", certificate, from: undefined });
  }

  private startSync(target: Certificate): void {
    const { catchUp, fatal } = this.options;
    catchUp
      .run(target)
      .then(async () => {
        // The store may belong to the next start by now.
        if (this.stopped) return;
        this.noteTip();
        this.enqueue(await this.standing());
      })
      .catch(fatal);
  }

  private async reportFault(effect: Extract<Effect, { kind: "reportFault" }>): Promise<void> {
    const { log, peerFault, seat, evidence: desk } = this.options;
    const { code, reason, peer, validator, evidence } = effect;
    log.warn({ code, reason, peer, validator, evidence: evidence.length }, "fault reported by the engine");
    if (code === "SAFETY_VIOLATION") {
      throw new ConsiliumError(
        "SAFETY_VIOLATION",
        "Finalized history is contradicted; stop and ask the alliance.",
      );
    }
    if (code === "OWN_KEY_ELSEWHERE") await seat.forfeit();
    const [first, second] = evidence;
    if (code === "EQUIVOCATION" && first !== undefined && second !== undefined) desk.report(first, second);
    // A contradicting vote is its signer's fault, not the fault of a peer that passed it on.
    const passedOn = validator === undefined || this.state.epoch.validators[validator] !== peer;
    const blameless = code === "OWN_KEY_ELSEWHERE" || (code === "EQUIVOCATION" && passedOn);
    if (peer !== undefined && !blameless) peerFault(peer, code);
  }
}

function bodiesNamedBy(effect: Effect): Uint8Array[] {
  if (effect.kind === "finalize") return effect.blocks.map(({ digest }) => digest);
  if (effect.kind !== "persist") return [];
  return effect.records.flatMap((record) => (record.kind === "body" ? [record.digest] : []));
}
