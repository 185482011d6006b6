import { ConsiliumError, toHex } from "@consilium/crypto";
import type { Clock, Log } from "@consilium/protocol";
import type { FinalizedBlockEvent } from "../chain.js";

interface Waiter {
  /** Answers true once it is done and may be forgotten. */
  readonly look: () => boolean;
  readonly fail: (error: ConsiliumError) => void;
  readonly id: string | undefined;
}

/** Those who wait for finality: listeners for every block, and one-time waits with a deadline. */
export class FinalityEvents {
  private readonly listeners = new Set<(event: FinalizedBlockEvent) => void>();
  private readonly waiters = new Set<Waiter>();

  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  subscribe(listener: (event: FinalizedBlockEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A block is committed. A listener that throws is logged and disturbs nobody else. */
  publish(event: FinalizedBlockEvent): void {
    for (const listener of [...this.listeners]) {
      try {
        listener(event);
      } catch (error) {
        this.log.error(
          { height: event.tip.height, error: String(error) },
          "a listener for finalized blocks failed",
        );
      }
    }
  }

  /** Waits look after the last block of a batch was published. */
  look(): void {
    for (const waiter of [...this.waiters]) if (waiter.look()) this.waiters.delete(waiter);
  }

  /** A local submission passed its expiry height. */
  expire(id: Uint8Array): void {
    const sentence =
      "The transaction was not included before its expiry height; sign it again with a later one.";
    this.failWaitsFor(id, new ConsiliumError("TRANSACTION_EXPIRED", sentence));
  }

  /** A local submission became invalid while it waited. */
  drop(id: Uint8Array): void {
    const sentence = "The transaction can no longer take effect; submit it again to learn why it is refused.";
    this.failWaitsFor(id, new ConsiliumError("TRANSACTION_DROPPED", sentence));
  }

  stop(): void {
    const error = new ConsiliumError(
      "CHAIN_STOPPED",
      "The chain was stopped; start the node again and ask anew.",
    );
    this.failWhere(() => true, error);
    this.listeners.clear();
  }

  waitFor<Value>(probe: () => Value | undefined, timeoutMs: number, id?: Uint8Array): Promise<Value> {
    return new Promise((resolve, reject) => {
      const look = () => {
        try {
          const value = probe();
          if (value === undefined) return false;
          resolve(value);
        } catch (error) {
          reject(error);
        }
        timer.cancel();
        return true;
      };
      const waiter: Waiter = {
        look,
        id: id === undefined ? undefined : toHex(id),
        fail: (error) => {
          timer.cancel();
          reject(error);
        },
      };
      const timer = this.clock.setTimer(timeoutMs, () => {
        this.waiters.delete(waiter);
        reject(timeout(timeoutMs));
      });
      if (!look()) this.waiters.add(waiter);
    });
  }

  private failWaitsFor(id: Uint8Array, error: ConsiliumError): void {
    this.failWhere((waiter) => waiter.id === toHex(id), error);
  }

  private failWhere(matches: (waiter: Waiter) => boolean, error: ConsiliumError): void {
    for (const waiter of [...this.waiters].filter(matches)) {
      this.waiters.delete(waiter);
      waiter.fail(error);
    }
  }
}

function timeout(timeoutMs: number): ConsiliumError {
  const sentence = "It did not become final in time; look at the chain's status, then wait again.";
  return new ConsiliumError("WAIT_TIMEOUT", sentence, { timeoutMs });
}
