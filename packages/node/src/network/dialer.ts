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

/** Keeps a connection to every member: dials those that are away again and again, ever more slowly. */
export class Dialer {
  private readonly timers = new Map<string, Timer>();
  private stopped = false;

  constructor(
    private readonly node: Libp2p,
    private readonly self: string,
    private readonly members: ReadonlyMap<string, MemberAddress>,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  start(): void {
    for (const nodeId of this.members.keys()) this.schedule(nodeId, 0);
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers.values()) timer.cancel();
  }

  disconnected(nodeId: string): void {
    this.schedule(nodeId, 0);
  }

  private schedule(nodeId: string, failures: number): void {
    const member = this.members.get(nodeId);
    if (this.stopped || nodeId === this.self || member === undefined || member.addresses.length === 0) return;
    this.timers.get(nodeId)?.cancel();
    const delayMs = Math.min(networkLimits.redialFirstMs * 2 ** failures, networkLimits.redialMaxMs);
    // The greater id holds back a little, so that two nodes that start together do not dial each other at once.
    const courtesyMs = failures === 0 && this.self > nodeId ? networkLimits.redialFirstMs : 0;
    const timer = this.clock.setTimer(delayMs + courtesyMs, () => void this.dial(member, failures));
    this.timers.set(nodeId, timer);
  }

  private async dial(member: MemberAddress, failures: number): Promise<void> {
    this.timers.delete(member.nodeId);
    const peerId = peerIdOf(member.nodeId);
    if (this.stopped || this.node.getConnections(peerId).length > 0) return;
    try {
      const addresses = member.addresses.map((each) => multiaddr(withPeerId(each, peerId.toString())));
      await this.node.dial(addresses, { signal: AbortSignal.timeout(networkLimits.streamOpenTimeoutMs) });
    } catch (error) {
      this.log.debug({ peer: member.nodeId, failures, reason: String(error) }, "dial failed");
      this.schedule(member.nodeId, Math.min(failures + 1, 16));
    }
  }
}

const withPeerId = (address: string, peerId: string): string =>
  address.includes("/p2p/") ? address : `${address}/p2p/${peerId}`;
