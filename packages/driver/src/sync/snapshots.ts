import { ConsiliumError, sha256, u32, u64 } from "@consilium/crypto";
import type { SnapshotRules } from "@consilium/ledger";
import {
  type Clock,
  decodeStrict,
  isBoundaryHeight,
  type Log,
  limits,
  SnapshotChunk,
  SnapshotManifest,
} from "@consilium/protocol";
import type { FinalizedTip } from "../chain.js";
import type { ChainStore } from "../store/chain-store.js";
import { buckets, keyIn, rangeOf } from "../store/keys.js";

/** Snapshots kept: who takes the older one when a new one appears can finish. */
const KEPT_MAX = 2;
/** Pause after each chunk of 1 MiB, so that writing one leaves the disk to consensus: at most 50 MB a second. */
const CHUNK_PAUSE_MS = 20;
/** What SSZ adds to an entry: its offset in the list and those of its two fields. */
const ENTRY_OVERHEAD_BYTES = 12;

type Entry = { readonly key: Uint8Array; readonly value: Uint8Array };

export interface SnapshotsOptions {
  readonly store: ChainStore;
  readonly rules: SnapshotRules | undefined;
  readonly lengthHeights: number;
  readonly clock: Clock;
  readonly log: Log;
}

export const chunkKey = (epoch: number, index: number): Uint8Array =>
  keyIn(buckets.snapshotChunk, u64(epoch), u32(index));
export const manifestKey = (epoch: number): Uint8Array => keyIn(buckets.snapshotManifest, u64(epoch));

/**
 * Snapshots of the state at boundary blocks, for nodes that have no chain yet. One is written in the background from the
 * state as it was when the boundary block landed: chunks first, its manifest last, so that what a crash leaves behind is
 * never offered. An empty manifest marks one that was begun.
 */
export class Snapshots {
  private writing: Promise<void> | undefined;
  private stopped = false;
  private endPause: () => void = () => {};

  constructor(private readonly options: SnapshotsOptions) {}

  /**
   * A tip landed. Call it before anything else is written: at a boundary the state is captured as it is now. While one
   * snapshot is being written the next boundary is left out.
   */
  landed(tip: FinalizedTip): void {
    const { rules, store, lengthHeights, log } = this.options;
    if (rules === undefined || this.stopped || !isBoundaryHeight(tip.height, lengthHeights)) return;
    if (this.writing !== undefined) {
      log.warn({ epoch: tip.epoch }, "no snapshot of this epoch: the one before is still being written");
      return;
    }
    const state = store.range({ from: rules.from, to: rules.to });
    this.writing = this.write(tip, state)
      .catch((error: unknown) =>
        log.warn({ epoch: tip.epoch, reason: String(error) }, "snapshot not written"),
      )
      .finally(() => {
        this.writing = undefined;
      });
  }

  /** Resolves once nothing is written any more; a snapshot that is under way is given up. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.endPause();
    await this.writing;
  }

  /**
   * The encoded manifest of the newest snapshot that this node can also prove: the block after its boundary is final.
   * Throws `SNAPSHOT_NONE`.
   */
  async newest(tipHeight: number): Promise<Uint8Array> {
    for (const manifest of (await this.complete()).reverse()) {
      if (manifest.height < tipHeight) return SnapshotManifest.serialize(manifest);
    }
    throw new ConsiliumError("SNAPSHOT_NONE", "This node has no snapshot yet; ask another.");
  }

  /** Throws `SNAPSHOT_UNKNOWN`. */
  chunk(epoch: number, index: number): Uint8Array {
    const known = this.options.store.read(buckets.snapshotManifest, u64(epoch));
    const chunk = known?.length
      ? this.options.store.read(buckets.snapshotChunk, u64(epoch), u32(index))
      : undefined;
    if (chunk !== undefined) return chunk;
    throw new ConsiliumError("SNAPSHOT_UNKNOWN", "This node has no such chunk; ask for the newest snapshot.");
  }

  /** Removes what a crash left of a snapshot that was being written. */
  async clean(): Promise<void> {
    for await (const [key, value] of this.options.store.range(rangeOf(buckets.snapshotManifest))) {
      if (value.length === 0) await this.remove(epochOfKey(key));
    }
  }

  private async write(
    tip: FinalizedTip,
    state: AsyncIterable<readonly [Uint8Array, Uint8Array]>,
  ): Promise<void> {
    const { store, log } = this.options;
    const { epoch, height, stateRoot } = tip;
    await store.write([{ key: manifestKey(epoch), value: new Uint8Array() }], false);
    const chunkDigests: Uint8Array[] = [];
    for await (const entries of chunksOf(state)) {
      if (this.stopped) return;
      const chunk = SnapshotChunk.serialize(entries as SnapshotChunk);
      await store.write([{ key: chunkKey(epoch, chunkDigests.length), value: chunk }], false);
      chunkDigests.push(sha256(chunk));
      if (chunkDigests.length > limits.snapshotChunks) throw tooLarge(epoch);
      await this.pause();
    }
    if (this.stopped) return;
    const manifest = SnapshotManifest.serialize({ epoch, height, stateRoot, chunkDigests });
    await store.write([{ key: manifestKey(epoch), value: manifest }], true);
    log.info({ epoch, height, chunks: chunkDigests.length }, "snapshot written");
    await this.dropOld();
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.options.clock.setTimer(CHUNK_PAUSE_MS, resolve);
      this.endPause = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  private async dropOld(): Promise<void> {
    const old = (await this.complete()).slice(0, -KEPT_MAX);
    for (const { epoch } of old) await this.remove(epoch);
  }

  /** The manifest goes first: from then on its chunks are not served. */
  private async remove(epoch: number): Promise<void> {
    const { store } = this.options;
    await store.write([{ key: manifestKey(epoch), value: undefined }], true);
    for (let index = 0; store.read(buckets.snapshotChunk, u64(epoch), u32(index)) !== undefined; index++) {
      await store.write([{ key: chunkKey(epoch, index), value: undefined }], false);
    }
  }

  private async complete(): Promise<SnapshotManifest[]> {
    const manifests: SnapshotManifest[] = [];
    for await (const bytes of this.options.store.entries(buckets.snapshotManifest)) {
      if (bytes.length > 0) manifests.push(decodeStrict(SnapshotManifest, bytes, "stored snapshot manifest"));
    }
    return manifests;
  }
}

/** Runs of entries that encode to at most the chunk limit; an entry that is larger travels alone. */
async function* chunksOf(state: AsyncIterable<readonly [Uint8Array, Uint8Array]>): AsyncGenerator<Entry[]> {
  let entries: Entry[] = [];
  let sizeBytes = 0;
  for await (const [key, value] of state) {
    const entryBytes = ENTRY_OVERHEAD_BYTES + key.length + value.length;
    if (entries.length > 0 && sizeBytes + entryBytes > limits.snapshotChunkBytes) {
      yield entries;
      [entries, sizeBytes] = [[], 0];
    }
    entries.push({ key, value });
    sizeBytes += entryBytes;
  }
  if (entries.length > 0) yield entries;
}

const epochOfKey = (key: Uint8Array): number =>
  Number(new DataView(key.buffer, key.byteOffset + 1, 8).getBigUint64(0));

const tooLarge = (epoch: number): ConsiliumError =>
  new ConsiliumError("SNAPSHOT_TOO_LARGE", "The state has more chunks than a snapshot may have.", { epoch });
