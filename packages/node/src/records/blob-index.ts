import {
  ConsiliumError,
  checkPayloadStructure,
  concat,
  decodePayloadHeader,
  equalBytes,
  PAYLOAD_HEADER_SIZE_BYTES,
  payloadPieceSizeBytes,
  sha256,
  toHex,
} from "@consilium/crypto";
import {
  B32,
  ContainerType,
  decodeStrict,
  ListCompositeType,
  type Store,
  U8,
  U64,
  type ValueOf,
} from "@consilium/protocol";
import { nativePayloadPlatform } from "../keys/index.js";
import type { BlobStore } from "../storage/index.js";

/** Chunks of one ciphertext; a record header can name as many. */
const CHUNKS_MAX = 1_000;
const PREFIX = 0x01;

/** Where the chunks of a whole ciphertext file are. */
export const BlobIndexEntry = new ContainerType({
  lengthBytes: U64,
  log2ChunkBytes: U8,
  chunkDigests: new ListCompositeType(B32, CHUNKS_MAX),
});
export type BlobIndexEntry = ValueOf<typeof BlobIndexEntry>;

/**
 * Whole ciphertext files by their digest, kept as the chunks in which they are sealed (Consilium CS01 §11.1), so that a
 * reader fetches chunk by chunk. The stream head of 22 bytes stands before the first chunk and belongs to it.
 */
export class BlobIndex {
  constructor(
    private readonly blobs: BlobStore,
    private readonly store: Store,
  ) {}

  get(digest: Uint8Array): BlobIndexEntry | undefined {
    const stored = this.store.get(keyOf(digest));
    return stored && decodeStrict(BlobIndexEntry, stored, "blob index entry");
  }

  /**
   * Takes a file as it streams in; at most one chunk is in memory. Storing it again is harmless.
   * @throws ConsiliumError `PAYLOAD_DIGEST` when the bytes are not those of the digest, `PAYLOAD_TOO_LARGE`, and the
   * codes of the stream format. Nothing is entered then.
   */
  async put(digest: Uint8Array, pieces: AsyncIterable<Uint8Array>): Promise<BlobIndexEntry> {
    const whole = nativePayloadPlatform.createSha256();
    const chunkDigests: Uint8Array[] = [];
    let lengthBytes = 0;
    let log2ChunkBytes = 0;
    for await (const { chunk, log2 } of chunksOf(pieces)) {
      if (chunkDigests.length === CHUNKS_MAX) throw tooLarge();
      const chunkDigest = sha256(chunk);
      whole.update(chunk);
      lengthBytes += chunk.length;
      log2ChunkBytes = log2;
      await this.blobs.put(chunkDigest, [chunk]);
      chunkDigests.push(chunkDigest);
    }
    if (!equalBytes(whole.digest(), digest)) throw wrongDigest(digest);
    checkPayloadStructure(lengthBytes, log2ChunkBytes);
    const entry = { lengthBytes, log2ChunkBytes, chunkDigests };
    await this.store.batch([{ key: keyOf(digest), value: BlobIndexEntry.serialize(entry) }], { sync: true });
    return entry;
  }

  /** One chunk of a known file, from 0; undefined when the file or the chunk is not here. */
  async chunk(digest: Uint8Array, index: number): Promise<Uint8Array | undefined> {
    const chunkDigest = this.get(digest)?.chunkDigests[index];
    return chunkDigest && this.blobs.get(chunkDigest);
  }
}

/** Cuts a payload file at its chunk borders. */
async function* chunksOf(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ chunk: Uint8Array; log2: number }> {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let log2 = 0;
  let wantedBytes = PAYLOAD_HEADER_SIZE_BYTES;
  for await (const piece of pieces) {
    waiting.push(piece);
    waitingBytes += piece.length;
    if (waitingBytes < wantedBytes) continue;
    let joined: Uint8Array = concat(...waiting);
    if (log2 === 0) {
      log2 = decodePayloadHeader(joined.slice(0, PAYLOAD_HEADER_SIZE_BYTES));
      wantedBytes += payloadPieceSizeBytes(log2);
    }
    while (joined.length >= wantedBytes) {
      yield { chunk: joined.slice(0, wantedBytes), log2 };
      joined = joined.slice(wantedBytes);
      wantedBytes = payloadPieceSizeBytes(log2);
    }
    waiting = [joined];
    waitingBytes = joined.length;
  }
  if (log2 === 0)
    throw new ConsiliumError("STREAM_TRUNCATED", "This is shorter than any payload file; send it whole.");
  if (waitingBytes > 0) yield { chunk: concat(...waiting), log2 };
}

const keyOf = (digest: Uint8Array): Uint8Array => concat(Uint8Array.of(PREFIX), digest);

function wrongDigest(digest: Uint8Array): ConsiliumError {
  return new ConsiliumError(
    "PAYLOAD_DIGEST",
    "The bytes received are not those that the digest names; send them again.",
    {
      digest: toHex(digest),
    },
  );
}

function tooLarge(): ConsiliumError {
  return new ConsiliumError(
    "PAYLOAD_TOO_LARGE",
    `A ciphertext has at most ${CHUNKS_MAX} chunks; seal it with larger ones.`,
  );
}
