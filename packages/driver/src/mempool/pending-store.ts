import { toHex } from "@consilium/crypto";
import type { Clock, Log, StoreChange } from "@consilium/protocol";
import type { ChainStore } from "../store/chain-store.js";
import { buckets, keyIn } from "../store/keys.js";

/** Changes are written together after that long; a crash loses at most these, and gossip brings them again. */
const FLUSH_DELAY_MS = 1_000;
/** Bytes of other members' transactions kept for a restart; beyond that they wait in memory alone. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024;

export interface PendingStoreOptions {
  readonly store: Pick<ChainStore, "write" | "entries">;
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
  private scheduled = false;
  private stopped = false;

  constructor(private readonly options: PendingStoreOptions) {}

  keep(id: Uint8Array, encoded: Uint8Array): void {
    const name = toHex(id);
    if (this.kept.has(name) || this.keptBytes + encoded.length > KEPT_BYTES_MAX) return;
    this.kept.set(name, encoded.length);
    this.keptBytes += encoded.length;
    this.change(name, { key: keyIn(buckets.gossiped, id), value: encoded });
  }

  /** Counts a transaction that an earlier run wrote. */
  adopt(id: Uint8Array, sizeBytes: number): void {
    this.kept.set(toHex(id), sizeBytes);
    this.keptBytes += sizeBytes;
  }

  forget(id: Uint8Array): void {
    const name = toHex(id);
    const sizeBytes = this.kept.get(name);
    if (sizeBytes === undefined) return;
    this.kept.delete(name);
    this.keptBytes -= sizeBytes;
    this.change(name, { key: keyIn(buckets.gossiped, id), value: undefined });
  }

  /** Drops any value of the transactions' buckets with the next batch. */
  erase(id: Uint8Array, bucket: typeof buckets.submission | typeof buckets.gossiped): void {
    this.change(`${bucket} ${toHex(id)}`, { key: keyIn(bucket, id), value: undefined });
  }

  async stored(): Promise<Uint8Array[]> {
    const stored: Uint8Array[] = [];
    for await (const encoded of this.options.store.entries(buckets.gossiped)) stored.push(encoded);
    return stored;
  }

  /** Nothing is written after this: the store may be closed. */
  stop(): void {
    this.stopped = true;
  }

  private change(name: string, change: StoreChange): void {
    this.changes.set(name, change);
    if (this.scheduled || this.stopped) return;
    this.scheduled = true;
    this.options.clock.setTimer(FLUSH_DELAY_MS, () => this.flush());
  }

  private flush(): void {
    this.scheduled = false;
    if (this.stopped) return;
    const changes = [...this.changes.values()];
    this.changes.clear();
    this.options.store.write(changes, false).catch((error: unknown) => {
      this.options.log.warn({ reason: String(error) }, "pending transactions not kept");
    });
  }
}
