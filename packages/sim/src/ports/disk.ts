import { ConsiliumError } from "@consilium/crypto";
import type { Store, StoreChange, StoreRange } from "@consilium/protocol";
import type { SeededRandom } from "../random.js";
import type { EventQueue } from "./event-queue.js";
import type { Life, Processor } from "./node-clock.js";

/** Bytes as a string of the same order: code units compare as bytes do. */
const nameOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
const bytesOf = (name: string): Uint8Array => Uint8Array.from(Buffer.from(name, "latin1"));

/** A batch that was handed over and that no completed sync has made durable yet. */
interface Batch {
  readonly changes: readonly (readonly [name: string, value: Uint8Array | undefined])[];
  /** What the changed keys held before, once the batch is readable. */
  before: (readonly [name: string, value: Uint8Array | undefined])[] | undefined;
}

export interface DiskQuality {
  /** Time that a synced write takes, both ends included. */
  readonly syncMs: readonly [number, number];
  /** Unsynced batches may vanish out of order at a crash, not only from the end. */
  readonly torn: boolean;
  /** A disk that lies says "synced" this much too early; tests plant that. */
  readonly lieMs: number;
}

/**
 * One node's disk, which outlives its runs. Writes are readable in the order in which they were handed over, a synced one
 * once it is durable. A crash keeps what was synced and, of the later batches, a part that the seed chooses; never half
 * of one batch.
 */
export class SimulatedDisk {
  /** By the first byte of the key, which names the kind of thing: ranges stay inside few of these. */
  private readonly kinds = new Map<number, Map<string, Uint8Array>>();
  /** Oldest first. Those that are readable come before those in flight. */
  private unsynced: Batch[] = [];
  private freeAtMs = 0;
  syncCount = 0;

  constructor(
    private readonly queue: EventQueue,
    private readonly random: SeededRandom,
    readonly quality: DiskQuality,
  ) {}

  /** The store of one run of the node. */
  open(life: Life, processor: Processor): Store {
    let closed = false;
    const requireOpen = (): void => {
      if (closed || !life.alive) throw new ConsiliumError("STORE_CLOSED", "This run of the node is over.");
    };
    return {
      get: (key) => {
        requireOpen();
        return this.find(nameOf(key));
      },
      batch: async (changes, options) => {
        requireOpen();
        return this.write(changes, options?.sync === true, life, processor);
      },
      range: (range) => {
        requireOpen();
        return this.range(range);
      },
      close: async () => {
        closed = true;
      },
    };
  }

  private write(
    changes: readonly StoreChange[],
    sync: boolean,
    life: Life,
    processor: Processor,
  ): Promise<void> {
    const batch: Batch = {
      changes: changes.map(({ key, value }) => [nameOf(key), value?.slice()] as const),
      before: undefined,
    };
    this.unsynced.push(batch);
    const { nowMs } = this.queue;
    if (!sync && this.freeAtMs <= nowMs) {
      this.apply(batch);
      return Promise.resolve();
    }
    const startMs = Math.max(nowMs, this.freeAtMs);
    this.freeAtMs = startMs + (sync ? this.random.between(...this.quality.syncMs) : 0);
    const saidMs = this.freeAtMs;
    return new Promise((resolve) => {
      this.queue.at(saidMs, () => {
        if (!life.alive) return;
        this.apply(batch);
        processor.run(life, resolve);
      });
      if (sync) this.queue.at(saidMs + this.quality.lieMs, () => this.settle(batch));
    });
  }

  /** A sync makes everything durable that was handed over before it. */
  private settle(batch: Batch): void {
    const index = this.unsynced.indexOf(batch);
    if (index < 0) return;
    this.syncCount += 1;
    this.unsynced.splice(0, index + 1);
  }

  private apply(batch: Batch): void {
    batch.before = batch.changes.map(([name]) => [name, this.find(name)] as const);
    for (const [name, value] of batch.changes) this.set(name, value);
  }

  private set(name: string, value: Uint8Array | undefined): void {
    const kind = name.charCodeAt(0);
    const values = this.kinds.get(kind) ?? new Map<string, Uint8Array>();
    if (value === undefined) values.delete(name);
    else values.set(name, value);
    this.kinds.set(kind, values);
  }

  private find(name: string): Uint8Array | undefined {
    return this.kinds.get(name.charCodeAt(0))?.get(name);
  }

  /** The power goes: what was not synced survives in part. */
  crash(): void {
    for (const { before } of this.unsynced.toReversed()) {
      for (const [name, value] of before?.toReversed() ?? []) this.set(name, value);
    }
    const { random, quality } = this;
    const kept = random.between(0, this.unsynced.length);
    for (const [index, { changes }] of this.unsynced.entries()) {
      const survives = quality.torn ? random.chance(0.5) : index < kept;
      if (survives) for (const [name, value] of changes) this.set(name, value);
    }
    this.unsynced = [];
    this.freeAtMs = 0;
  }

  /** The data folder is gone. */
  wipe(): void {
    this.kinds.clear();
    this.unsynced = [];
  }

  delete(key: Uint8Array): void {
    this.set(nameOf(key), undefined);
  }

  /** For checkers: what a reader of the folder finds. */
  read(key: Uint8Array): Uint8Array | undefined {
    return this.find(nameOf(key));
  }

  /** For checkers: all entries whose first byte lies below the bound. */
  entriesBelow(firstByte: number): [Uint8Array, Uint8Array][] {
    const found: [Uint8Array, Uint8Array][] = [];
    for (const [kind, values] of this.kinds) {
      if (kind < firstByte) for (const [name, value] of values) found.push([bytesOf(name), value]);
    }
    return found;
  }

  /** Everything as it stands now, however long the caller takes to read it. */
  private range({ from, to, reverse, limit }: StoreRange): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    const [low, high] = [nameOf(from), nameOf(to)];
    const found: [string, Uint8Array][] = [];
    for (const [kind, values] of this.kinds) {
      if (kind < low.charCodeAt(0) || kind > high.charCodeAt(0)) continue;
      for (const entry of values) if (entry[0] >= low && entry[0] < high) found.push(entry);
    }
    found.sort(([left], [right]) => (left < right ? -1 : 1));
    if (reverse === true) found.reverse();
    return eachOf(found.slice(0, limit ?? found.length));
  }
}

async function* eachOf(found: readonly (readonly [string, Uint8Array])[]) {
  for (const [name, value] of found) yield [bytesOf(name), value.slice()] as const;
}
