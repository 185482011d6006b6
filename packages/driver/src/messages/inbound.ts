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
import { type Certificate, ignore, type Log, type Verdict, type Vote, VoteKind } from "@consilium/protocol";
import type { ChainCounters } from "../chain.js";
import { decodeMessage } from "./codec.js";
import type { PeerDesk } from "./peer-desk.js";
import { type ReceivedVote, VoteGroups } from "./vote-groups.js";

/** Messages that wait for verification: of one peer, and verified together. */
const WAITING_PER_PEER_MAX = 256;
const BATCH_MAX = 64;
/** A validator seen at work that few views ago need not be seen again now. */
const RECENT_VIEWS = 2;

interface Waiting {
  readonly from: string;
  readonly bytes: Uint8Array;
}

interface Decoded {
  readonly from: string;
  readonly message: EngineMessage;
}

export interface InboundOptions {
  readonly chainId: Uint8Array;
  readonly set: ValidatorSet;
  readonly verifier: VoteVerifier;
  readonly desk: PeerDesk;
  readonly counters: ChainCounters;
  readonly log: Log;
  /** The engine's memory, to leave out what it has or does not want. */
  readonly state: () => State;
  readonly enqueue: (input: Input) => void;
}

/** Consensus messages from peers: decoded, filtered, verified (votes in batches), and only then shown to the engine. */
export class Inbound {
  private readonly queue: Waiting[] = [];
  private readonly waiting = new Map<string, number>();
  private readonly groups = new VoteGroups();
  private draining = false;
  private stopped = false;

  constructor(private readonly options: InboundOptions) {}

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

  private async take(batch: readonly Waiting[]): Promise<void> {
    const { desk } = this.options;
    const decoded: Decoded[] = [];
    for (const { from, bytes } of batch) {
      const verdict = desk.decode(() => decodeMessage(bytes));
      if (verdict.kind === "valid") decoded.push({ from, message: verdict.value });
      else desk.judge(from, verdict);
    }
    await this.takeVotes(decoded);
    for (const { from, message } of decoded) {
      if (message.kind === "vote") continue;
      const verdict = await this.verify(message);
      if (desk.judge(from, verdict) === "accept") this.options.enqueue({ ...message, from });
    }
  }

  private async takeVotes(decoded: readonly Decoded[]): Promise<void> {
    const { chainId, set, verifier, desk, counters, enqueue } = this.options;
    const votes: ReceivedVote[] = [];
    for (const { from, message } of decoded) {
      if (message.kind !== "vote") continue;
      if (this.wants(message.vote)) votes.push(...this.ready({ from, vote: message.vote }));
      else counters.messagesIgnored += 1;
    }
    const bare = votes.map(({ vote }) => vote);
    const verdicts = await verifyVotes(verifier, chainId, set, bare);
    for (const [index, { from, vote }] of votes.entries()) {
      if (desk.judge(from, verdicts[index]!) === "accept") enqueue({ kind: "vote", vote, from });
    }
  }

  /** A vote whose certificate is here says nothing new, unless it asks for help or shows a validator to be at work. */
  private wants(vote: Vote): boolean {
    const state = this.options.state();
    if (!wantsVote(state, vote)) return false;
    if (vote.kind === VoteKind.nullify) return true;
    const seenAtWork = (state.lastSignedView[vote.validator] ?? 0) >= vote.view - RECENT_VIEWS;
    return !(seenAtWork && isSettled(state, vote));
  }

  private ready(received: ReceivedVote): ReceivedVote[] {
    const state = this.options.state();
    return isSettled(state, received.vote) ? [received] : this.groups.take(state, received);
  }

  private async verify(message: Exclude<EngineMessage, { kind: "vote" }>): Promise<Verdict<unknown>> {
    const { chainId, set, verifier } = this.options;
    const state = this.options.state();
    if (message.kind === "proposal") {
      const { vote } = message.proposal;
      if (vote.epoch !== state.epoch.epoch) return ignore("OTHER_EPOCH", "the proposal is of another epoch");
      return verifyProposal(verifier, chainId, set, message.proposal);
    }
    const { certificate } = message;
    if (certificate.epoch !== state.epoch.epoch)
      return ignore("OTHER_EPOCH", "the certificate is of another epoch");
    if (isOldNews(state, certificate)) return ignore("KNOWN_CERTIFICATE", "the certificate is here already");
    return verifyCertificate(verifier, chainId, set, certificate);
  }
}

const isSettled = (state: State, vote: Vote): boolean =>
  vote.view <= state.tip.view || certificateOf(state, vote) !== undefined;

/** Known certificates of the newest views say nothing; older ones may come from a peer that needs help. */
function isOldNews(state: State, certificate: Certificate): boolean {
  if (certificate.kind === VoteKind.finalize && certificate.view <= state.tip.view) return true;
  return certificate.view >= state.view - 1 && certificateOf(state, certificate) !== undefined;
}

function certificateOf(state: State, { kind, view }: { readonly kind: number; readonly view: number }) {
  const slot = state.slots.get(view);
  if (kind === VoteKind.notarize) return slot?.notarization;
  return kind === VoteKind.nullify ? slot?.nullification : slot?.finalization;
}
