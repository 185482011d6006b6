import type { Clock } from "@consilium/protocol";

interface Account {
  left: number;
  updatedMs: number;
}

/** What each peer may still send: `atOnceMax` in a burst, and `perSecond` more as time passes. Peers are members, so few. */
export class PeerBudget {
  private readonly accounts = new Map<string, Account>();

  constructor(
    private readonly clock: Clock,
    private readonly atOnceMax: number,
    private readonly perSecond: number,
  ) {}

  /** Takes one, or `cost`, from the peer's budget; false, and nothing is taken, when that is not left. */
  take(peer: string, cost = 1): boolean {
    const nowMs = this.clock.nowMs();
    const { left, updatedMs } = this.accounts.get(peer) ?? { left: this.atOnceMax, updatedMs: nowMs };
    const earned = (Math.max(0, nowMs - updatedMs) / 1_000) * this.perSecond;
    const available = Math.min(this.atOnceMax, left + earned);
    const granted = available >= cost;
    this.accounts.set(peer, { left: granted ? available - cost : available, updatedMs: nowMs });
    return granted;
  }
}
