import { crc32 } from "node:zlib";
import { ConsiliumError, toHex } from "@consilium/crypto";
import type { Store, StoreChange, StoreRange } from "@consilium/protocol";
import { Level } from "level";

const CHECKSUM_SIZE_BYTES = 4;
/** The folder holds the hospital's only copy of its own records, so nothing here says to start with an empty one. */
const REMEDY =
  "Keep the data folder and restore it from a backup: the alliance chain can be synced again from the other members, this hospital's private chain and ciphertexts cannot.";
/** Enough of a key to name the chain and the bucket, not the person. */
const NAMED_PREFIX_BYTES = 2;

type Database = Level<Uint8Array, Uint8Array> & {
  /** Present on Node, where level is classic-level 3; the shared typings leave it out. */
  getSync(key: Uint8Array): Uint8Array | undefined;
};

/**
 * A {@link Store} on LevelDB. Each value carries a CRC-32 over key and value, so that rot on disk, or a value under
 * another's key, is found when it is read and named, instead of being executed.
 */
class LevelStore implements Store {
  constructor(
    private readonly database: Database,
    private readonly folder: string,
  ) {}

  get(key: Uint8Array): Uint8Array | undefined {
    let stored: Uint8Array | undefined;
    try {
      stored = this.database.getSync(key);
    } catch (cause) {
      throw this.translate(cause, key);
    }
    return stored === undefined ? undefined : this.open(key, stored);
  }

  async batch(changes: readonly StoreChange[], options?: { readonly sync?: boolean }): Promise<void> {
    const operations = changes.map(({ key, value }) =>
      value === undefined
        ? ({ type: "del", key } as const)
        : ({ type: "put", key, value: seal(key, value) } as const),
    );
    try {
      await this.database.batch(operations, { sync: options?.sync === true });
    } catch (cause) {
      throw this.translate(cause);
    }
  }

  /** The iterator is made here and not at the first step: LevelDB shows it the entries of this moment. */
  range({ from, to, reverse, limit }: StoreRange): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    const options = { gte: from, lt: to, reverse: reverse === true, limit: limit ?? -1 };
    try {
      return this.walk(this.database.iterator(options), from);
    } catch (cause) {
      throw this.translate(cause, from);
    }
  }

  private async *walk(entries: AsyncIterable<[Uint8Array, Uint8Array]>, from: Uint8Array) {
    try {
      for await (const [key, stored] of entries) yield [plainView(key), this.open(key, stored)] as const;
    } catch (cause) {
      throw cause instanceof ConsiliumError ? cause : this.translate(cause, from);
    }
  }

  async close(): Promise<void> {
    await this.database.close();
  }

  private open(key: Uint8Array, stored: Uint8Array): Uint8Array {
    if (stored.length < CHECKSUM_SIZE_BYTES) throw this.corrupt(key);
    const value = plainView(stored, CHECKSUM_SIZE_BYTES);
    if (readChecksum(stored) !== checksum(key, value)) throw this.corrupt(key);
    return value;
  }

  private corrupt(key: Uint8Array, cause?: unknown): ConsiliumError {
    return new ConsiliumError(
      "STORE_CORRUPT",
      `A value in the database fails its checksum. Stop the node. ${REMEDY}`,
      { folder: this.folder, keyPrefix: toHex(key.subarray(0, NAMED_PREFIX_BYTES)) },
      { cause },
    );
  }

  private translate(cause: unknown, key: Uint8Array = new Uint8Array()): ConsiliumError {
    const code = levelCodeOf(cause);
    if (code === "LEVEL_DATABASE_NOT_OPEN" || code === "LEVEL_ITERATOR_NOT_OPEN") {
      return new ConsiliumError(
        "STORE_CLOSED",
        "The store is closed; open the data folder again.",
        {},
        { cause },
      );
    }
    if (code === "LEVEL_CORRUPTION") return this.corrupt(key, cause);
    return new ConsiliumError(
      "STORE_FAILED",
      "The database could not be read or written; check the disk's space and health.",
      { folder: this.folder, levelCode: code },
      { cause },
    );
  }
}

/**
 * Opens or creates the database in a folder.
 * Throws `DATA_FOLDER_IN_USE` while another process holds it, `STORE_CORRUPT` and `STORE_FAILED` as they say.
 */
export async function openLevelStore(folder: string): Promise<Store> {
  const encodings = { keyEncoding: "view", valueEncoding: "view" } as const;
  const database = new Level<Uint8Array, Uint8Array>(folder, encodings) as Database;
  try {
    await database.open();
  } catch (cause) {
    throw openFailure(cause, folder);
  }
  return new LevelStore(database, folder);
}

function openFailure(cause: unknown, folder: string): ConsiliumError {
  const code = levelCodeOf(cause);
  if (code === "LEVEL_LOCKED") {
    const sentence = "Another process uses this data folder; stop that node first or name another folder.";
    return new ConsiliumError("DATA_FOLDER_IN_USE", sentence, { folder }, { cause });
  }
  if (code === "LEVEL_CORRUPTION") {
    const sentence = `The database is damaged. ${REMEDY}`;
    return new ConsiliumError("STORE_CORRUPT", sentence, { folder }, { cause });
  }
  const sentence = "The database cannot be opened; check that the folder exists and may be written.";
  return new ConsiliumError("STORE_FAILED", sentence, { folder, levelCode: code }, { cause });
}

/** The innermost code: level wraps the reason of a failed open. */
function levelCodeOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  if (cause !== undefined && levelCodeOf(cause) !== "unknown") return levelCodeOf(cause);
  return typeof code === "string" ? code : "unknown";
}

/** LevelDB answers with Buffers; callers get what the port promises, over the same memory. */
function plainView(bytes: Uint8Array, from = 0): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, bytes.length - from);
}

/** An empty value is left out: zlib answers 0 for one without memory behind it, whatever came before. */
const checksum = (key: Uint8Array, value: Uint8Array): number =>
  value.length === 0 ? crc32(key) : crc32(value, crc32(key));

function readChecksum(stored: Uint8Array): number {
  return new DataView(stored.buffer, stored.byteOffset, CHECKSUM_SIZE_BYTES).getUint32(0);
}

function seal(key: Uint8Array, value: Uint8Array): Uint8Array {
  const stored = new Uint8Array(CHECKSUM_SIZE_BYTES + value.length);
  new DataView(stored.buffer).setUint32(0, checksum(key, value));
  stored.set(value, CHECKSUM_SIZE_BYTES);
  return stored;
}
