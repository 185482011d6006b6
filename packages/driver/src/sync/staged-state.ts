import { concat, u8 } from "@consilium/crypto";
import type { SnapshotRules } from "@consilium/ledger";
import type { SnapshotChunk, StateReader, StoreChange } from "@consilium/protocol";
import type { ChainStore } from "../store/chain-store.js";
import { buckets, keyIn, rangeOf } from "../store/keys.js";
import { decodeTip, encodeTip, type TipRecord } from "../store/records.js";
import type { StoreUntilStop } from "../store/store-until-stop.js";

/** Entries and bytes of one batch while state is copied or erased. */
const BATCH_ENTRIES_MAX = 2_000;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** The application's keys, those derived from a snapshot included. */
const APPLICATION_KEYS = { from: u8(0), to: u8(0x80) };

const PREFIX = u8(buckets.stagedState);
const PROGRESS_KEY = keyIn(buckets.stateSync);
/** First byte of the progress record. */
const FETCHING = 1;
const ADOPTING = 2;

/** How far taking a snapshot has come: chunks of this manifest are fetched, or a verified state moves into place. */
export type Progress =
  | { readonly kind: "fetching"; readonly manifest: Uint8Array }
  | { readonly kind: "adopting"; readonly record: TipRecord };

export function readProgress(store: Pick<ChainStore, "read">): Progress | undefined {
  const bytes = store.read(buckets.stateSync);
  if (bytes === undefined) return undefined;
  const rest = bytes.subarray(1);
  return bytes[0] === ADOPTING
    ? { kind: "adopting", record: decodeTip(rest) }
    : { kind: "fetching", manifest: rest };
}

export const progressChange = (progress: Progress | undefined): StoreChange => ({
  key: PROGRESS_KEY,
  value:
    progress &&
    (progress.kind === "fetching"
      ? concat(u8(FETCHING), progress.manifest)
      : concat(u8(ADOPTING), encodeTip(progress.record))),
});

/** State of a snapshot apart from the application's keys: nothing in it counts before it was verified and adopted. */
export class StagedState implements StateReader {
  constructor(
    private readonly store: StoreUntilStop,
    private readonly rules: SnapshotRules,
  ) {}

  get(key: Uint8Array): Uint8Array | undefined {
    return this.store.read(buckets.stagedState, key);
  }

  async clear(): Promise<void> {
    await erase(this.store, rangeOf(buckets.stagedState));
  }

  /** Takes one chunk in with what is derived from it; the root of all so far. */
  async add(chunk: SnapshotChunk): Promise<Uint8Array> {
    const { changes, root } = this.rules.rebuild(this, chunk);
    const staged = [...chunk, ...changes].map(({ key, value }) => ({ key: concat(PREFIX, key), value }));
    await this.store.write(staged, true);
    return root;
  }
}

/**
 * Puts a verified state in the place of the application's, as the progress record says; what a crash interrupts begins
 * again at the next start. Until it is done the store's state is read from the staging keys.
 *
 * @returns the tip that is in force now, or undefined when nothing was under way.
 */
export async function finishAdoption(store: ChainStore): Promise<TipRecord | undefined> {
  const progress = readProgress(store);
  if (progress?.kind !== "adopting") {
    await erase(store, rangeOf(buckets.stagedState));
    return undefined;
  }
  store.readStaged({ get: (key) => store.read(buckets.stagedState, key) });
  await erase(store, APPLICATION_KEYS);
  await copy(store);
  const tip = { key: keyIn(buckets.tip), value: encodeTip(progress.record) };
  await store.write([tip, progressChange(undefined)], true);
  store.readStaged(undefined);
  await erase(store, rangeOf(buckets.stagedState));
  return progress.record;
}

async function copy(store: ChainStore): Promise<void> {
  let batch: StoreChange[] = [];
  let sizeBytes = 0;
  for await (const [key, value] of store.range(rangeOf(buckets.stagedState))) {
    batch.push({ key: key.subarray(PREFIX.length), value });
    sizeBytes += key.length + value.length;
    if (batch.length < BATCH_ENTRIES_MAX && sizeBytes < BATCH_BYTES_MAX) continue;
    await store.write(batch, true);
    [batch, sizeBytes] = [[], 0];
  }
  await store.write(batch, true);
}

async function erase(
  store: Pick<ChainStore, "range" | "write">,
  range: { readonly from: Uint8Array; readonly to: Uint8Array },
): Promise<void> {
  let batch: StoreChange[] = [];
  for await (const [key] of store.range(range)) {
    batch.push({ key, value: undefined });
    if (batch.length < BATCH_ENTRIES_MAX) continue;
    await store.write(batch, true);
    batch = [];
  }
  if (batch.length > 0) await store.write(batch, true);
}
