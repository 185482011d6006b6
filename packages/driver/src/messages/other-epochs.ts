import {
  type EngineMessage,
  type Input,
  type VoteVerifier,
  verifyCertificate,
  verifyHandover,
} from "@consilium/consensus";
import { codeOf } from "@consilium/crypto";
import {
  type Clock,
  decodeStrict,
  fault,
  HandoversRequest,
  HandoversResponse,
  type Log,
  RequestProtocol,
  type Transport,
  type Verdict,
  VoteKind,
} from "@consilium/protocol";
import type { EpochBook } from "../epochs/epoch-book.js";
import type { ChainStore } from "../store/chain-store.js";
import { encodeMessage } from "./codec.js";
import { PeerBudget } from "./peer-budget.js";
import type { PeerDesk } from "./peer-desk.js";

/** Boundary finalizations sent to one peer that speaks of an epoch that is over: in a burst, and per second. */
const ANSWERS_AT_ONCE_MAX = 8;
const ANSWERS_PER_SECOND_MAX = 2;
/** Peers are asked how the epoch at work ended at most that often, each. */
const PROBES_AT_ONCE_MAX = 4;
const PROBES_PER_SECOND_MAX = 1;
const PROBE_TIMEOUT_MS = 2_000;

/** The epoch that a message speaks of. */
export function epochOf(message: EngineMessage): number {
  if (message.kind === "proposal") return message.proposal.vote.epoch;
  return message.kind === "vote" ? message.vote.epoch : message.certificate.epoch;
}

export interface OtherEpochsOptions {
  readonly chainId: Uint8Array;
  readonly epochs: EpochBook;
  readonly store: ChainStore;
  readonly transport: Transport;
  readonly verifier: VoteVerifier;
  readonly clock: Clock;
  readonly desk: PeerDesk;
  readonly log: Log;
  readonly enqueue: (input: Input) => void;
}

/** Messages of another epoch than the one at work: who is behind is helped, who is ahead shows the way. */
export class OtherEpochs {
  private readonly answers: PeerBudget;
  private readonly probes: PeerBudget;
  /** Peers under question: one that is slow to answer must not keep this node from asking another. */
  private readonly probing = new Set<string>();

  constructor(private readonly options: OtherEpochsOptions) {
    this.answers = new PeerBudget(options.clock, ANSWERS_AT_ONCE_MAX, ANSWERS_PER_SECOND_MAX);
    this.probes = new PeerBudget(options.clock, PROBES_AT_ONCE_MAX, PROBES_PER_SECOND_MAX);
  }

  /** Answers a message of an older epoch with the finalization of that epoch's boundary block; a finalization never. */
  older(from: string, message: EngineMessage): void {
    const { store, transport } = this.options;
    if (message.kind === "certificate" && message.certificate.kind === VoteKind.finalize) return;
    const handover = store.handover(epochOf(message));
    if (handover === undefined || !this.answers.take(from)) return;
    transport.send(from, encodeMessage({ kind: "certificate", certificate: handover.finalization }));
  }

  /**
   * A message of a later epoch: the epoch at work is over elsewhere. Nobody is believed: what ends it is the finalization
   * of its boundary block under the set known here, which the first proposal of the next epoch carries, and for which
   * the sender is asked otherwise.
   */
  async later(from: string, message: EngineMessage): Promise<void> {
    if (epochOf(message) <= this.options.epochs.current) return;
    try {
      if (message.kind === "proposal" && (await this.carriesEnd(from, message.proposal))) return;
      await this.ask(from);
    } catch (error) {
      this.options.log.debug({ peer: from, code: codeOf(error) }, "peer did not say how the epoch ended");
    }
  }

  private async ask(peer: string): Promise<void> {
    if (this.probing.has(peer) || !this.probes.take(peer)) return;
    this.probing.add(peer);
    try {
      await this.probe(peer);
    } finally {
      this.probing.delete(peer);
    }
  }

  private async carriesEnd(
    from: string,
    { vote, parentCertificate }: Extract<EngineMessage, { kind: "proposal" }>["proposal"],
  ): Promise<boolean> {
    const { epochs, verifier, chainId, desk, enqueue } = this.options;
    const set = epochs.setOf(epochs.current);
    if (vote.parentView !== 0 || parentCertificate === null || set === undefined) return false;
    if (parentCertificate.epoch !== epochs.current || parentCertificate.kind !== VoteKind.finalize)
      return false;
    const verdict = await verifyCertificate(verifier, chainId, set, parentCertificate);
    if (desk.judge(from, verdict) !== "accept") return false;
    enqueue({ kind: "certificate", certificate: parentCertificate, from: undefined });
    return true;
  }

  private async probe(peer: string): Promise<void> {
    const { transport, epochs, desk, enqueue } = this.options;
    const epoch = epochs.current;
    const request = HandoversRequest.serialize({ fromEpoch: epoch, count: 1 });
    const timeout = { timeoutMs: PROBE_TIMEOUT_MS };
    const answer = await transport.request(peer, RequestProtocol.handovers, request, timeout);
    const decoded = desk.decode(() => decodeStrict(HandoversResponse, answer, "handovers"));
    const verdict = decoded.kind === "valid" ? await this.judgeEnd(decoded.value, epoch) : decoded;
    if (verdict === undefined) return;
    if (desk.judge(peer, verdict) !== "accept" || decoded.kind !== "valid") return;
    const [handover] = decoded.value.handovers;
    if (handover !== undefined)
      enqueue({ kind: "certificate", certificate: handover.finalization, from: undefined });
  }

  /** Undefined when the peer knows of no end, or the epoch went by meanwhile. */
  private async judgeEnd(
    { handovers }: HandoversResponse,
    epoch: number,
  ): Promise<Verdict<unknown> | undefined> {
    const { epochs, verifier, chainId } = this.options;
    const [handover] = handovers;
    const set = epochs.setOf(epoch);
    if (handover === undefined || set === undefined || epochs.current !== epoch) return undefined;
    if (handovers.length > 1) return fault("HANDOVER_NOT_ASKED_FOR", "the peer sent more than was asked for");
    return verifyHandover(verifier, chainId, set, epoch, epochs.lengthHeights, handover);
  }
}
