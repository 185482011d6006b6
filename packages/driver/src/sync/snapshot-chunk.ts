import { toHex } from "@consilium/crypto";
import type { SnapshotRules } from "@consilium/ledger";
import { decodeStrict, fault, limits, SnapshotChunk, type Verdict, valid } from "@consilium/protocol";

/** The offset of a list's first entry when there is no second: the size of the one offset before it. */
const OFFSET_OF_SINGLE = 4;

/** The keys that a chunk spans, hex. */
export interface ChunkSpan {
  readonly first: string;
  readonly last: string;
}

export interface JudgedChunk extends ChunkSpan {
  readonly entries: SnapshotChunk;
}

/**
 * Judges a chunk by itself: its size, its encoding, and that its keys ascend inside the range that a snapshot holds. No
 * honest node writes one that fails, so a manifest that names such a chunk is a lie.
 *
 * @param encoded a chunk as it travels; at most `limits.snapshotChunkBytes` unless it holds a single entry.
 */
export function judgeChunk(encoded: Uint8Array, rules: SnapshotRules): Verdict<JudgedChunk> {
  // Looked at before it is decoded: 8 MiB of tiny entries would be many times that in memory.
  if (encoded.length > limits.snapshotChunkBytes && firstOffset(encoded) !== OFFSET_OF_SINGLE)
    return fault("SNAPSHOT_BAD_CHUNK", "the chunk is larger than a chunk of several entries may be");
  let entries: SnapshotChunk;
  try {
    entries = decodeStrict(SnapshotChunk, encoded, "snapshot chunk");
  } catch {
    return fault("SNAPSHOT_BAD_CHUNK", "the chunk cannot be decoded");
  }
  if (entries.length === 0) return fault("SNAPSHOT_BAD_CHUNK", "the chunk is empty");
  const [from, to] = [toHex(rules.from), toHex(rules.to)];
  let last = "";
  for (const { key } of entries) {
    const name = toHex(key);
    if (name <= last || name < from || name >= to)
      return fault("SNAPSHOT_BAD_CHUNK", "the chunk's keys do not ascend inside the snapshot's range");
    last = name;
  }
  return valid({ entries, first: toHex(entries[0]!.key), last });
}

/** Whether a chunk keeps the order of keys towards the nearest chunks that are known. */
export function fitsBetween(
  span: ChunkSpan,
  before: ChunkSpan | undefined,
  after: ChunkSpan | undefined,
): boolean {
  return (
    (before === undefined || before.last < span.first) && (after === undefined || span.last < after.first)
  );
}

const firstOffset = (encoded: Uint8Array): number =>
  new DataView(encoded.buffer, encoded.byteOffset, encoded.length).getUint32(0, true);
