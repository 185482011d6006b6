import type { SeededRandom } from "../random.js";
import type { EventQueue } from "./event-queue.js";
import type { NodeTransport } from "./transport.js";

/** How a link behaves. Delays are log-normal: most near the median, a few far above. */
export interface LinkQuality {
  readonly delayMedianMs: number;
  readonly delaySigma: number;
  readonly loss: number;
  readonly duplication: number;
}

/** What a machine can send: undefined is a line that never fills. */
export type UplinkBytesPerSecond = number | undefined;

/** Silence after which a connection over a cut line is given up, and the time within which a new one is made. */
const KEEP_ALIVE_MS = 3_000;
const RECONNECT_MS = [20, 800] as const;
/** A peer's end is noticed that soon. */
const HANG_UP_MS = [1, 40] as const;

export interface NetworkObserver {
  /** A node says something, whether or not anybody is connected. */
  said(from: number, message: Uint8Array): void;
  /** A consensus stream message leaves a node. */
  sent(from: number, to: number, message: Uint8Array): void;
  /** Anything that travels: counted. */
  travelled(from: number, to: number, sizeBytes: number): void;
}

/** Lines between nodes. Lines lose, delay, duplicate and reorder; connections come and go with nodes and cuts. */
export class SimulatedNetwork {
  quality: LinkQuality;
  readonly uplinks = new Map<number, UplinkBytesPerSecond>();
  private readonly ports: (NodeTransport | undefined)[] = [];
  /** Directed lines that are cut, `from * 1000 + to`, and when that began. */
  private readonly cuts = new Map<number, number>();
  /** Pairs that are connected, the smaller index first. */
  private readonly connections = new Set<number>();
  private readonly uplinkFreeAtMs = new Map<number, number>();
  messageCount = 0;
  byteCount = 0;

  constructor(
    readonly queue: EventQueue,
    private readonly random: SeededRandom,
    quality: LinkQuality,
    readonly observer: NetworkObserver,
  ) {
    this.quality = quality;
  }

  port(index: number): NodeTransport | undefined {
    return this.ports[index];
  }

  /** A node came up: it dials the others. */
  join(index: number, port: NodeTransport): void {
    this.ports[index] = port;
    for (const other of this.ports.keys()) if (other !== index) this.dial(index, other);
  }

  /** A node went down: its peers notice. */
  leave(index: number): void {
    this.ports[index] = undefined;
    for (const other of this.ports.keys()) if (other !== index) this.hangUp(index, other);
  }

  isConnected(from: number, to: number): boolean {
    return this.connections.has(pairOf(from, to));
  }

  /** Hands bytes to the line. `deliver` runs at the receiver, once, twice or never. */
  carry(from: number, to: number, sizeBytes: number, deliver: () => void): void {
    this.messageCount += 1;
    this.byteCount += sizeBytes;
    this.observer.travelled(from, to, sizeBytes);
    const { random, quality, queue } = this;
    const departMs = this.departure(from, sizeBytes);
    const copies = quality.duplication > 0 && random.chance(quality.duplication) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delayMs = random.logNormal(quality.delayMedianMs, quality.delaySigma);
      if (quality.loss > 0 && random.chance(quality.loss)) continue;
      queue.at(departMs + delayMs, () => {
        if (!this.cuts.has(lineOf(from, to))) deliver();
      });
    }
  }

  private departure(from: number, sizeBytes: number): number {
    const rate = this.uplinks.get(from);
    const { nowMs } = this.queue;
    if (rate === undefined) return nowMs;
    const startMs = Math.max(nowMs, this.uplinkFreeAtMs.get(from) ?? 0);
    const departMs = startMs + (sizeBytes * 1_000) / rate;
    this.uplinkFreeAtMs.set(from, departMs);
    return departMs;
  }

  /** Cuts all lines from one group to the other, in one or both directions. */
  cut(left: readonly number[], right: readonly number[], oneWay: boolean): void {
    for (const from of left) {
      for (const to of right) {
        this.cutLine(from, to);
        if (!oneWay) this.cutLine(to, from);
      }
    }
  }

  private cutLine(from: number, to: number): void {
    const line = lineOf(from, to);
    if (this.cuts.has(line)) return;
    const sinceMs = this.queue.nowMs;
    this.cuts.set(line, sinceMs);
    this.queue.after(KEEP_ALIVE_MS, () => {
      if (this.cuts.get(line) === sinceMs) this.hangUp(from, to);
    });
  }

  /** Mends all lines; who lost a connection dials again. */
  heal(): void {
    this.cuts.clear();
    for (const one of this.ports.keys()) {
      for (const other of this.ports.keys()) if (one < other) this.dial(one, other);
    }
  }

  private dial(one: number, other: number): void {
    this.queue.after(this.random.between(...RECONNECT_MS), () => {
      const [left, right] = [this.ports[one], this.ports[other]];
      if (left === undefined || right === undefined || this.isConnected(one, other)) return;
      // A cut line lets nobody dial; whoever mends it dials again.
      if (this.cuts.has(lineOf(one, other)) || this.cuts.has(lineOf(other, one))) return;
      this.connections.add(pairOf(one, other));
      left.peerConnected(other);
      right.peerConnected(one);
    });
  }

  private hangUp(one: number, other: number): void {
    if (!this.connections.delete(pairOf(one, other))) return;
    for (const [self, peer] of [
      [one, other],
      [other, one],
    ] as const) {
      const port = this.ports[self];
      if (port === undefined) continue;
      this.queue.after(this.random.between(...HANG_UP_MS), () => port.peerDisconnected(peer));
    }
  }
}

const lineOf = (from: number, to: number): number => from * 1_000 + to;
const pairOf = (one: number, other: number): number =>
  one < other ? lineOf(one, other) : lineOf(other, one);
