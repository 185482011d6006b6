import type { Socket } from "node:net";
import type { SeededRandom } from "../seeded-random.js";
import type { LinkState } from "./link-model.js";

/** Bytes under way in one direction above which the sender is made to wait, as a full send buffer would. */
const UNDER_WAY_BYTES_MAX = 4 * 1024 * 1024;
/** What a lost segment costs a TCP connection: its least retransmission timeout (Linux uses 200 ms). */
const RETRANSMISSION_MS = 200;

type Item =
  | { readonly dueMs: number; readonly kind: "data"; readonly bytes: Buffer }
  | { readonly dueMs: number; readonly kind: "end" | "broken" };

/** Carries one direction of one connection from socket to socket as the link's state says, in order. */
export class Pump {
  readonly #queue: Item[] = [];
  #underWayBytes = 0;
  #lastDueMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly source: Socket,
    private readonly target: Socket,
    private readonly state: () => LinkState,
    private readonly random: SeededRandom,
  ) {
    source.on("data", (bytes) => this.#arrived(bytes));
    source.on("end", () => this.#put({ dueMs: this.#due(0), kind: "end" }));
    source.on("close", () => this.#put({ dueMs: this.#due(0), kind: "broken" }));
    target.on("drain", () => this.run());
  }

  /** Delivers what is due; called again whenever the link changes. */
  run(): void {
    clearTimeout(this.#timer);
    while (this.#queue.length > 0 && this.state().blocked === undefined && !this.target.writableNeedDrain) {
      const waitMs = this.#queue[0]!.dueMs - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.run(), waitMs);
        return;
      }
      this.#deliver(this.#queue.shift()!);
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#queue.length = 0;
  }

  #arrived(bytes: Buffer): void {
    this.#underWayBytes += bytes.length;
    if (this.#underWayBytes > UNDER_WAY_BYTES_MAX) this.source.pause();
    this.#put({ dueMs: this.#due(bytes.length), kind: "data", bytes });
  }

  #put(item: Item): void {
    this.#queue.push(item);
    if (this.#queue.length === 1) this.run();
  }

  /** When something that was sent now arrives: never before what was sent earlier. */
  #due(sizeBytes: number): number {
    const { delayMs, jitterMs, lossPercent, kilobytesPerSecond } = this.state();
    const lostMs = lossPercent > 0 && this.random.chance(lossPercent / 100) ? RETRANSMISSION_MS : 0;
    const onWireMs = kilobytesPerSecond === undefined ? 0 : sizeBytes / kilobytesPerSecond;
    const nowMs = performance.now();
    const earliestMs = nowMs + delayMs + (jitterMs > 0 ? this.random.fraction() * jitterMs : 0) + lostMs;
    this.#lastDueMs = Math.max(earliestMs, Math.max(this.#lastDueMs, nowMs + delayMs) + onWireMs);
    return this.#lastDueMs;
  }

  #deliver(item: Item): void {
    if (item.kind === "end") this.target.end();
    if (item.kind === "broken") this.target.destroy();
    if (item.kind === "data") {
      this.#underWayBytes -= item.bytes.length;
      if (this.source.isPaused() && this.#underWayBytes < UNDER_WAY_BYTES_MAX / 2) this.source.resume();
      if (!this.target.destroyed) this.target.write(item.bytes);
    }
  }
}
