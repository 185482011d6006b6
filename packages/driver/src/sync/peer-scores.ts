import type { Clock } from "@consilium/protocol";

/** Points lose half their weight in that time: what a peer did long ago says little. */
const HALF_LIFE_MS = 60_000;
const POINTS_MAX = 10;
const BACK_OFF_FIRST_MS = 200;
const BACK_OFF_MAX_MS = 30_000;
const LIE_PAUSE_FIRST_MS = 60_000;
const LIE_PAUSE_MAX_MS = 60 * 60_000;
const PEERS_MAX = 1_024;

interface Record {
  points: number;
  updatedMs: number;
  /** Failures in a row. */
  failures: number;
  lies: number;
  notBeforeMs: number;
}

/**
 * What peers were worth so far to a node that catches up: who served is asked first, who was slow or had nothing is
 * asked last and after a pause, who lied is not asked at all for a while, longer each time.
 */
export class PeerScores {
  private readonly records = new Map<string, Record>();

  constructor(private readonly clock: Clock) {}

  /** It served something that held. */
  useful(peer: string): void {
    const record = this.change(peer, 1);
    record.failures = 0;
    record.notBeforeMs = 0;
  }

  /** It took long enough for somebody else to be asked. */
  slow(peer: string): void {
    this.change(peer, -2);
  }

  /** It had not what its status promised, or refused: asked again after a pause, in case it was only behind. */
  empty(peer: string): void {
    this.fail(peer, -1);
  }

  /** No answer in time, or none at all. */
  failed(peer: string): void {
    this.fail(peer, -3);
  }

  /** It sent what no honest peer sends. */
  lied(peer: string): void {
    const record = this.change(peer, -2 * POINTS_MAX);
    const pauseMs = Math.min(LIE_PAUSE_MAX_MS, LIE_PAUSE_FIRST_MS * 4 ** record.lies);
    record.lies += 1;
    record.notBeforeMs = this.clock.nowMs() + pauseMs;
  }

  pointsOf(peer: string): number {
    const record = this.records.get(peer);
    if (record === undefined) return 0;
    const ageMs = Math.max(0, this.clock.nowMs() - record.updatedMs);
    return record.points * 2 ** (-ageMs / HALF_LIFE_MS);
  }

  mayAsk(peer: string): boolean {
    return (this.records.get(peer)?.notBeforeMs ?? 0) <= this.clock.nowMs();
  }

  /** Those that may be asked now, the best first; equal ones stay in the order given. */
  order(peers: readonly string[]): string[] {
    const points = new Map(peers.map((peer) => [peer, this.pointsOf(peer)]));
    return peers
      .filter((peer) => this.mayAsk(peer))
      .sort((left, right) => points.get(right)! - points.get(left)!);
  }

  private fail(peer: string, points: number): void {
    const record = this.change(peer, points);
    const pauseMs = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** record.failures);
    record.failures += 1;
    record.notBeforeMs = Math.max(record.notBeforeMs, this.clock.nowMs() + pauseMs);
  }

  private change(peer: string, points: number): Record {
    const nowMs = this.clock.nowMs();
    const before = this.pointsOf(peer);
    const record = this.records.get(peer) ?? {
      points: 0,
      updatedMs: 0,
      failures: 0,
      lies: 0,
      notBeforeMs: 0,
    };
    record.points = Math.min(POINTS_MAX, before + points);
    record.updatedMs = nowMs;
    this.records.delete(peer);
    this.records.set(peer, record);
    const oldest = this.records.size > PEERS_MAX ? this.records.keys().next().value : undefined;
    if (oldest !== undefined) this.records.delete(oldest);
    return record;
  }
}
