import { codeOf } from "@consilium/crypto";
import { type Log, type Random, type Transport, type Verdict, valid } from "@consilium/protocol";
import type { PeerDesk } from "../messages/peer-desk.js";
import type { PeerScores } from "./peer-scores.js";

/** Codes of a request that got no answer; any other is the peer's own refusal. */
const NO_ANSWER: ReadonlySet<string> = new Set(["REQUEST_TIMEOUT", "REQUEST_UNREACHABLE"]);

export interface PeerClientOptions {
  readonly transport: Transport;
  readonly desk: PeerDesk;
  readonly scores: PeerScores;
  readonly random: Random;
  readonly log: Log;
  /** From then on nobody is asked any more, and what comes late is let go. */
  readonly stopped: () => boolean;
}

/** One question to one peer: what comes back is decoded and judged in one place, and the peer scored by it. */
export class PeerClient {
  constructor(private readonly options: PeerClientOptions) {}

  get scores(): PeerScores {
    return this.options.scores;
  }

  /** Connected peers that may be asked, the best first; those of equal merit in a random turn, so that load spreads. */
  peers(): string[] {
    const { transport, scores, random } = this.options;
    const connected = transport.connected();
    const start = connected.length === 0 ? 0 : random.bytes(1)[0]! % connected.length;
    return scores.order([...connected.slice(start), ...connected.slice(0, start)]);
  }

  /** The decoded answer, or undefined when there was none that could be. `decode` throws ConsiliumError for bad bytes. */
  async ask<Value>(
    peer: string,
    protocol: string,
    body: Uint8Array,
    timeoutMs: number,
    decode: (answer: Uint8Array) => Value,
  ): Promise<Value | undefined> {
    const { transport, desk, scores, log, stopped } = this.options;
    if (stopped()) return undefined;
    let answer: Uint8Array;
    try {
      answer = await transport.request(peer, protocol, body, { timeoutMs });
    } catch (error) {
      const code = codeOf(error);
      log.debug({ peer, protocol, code }, "peer did not help");
      if (NO_ANSWER.has(code)) scores.failed(peer);
      else scores.empty(peer);
      return undefined;
    }
    if (stopped()) return undefined;
    const verdict = desk.decode(() => decode(answer));
    if (verdict.kind === "valid") return verdict.value;
    this.refuse(peer, verdict);
    return undefined;
  }

  /** An answer that did not hold: charged at the desk when it is a fault, and scored. */
  refuse(peer: string, verdict: Verdict<unknown>): void {
    this.options.desk.judge(peer, verdict);
    if (verdict.kind === "fault") this.options.scores.lied(peer);
    else this.options.scores.empty(peer);
  }

  accept(peer: string): void {
    this.options.desk.judge(peer, valid(undefined));
    this.options.scores.useful(peer);
  }
}
