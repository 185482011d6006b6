import { ConsiliumError } from "@consilium/crypto";
import type { Handover, StoreChange, StoreRange } from "@consilium/protocol";
import type { Bucket } from "./keys.js";

type Served = {
  readonly read: (bucket: Bucket, ...parts: readonly Uint8Array[]) => Uint8Array | undefined;
  readonly range: (range: StoreRange) => AsyncIterable<readonly [Uint8Array, Uint8Array]>;
  readonly handover: (epoch: number) => Handover | undefined;
  readonly write: (changes: readonly StoreChange[], sync: boolean) => Promise<void>;
};

/**
 * The chain's store for work that nobody waits for when the chain stops: from then on it writes nothing, so that the
 * store may be closed or opened anew, and what is being written can be waited for.
 */
export class StoreUntilStop {
  private readonly underWay = new Set<Promise<void>>();

  constructor(
    private readonly store: Served,
    private readonly stopped: () => boolean,
  ) {}

  read(bucket: Bucket, ...parts: readonly Uint8Array[]): Uint8Array | undefined {
    return this.store.read(bucket, ...parts);
  }

  range(range: StoreRange): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    return this.store.range(range);
  }

  handover(epoch: number): Handover | undefined {
    return this.store.handover(epoch);
  }

  /** Throws `CHAIN_NOT_RUNNING` once the chain stopped, and the store's codes. */
  async write(changes: readonly StoreChange[], sync: boolean): Promise<void> {
    if (this.stopped()) throw new ConsiliumError(NOT_RUNNING, "The chain stopped; start it to go on.");
    const written = this.store.write(changes, sync);
    const ended = written.then(
      () => {},
      () => {},
    );
    this.underWay.add(ended);
    try {
      await written;
    } finally {
      this.underWay.delete(ended);
    }
  }

  /** Resolves when nothing is being written; call it after the stop. */
  async settled(): Promise<void> {
    await Promise.all(this.underWay);
  }
}

/** The code of a write that came after the stop. */
export const NOT_RUNNING = "CHAIN_NOT_RUNNING";
