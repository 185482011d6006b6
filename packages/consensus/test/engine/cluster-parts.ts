import { type BlockHeader, type Certificate, toEpoch, toHeight } from "@consilium/protocol";
import type { Effect, EngineMessage, EpochContext, Input, State } from "../../src/engine/index.js";
import type { SafetyRecord } from "../../src/safety-record.js";
import { nodeId } from "./harness.js";

/** A small multiplicative generator (Park and Miller 1988): enough to vary schedules, the same ones each time. */
export function draws(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 0x7fffffff;
    return state % below;
  };
}

/** Five nodes; four of them have seats in an epoch, and the one without changes with each epoch. */
export const NODES = 5;
export const LENGTH_HEIGHTS = 2;

export function contextOf(epoch: number): EpochContext {
  const seated = Array.from({ length: NODES }, (_, index) => index).filter(
    (index) => index !== (9 - epoch) % NODES,
  );
  return {
    epoch: toEpoch(epoch),
    validators: seated.map(nodeId),
    proposerOrder: seated.map((_, index) => (index + epoch) % seated.length),
    lastHeight: toHeight((epoch + 1) * LENGTH_HEIGHTS),
  };
}

/** What survives a crash. */
export interface Disk {
  record: SafetyRecord;
  certificates: Certificate[];
  readonly bodies: Map<string, BlockHeader>;
  readonly chain: BlockHeader[];
  finalization: Certificate | undefined;
  readonly boundaries: Map<number, Certificate>;
}

export interface Node {
  readonly index: number;
  readonly disk: Disk;
  state: State;
  /** Headers in memory, by digest in hex; the body of a block is its header here. */
  readonly held: Map<string, BlockHeader>;
  readonly inputs: Input[];
  /** Blocks that wait to be judged until their body is here. */
  checks: Extract<Effect, { kind: "checkPayload" }>[];
  readonly timers: Map<string, number>;
  alive: boolean;
  /** Counts restarts, so that nothing of an earlier life reaches this one. */
  life: number;
  /** Effects performed in all lives. */
  performed: number;
}

/** Events in the order of their simulated time, and of their making where that is equal. */
export class VirtualTime {
  nowMs = 0;
  private readonly events: { at: number; order: number; run: () => void }[] = [];
  private order = 0;

  /** Returns a name for the event, which no other has. */
  schedule(delayMs: number, run: () => void): number {
    this.events.push({ at: this.nowMs + delayMs, order: this.order, run });
    return this.order++;
  }

  /** Runs until the condition holds; false when it did not within that much simulated time. */
  runUntil(done: () => boolean, limitMs: number): boolean {
    const endMs = this.nowMs + limitMs;
    while (!done()) {
      const event = this.takeFirst();
      if (event === undefined) return false;
      if (event.at > endMs) {
        this.events.push(event);
        this.nowMs = endMs;
        return false;
      }
      this.nowMs = event.at;
      event.run();
    }
    return true;
  }

  private takeFirst() {
    let best = 0;
    for (let index = 1; index < this.events.length; index++) {
      const left = this.events[index]!;
      const right = this.events[best]!;
      if (left.at < right.at || (left.at === right.at && left.order < right.order)) best = index;
    }
    return this.events.splice(best, 1)[0];
  }
}

export function epochOfMessage(message: EngineMessage): number {
  if (message.kind === "proposal") return message.proposal.vote.epoch;
  return message.kind === "vote" ? message.vote.epoch : message.certificate.epoch;
}
