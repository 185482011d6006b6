import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ConsiliumError, toHex } from "@consilium/crypto";

/**
 * Ciphertext chunks by their SHA-256 digest. The file system is one backend; an object store of a large site another.
 */
export interface BlobStore {
  /**
   * Stores the bytes of one chunk as they stream in, durable when the promise resolves; returns their number.
   * Storing what is there already is cheap and harmless.
   * Throws `BLOB_DIGEST_MISMATCH` and keeps nothing when the bytes are not those that the digest names.
   */
  put(digest: Uint8Array, pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<number>;
  /** The chunk, or undefined. Throws `BLOB_CORRUPT` when the stored bytes rotted. */
  get(digest: Uint8Array): Promise<Uint8Array | undefined>;
  has(digest: Uint8Array): Promise<boolean>;
  /** Forgets the chunk; nothing happens when it is not there. */
  delete(digest: Uint8Array): Promise<void>;
}

/** Opens the folder (made when missing) and sweeps up what interrupted writes left behind. */
export async function openFileBlobStore(folder: string): Promise<BlobStore> {
  const incoming = join(folder, "incoming");
  await mkdir(incoming, { recursive: true });
  await Promise.all((await readdir(incoming)).map((name) => rm(join(incoming, name), { force: true })));
  return new FileBlobStore(folder, incoming);
}

/** Files named by their digest in 256 folders, so that no folder grows too large for a directory scan. */
class FileBlobStore implements BlobStore {
  constructor(
    private readonly folder: string,
    private readonly incoming: string,
  ) {}

  async put(digest: Uint8Array, pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<number> {
    const existing = await sizeOf(this.pathOf(digest));
    if (existing !== undefined) return existing;
    const temporary = join(this.incoming, randomUUID());
    try {
      const sizeBytes = await writeChecked(temporary, digest, pieces);
      const shard = this.shardOf(digest);
      await mkdir(shard, { recursive: true });
      await rename(temporary, this.pathOf(digest));
      // The rename is durable only once the directory that holds the new name is.
      await syncFolder(shard);
      return sizeBytes;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async get(digest: Uint8Array): Promise<Uint8Array | undefined> {
    let bytes: Uint8Array;
    try {
      bytes = await readFile(this.pathOf(digest));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    if (!createHash("sha256").update(bytes).digest().equals(digest)) {
      throw new ConsiliumError(
        "BLOB_CORRUPT",
        "A stored ciphertext chunk no longer has its digest; restore it from a backup or a replica.",
        { digest: toHex(digest) },
      );
    }
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  async has(digest: Uint8Array): Promise<boolean> {
    return (await sizeOf(this.pathOf(digest))) !== undefined;
  }

  async delete(digest: Uint8Array): Promise<void> {
    await rm(this.pathOf(digest), { force: true });
  }

  private shardOf(digest: Uint8Array): string {
    return join(this.folder, toHex(digest.subarray(0, 1)));
  }

  private pathOf(digest: Uint8Array): string {
    return join(this.shardOf(digest), toHex(digest));
  }
}

async function writeChecked(
  path: string,
  digest: Uint8Array,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<number> {
  const file = await open(path, "wx");
  const hash = createHash("sha256");
  let sizeBytes = 0;
  try {
    for await (const piece of pieces) {
      hash.update(piece);
      await file.writeFile(piece);
      sizeBytes += piece.length;
    }
    if (!hash.digest().equals(digest)) {
      const sentence = "The bytes are not those that the digest names; send the chunk again.";
      throw new ConsiliumError("BLOB_DIGEST_MISMATCH", sentence, { digest: toHex(digest), sizeBytes });
    }
    await file.sync();
    return sizeBytes;
  } finally {
    await file.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

const isMissing = (error: unknown): boolean => (error as { code?: unknown }).code === "ENOENT";
