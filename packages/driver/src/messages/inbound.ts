import {
  type EngineMessage,
  type Input,
  type State,
  type ValidatorSet,
  type VoteVerifier,
  verifyCertificate,
  verifyProposal,
  verifyVotes,
  wantsVote,
} from "@consilium/consensus";
import { toHex } from "@consilium/crypto";
import {
  type Certificate,
  type Clock,
  ignore,
  type Log,
  type Verdict,
  type Vote,
  VoteKind,
} from "@consilium/protocol";
import type { ChainCounters } from "../chain.js";
import type { EpochBook } from "../epochs/epoch-book.js";
import type { VoteArchive } from "../facts/vote-archive.js";
import { decodeMessage } from "./codec.js";
import { epochOf, type OtherEpochs } from "./other-epochs.js";
import { ParkedMessages, type WaitingMessage } from "./parked-messages.js";
import { PeerBudget } from "./peer-budget.js";
import type { PeerDesk } from "./peer-desk.js";
import { type ReceivedVote, VoteGroups } from "./vote-groups.js";

/** Messages that wait for verification: of one peer, and verified together. */
const WAITING_PER_PEER_MAX = 256;
const BATCH_MAX = 64;
/** A validator seen at work that few views ago need not be seen again now. */
const RECENT_VIEWS = 2;
/**
 * Votes and certificates of one peer that say nothing new but that it is behind: in a burst, and per second. True ones
 * can be replayed for ever, and each costs a pairing; a peer that is behind needs one answer.
 */
const PLEAS_AT_ONCE_MAX = 32;
const PLEAS_PER_SECOND_MAX = 8;

interface Decoded {
  readonly from: string;
  readonly message: EngineMessage;
}

export interface InboundOptions {
  readonly chainId: Uint8Array;
  readonly epochs: EpochBook;
  readonly others: OtherEpochs;
  readonly archive: VoteArchive;
  readonly verifier: VoteVerifier;
  readonly desk: PeerDesk;
  readonly counters: ChainCounters;
  readonly clock: Clock;
  readonly log: Log;
  /** The engine's memory, to leave out what it has or does not want. */
  readonly state: () => State;
  readonly enqueue: (input: Input) => void;
}

/** Consensus messages from peers: decoded, filtered, verified (votes in batches), and only then shown to the engine. */
export class Inbound {
  private readonly queue: WaitingMessage[] = [];
  private readonly waiting = new Map<string, number>();
  private groups = new VoteGroups();
  private readonly parked = new ParkedMessages();
  private readonly pleas: PeerBudget;
  private draining = false;
  private stopped = false;

  constructor(private readonly options: InboundOptions) {
    this.pleas = new PeerBudget(options.clock, PLEAS_AT_ONCE_MAX, PLEAS_PER_SECOND_MAX);
  }

  stop(): void {
    this.stopped = true;
    this.queue.length = 0;
  }

  message(from: string, bytes: Uint8Array): void {
    const waiting = this.waiting.get(from) ?? 0;
    if (this.stopped || waiting >= WAITING_PER_PEER_MAX) {
      this.options.counters.messagesDropped += 1;
      return;
    }
    this.waiting.set(from, waiting + 1);
    this.queue.push({ from, bytes });
    if (!this.draining) void this.drain();
  }

  /** The engine entered an epoch: what came early for it is looked at again. */
  epochEntered(): void {
    this.groups = new VoteGroups();
    for (const { from, bytes } of this.parked.take()) this.message(from, bytes);
  }

  private async drain(): Promise<void> {
    this.draining = true;
    // Messages of one read arrive in one turn of the event loop; they are verified together.
    await Promise.resolve();
    while (this.queue.length > 0) {
      const batch = this.queue.splice(0, BATCH_MAX);
      for (const { from } of batch) this.waiting.set(from, (this.waiting.get(from) ?? 1) - 1);
      try {
        await this.take(batch);
      } catch (error) {
        // A defect of this node, not of a peer: the batch is lost, which consensus bears, and the node stays up.
        this.options.counters.messagesDropped += batch.length;
        this.options.log.error({ error: String(error) }, "consensus messages not judged");
      }
    }
    this.draining = false;
  }

  private async take(batch: readonly WaitingMessage[]): Promise<void> {
    const { desk } = this.options;
    const present: Decoded[] = [];
    const epoch = this.options.state().epoch.epoch;
    for (const each of batch) {
      const verdict = desk.decode(() => decodeMessage(each.bytes));
      if (verdict.kind !== "valid") desk.judge(each.from, verdict);
      else if (epochOf(verdict.value) === epoch) present.push({ from: each.from, message: verdict.value });
      else this.takeOther(each, verdict.value, epoch);
    }
    const set = this.options.epochs.setOf(epoch);
    if (set === undefined || present.length === 0) return;
    await this.takeVotes(present, set);
    for (const { from, message } of present) {
      if (message.kind === "vote") continue;
      const verdict = await this.verify(from, message, set);
      if (desk.judge(from, verdict) === "accept") this.options.enqueue({ ...message, from });
    }
  }

