import { ConsiliumError } from "@consilium/crypto";
import { fault, type Log, type Verdict } from "@consilium/protocol";
import type { ChainCounters } from "../chain.js";

export type GossipAnswer = "accept" | "ignore" | "reject";

const ANSWERS = { valid: "accept", ignore: "ignore", fault: "reject" } as const;

/** The one place where a verdict on peer data becomes an answer to gossip, a count, a log line and a peer's fault. */
export class PeerDesk {
  constructor(
    private readonly counters: ChainCounters,
    private readonly log: Log,
    private readonly onPeerFault: (peer: string, code: string) => void,
  ) {}

  judge(peer: string, verdict: Verdict<unknown>): GossipAnswer {
    if (verdict.kind === "valid") this.counters.messagesAccepted += 1;
    else if (verdict.kind === "ignore") this.counters.messagesIgnored += 1;
    else {
      this.counters.messagesRejected += 1;
      this.log.warn(
        { peer, code: verdict.code, reason: verdict.reason },
        "peer sent what no honest peer sends",
      );
      this.onPeerFault(peer, verdict.code);
    }
    return ANSWERS[verdict.kind];
  }

  /** Runs a decoder on a peer's bytes: what it throws for them is the peer's fault. */
  decode<Value>(decoder: () => Value): Verdict<Value> {
    try {
      return { kind: "valid", value: decoder() };
    } catch (error) {
      if (error instanceof ConsiliumError) return fault(error.code, error.message);
      throw error;
    }
  }
}
