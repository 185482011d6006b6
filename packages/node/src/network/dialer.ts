import type { Clock, Log, Timer } from "@consilium/protocol";
import type { Libp2p } from "@libp2p/interface";
import { multiaddr } from "@multiformats/multiaddr";
import { networkLimits } from "./limits.js";
import { peerIdOf } from "./peer-names.js";

export interface MemberAddress {
  /** Ed25519 node key, lower-case hex. */
  readonly nodeId: string;
  /** Where to dial it; none for a member that dials us. */
  readonly addresses: readonly string[];
}

/** A connection that ends sooner was no success: the other side does not let this node in. */
const LASTING_MS = 5_000;
/** Enough to reach the longest pause. */
const FAILURES_COUNTED_MAX = 16;

interface Attempts {
  /** Dials in a row that led to no lasting connection. */
  failures: number;
  connectedMs: number;
}

/** Keeps a connection to every member: dials those that are away again and again, ever more slowly. */
export class Dialer {
  private readonly timers = new Map<string, Timer>();
  private readonly attempts = new Map<string, Attempts>();
  private started = false;
  private stopped = false;

  constructor(
    private readonly node: Libp2p,
    private readonly self: string,
    private members: ReadonlyMap<string, MemberAddress>,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  start(): void {
    this.started = true;
    for (const nodeId of this.members.keys()) this.schedule(nodeId);
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers.values()) timer.cancel();
  }

  /** Dials these members from now on and no others; a connection that stands is left alone. */
  update(members: ReadonlyMap<string, MemberAddress>): void {
    const before = this.members;
    this.members = members;
    for (const [nodeId, timer] of this.timers) {
      if (members.has(nodeId)) continue;
      timer.cancel();
      this.timers.delete(nodeId);
      this.attempts.delete(nodeId);
    }
    if (!this.started) return;
    for (const [nodeId, { addresses }] of members) {
      if (addresses.join() === before.get(nodeId)?.addresses.join()) continue;
      this.attempts.delete(nodeId);
      this.schedule(nodeId);
    }
  }

  connected(nodeId: string): void {
    const failures = this.attempts.get(nodeId)?.failures ?? 0;
    this.attempts.set(nodeId, { failures, connectedMs: this.clock.nowMs() });
  }

  disconnected(nodeId: string): void {
    const { failures, connectedMs } = this.attempts.get(nodeId) ?? { failures: 0, connectedMs: 0 };
    const lasted = this.clock.nowMs() - connectedMs >= LASTING_MS;
    this.attempts.set(nodeId, { failures: lasted ? 0 : failures + 1, connectedMs });
    this.schedule(nodeId);
  }

  private schedule(nodeId: string): void {
    const member = this.members.get(nodeId);
    if (this.stopped || nodeId === this.self || member === undefined || member.addresses.length === 0) return;
    this.timers.get(nodeId)?.cancel();
    const failures = Math.min(this.attempts.get(nodeId)?.failures ?? 0, FAILURES_COUNTED_MAX);
    const delayMs = Math.min(networkLimits.redialFirstMs * 2 ** failures, networkLimits.redialMaxMs);
    // The greater id holds back a little, so that two nodes that start together do not dial each other at once.
    const courtesyMs = failures === 0 && this.self > nodeId ? networkLimits.redialFirstMs : 0;
    const timer = this.clock.setTimer(delayMs + courtesyMs, () => void this.dial(nodeId));
    this.timers.set(nodeId, timer);
  }

  private async dial(nodeId: string): Promise<void> {
    this.timers.delete(nodeId);
    const member = this.members.get(nodeId);
    const peerId = peerIdOf(nodeId);
    if (this.stopped || member === undefined || this.node.getConnections(peerId).length > 0) return;
    try {
      const addresses = member.addresses.map((each) => multiaddr(withPeerId(each, peerId.toString())));
      await this.node.dial(addresses, { signal: AbortSignal.timeout(networkLimits.streamOpenTimeoutMs) });
    } catch (error) {
      const failures = (this.attempts.get(nodeId)?.failures ?? 0) + 1;
      this.log.debug({ peer: nodeId, failures, reason: String(error) }, "dial failed");
      this.attempts.set(nodeId, { failures, connectedMs: 0 });
      this.schedule(nodeId);
    }
  }
}

const withPeerId = (address: string, peerId: string): string =>
  address.includes("/p2p/") ? address : `${address}/p2p/${peerId}`;
