import type { Clock, Log } from "@consilium/protocol";
import { networkLimits } from "./limits.js";

interface Conduct {
  faults: number;
  updatedMs: number;
  banishedUntilMs: number;
}

/**
 * What peers did that no honest peer does. Few faults are forgiven with time; too many, or a grave one, throw the
 * peer out for a while. Members only are ever counted, so the map is as small as the alliance.
 */
export class PeerConduct {
  private readonly peers = new Map<string, Conduct>();

  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly disconnect: (nodeId: string) => void,
  ) {}

  /** Counts one fault; a grave one (a frame that cannot be read) throws the peer out at once. */
  charge(nodeId: string, code: string, grave = false): void {
    const nowMs = this.clock.nowMs();
    const known = this.peers.get(nodeId) ?? { faults: 0, updatedMs: nowMs, banishedUntilMs: 0 };
    const forgotten = Math.floor((nowMs - known.updatedMs) / networkLimits.faultDecayMs);
    const faults = Math.max(0, known.faults - forgotten) + 1;
    const out = grave || faults > networkLimits.faultsForgiven;
    this.peers.set(nodeId, {
      faults: out ? 0 : faults,
      updatedMs: nowMs,
      banishedUntilMs: out ? nowMs + networkLimits.banishmentMs : known.banishedUntilMs,
    });
    this.log.warn({ peer: nodeId, code, disconnected: out }, "peer fault");
    if (out) this.disconnect(nodeId);
  }

  banished(nodeId: string): boolean {
    return (this.peers.get(nodeId)?.banishedUntilMs ?? 0) > this.clock.nowMs();
  }
}
