import { toHex } from "@consilium/crypto";
import type { Clock, Log, StoreChange, Timer } from "@consilium/protocol";
import { buckets, keyIn, rangeOf } from "../store/keys.js";
import type { StoreUntilStop } from "../store/store-until-stop.js";

/** Changes are written together after that long; a crash loses at most these, and gossip brings them again. */
const FLUSH_DELAY_MS = 1_000;
/** Bytes of other members' transactions kept for a restart; beyond that they wait in memory alone. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024;

export interface StoredTransaction {
  readonly key: Uint8Array;
  readonly encoded: Uint8Array;
}

export interface PendingStoreOptions {
  readonly store: StoreUntilStop;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Keeps the transactions of other members that wait here across a restart, written in batches and never synced: were
 * every node restarted at once, those whose sender is away would otherwise be lost.
 */
export class PendingStore {
  private readonly kept = new Map<string, number>();
  private readonly changes = new Map<string, StoreChange>();
  private keptBytes = 0;
  private timer: Timer | undefined;
  private stopped = false;

  constructor(private readonly options: PendingStoreOptions) {}

  keep(id: Uint8Array, encoded: Uint8Array): void {
    const name = toHex(id);
    if (this.kept.has(name) || this.keptBytes + encoded.length > KEPT_BYTES_MAX) return;
    this.kept.set(name, encoded.length);
    this.keptBytes += encoded.length;
    this.change({ key: keyIn(buckets.gossiped, id), value: encoded });
  }

  /** Counts a transaction that an earlier run wrote. */
  adopt(id: Uint8Array, sizeBytes: number): void {
    const name = toHex(id);
    this.keptBytes += sizeBytes - (this.kept.get(name) ?? 0);
    this.kept.set(name, sizeBytes);
  }

  forget(id: Uint8Array): void {
    const name = toHex(id);
    const sizeBytes = this.kept.get(name);
    if (sizeBytes === undefined) return;
    this.kept.delete(name);
    this.keptBytes -= sizeBytes;
    this.change({ key: keyIn(buckets.gossiped, id), value: undefined });
  }

  /** Drops a value of the transactions' buckets with the next batch, by its key: the value may be damaged. */
  erase(key: Uint8Array): void {
    this.change({ key, value: undefined });
  }

  /** What an earlier run left in a bucket, damaged or not. */
  async stored(bucket: typeof buckets.submission | typeof buckets.gossiped): Promise<StoredTransaction[]> {
    const stored: StoredTransaction[] = [];
    for await (const [key, encoded] of this.options.store.range(rangeOf(bucket)))
      stored.push({ key, encoded });
    return stored;
  }

  /** No batch is written after this; one that waits is let go. */
  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    this.changes.clear();
  }

  private change(change: StoreChange): void {
    if (this.stopped) return;
    this.changes.set(toHex(change.key), change);
    this.timer ??= this.options.clock.setTimer(FLUSH_DELAY_MS, () => this.flush());
  }

  private flush(): void {
    this.timer = undefined;
    const changes = [...this.changes.values()];
    this.changes.clear();
    this.options.store.write(changes, false).catch((error: unknown) => {
      this.options.log.warn({ reason: String(error) }, "pending transactions not kept");
    });
  }
}