  private takeOther(waiting: WaitingMessage, message: EngineMessage, epoch: number): void {
    const { others, archive, counters } = this.options;
    const { from } = waiting;
    counters.messagesIgnored += 1;
    if (epochOf(message) < epoch) {
      others.older(from, message);
      // Late votes of the epoch before still count.
      if (message.kind === "vote" && this.isSigner(from, message.vote)) archive.offer(message.vote);
      return;
    }
    if (epochOf(message) === epoch + 1) this.parked.park(waiting);
    void others.later(from, message);
  }

  private async takeVotes(decoded: readonly Decoded[], set: ValidatorSet): Promise<void> {
    const { chainId, verifier, desk, counters, enqueue, archive } = this.options;
    const votes: ReceivedVote[] = [];
    for (const { from, message } of decoded) {
      if (message.kind !== "vote") continue;
      votes.push(...this.archived({ from, vote: message.vote }));
      if (this.wants(from, message.vote)) votes.push(...this.ready({ from, vote: message.vote }));
      else counters.messagesIgnored += 1;
    }
    const distinct = [...new Map(votes.map((each) => [each.vote, each])).values()];
    const verdicts = await verifyVotes(
      verifier,
      chainId,
      set,
      distinct.map(({ vote }) => vote),
    );
    for (const [index, { from, vote }] of distinct.entries()) {
      if (desk.judge(from, verdicts[index]!) !== "accept") continue;
      archive.add(vote);
      enqueue({ kind: "vote", vote, from });
    }
  }

  /** Every vote from its own validator is kept for the facts; contradicting ones are verified at once. */
  private archived({ from, vote }: ReceivedVote): ReceivedVote[] {
    if (!this.isSigner(from, vote)) return [];
    return this.options.archive.offer(vote).map((each) => ({ from, vote: each }));
  }

  private isSigner(from: string, vote: Vote): boolean {
    const validator = this.options.epochs.setOf(vote.epoch)?.[vote.validator];
    return validator !== undefined && toHex(validator.nodeId) === from;
  }

  /** A vote whose certificate is here says nothing new, unless it asks for help or shows a validator to be at work. */
  private wants(from: string, vote: Vote): boolean {
    const state = this.options.state();
    if (!wantsVote(state, vote)) return false;
    if (vote.kind === VoteKind.nullify) return !isLongOver(state, vote) || this.pleas.take(from);
    const seenAtWork = (state.lastSignedView[vote.validator] ?? 0) >= vote.view - RECENT_VIEWS;
    return !(seenAtWork && isSettled(state, vote));
  }

  private ready(received: ReceivedVote): ReceivedVote[] {
    const state = this.options.state();
    return isSettled(state, received.vote) ? [received] : this.groups.take(state, received);
  }

  private async verify(
    from: string,
    message: Exclude<EngineMessage, { kind: "vote" }>,
    set: ValidatorSet,
  ): Promise<Verdict<unknown>> {
    const { chainId, verifier, epochs } = this.options;
    if (message.kind === "proposal") {
      const before = epochs.setOf(message.proposal.vote.epoch - 1);
      const verdict = await verifyProposal(verifier, chainId, set, message.proposal, before);
      // It names only this vote's validator, whoever passed it on.
      if (verdict.kind === "valid") this.options.archive.add(message.proposal.vote);
      return verdict;
    }
    const { certificate } = message;
    const state = this.options.state();
    if (isOldNews(state, certificate)) return ignore("KNOWN_CERTIFICATE", "the certificate is here already");
    if (isLongOver(state, certificate) && isSettled(state, certificate) && !this.pleas.take(from))
      return ignore("PLEA_QUOTA", "too many old certificates come from this peer");
    return verifyCertificate(verifier, chainId, set, certificate);
  }
}

type Spoken = { readonly kind: number; readonly view: number };

const isSettled = (state: State, spoken: Spoken): boolean =>
  spoken.view <= state.tip.view || certificateOf(state, spoken) !== undefined;

/** So old that it can only ask for help. */
const isLongOver = (state: State, { view }: Spoken): boolean => view < state.view - RECENT_VIEWS;

/** Known certificates of the newest views say nothing; older ones may come from a peer that needs help. */
function isOldNews(state: State, certificate: Certificate): boolean {
  if (certificate.kind === VoteKind.finalize && certificate.view <= state.tip.view) return true;
  return certificate.view >= state.view - 1 && certificateOf(state, certificate) !== undefined;
}

function certificateOf(state: State, { kind, view }: Spoken) {
  const slot = state.slots.get(view);
  if (kind === VoteKind.notarize) return slot?.notarization;
  return kind === VoteKind.nullify ? slot?.nullification : slot?.finalization;
}
