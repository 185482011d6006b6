/**
 * Sealing and opening of payloads as a stream of AES-256-GCM pieces (STREAM of Hoang, Reyhanitabar, Rogaway and
 * Vizár, CRYPTO 2015; Consilium CS01 §11.1), in constant memory.
 *
 * GCM does not commit to its key, and everyone who ever opened a record could make another file under the same key.
 * A reader is therefore safe only once length and SHA-256 of the file equal those of the record.
 */
import { concat, equalBytes } from "./bytes.js";
import { Chunker } from "./chunker.js";
import { ConsiliumError } from "./errors.js";
import {
  checkLastPiece,
  checkPayloadStructure,
  decodePayloadHeader,
  derivePayloadKey,
  encodePayloadHeader,
  PAYLOAD_CHUNK_LOG2_DEFAULT,
  PAYLOAD_HEADER_SIZE_BYTES,
  type PayloadPlatform,
  payloadNonce,
  payloadPieceSizeBytes,
  platformSha256,
  portablePayloadPlatform,
} from "./payload-format.js";

export interface PayloadSealOptions {
  /** The record key K, 32 bytes. */
  readonly key: Uint8Array;
  /** 16 random bytes, fresh for each file. */
  readonly salt: Uint8Array;
  /** log2 of the chunk size, 16 to 20; 18 (256 KiB) when left out. */
  readonly chunkLog2?: number;
  readonly platform?: PayloadPlatform;
}

/** What a record says about its payload. */
export interface PayloadSummary {
  /** SHA-256 of the whole file, header included. */
  readonly digest: Uint8Array;
  /** Length of the whole file. */
  readonly lengthBytes: number;
  /** SHA-256 of each piece (ciphertext ‖ tag) as it stands in the file, in order. */
  readonly chunkDigests: readonly Uint8Array[];
}

/** Seals a payload that arrives in parts. What `push` and `finish` return, in order, is the file. */
export class PayloadSealer {
  readonly #platform: PayloadPlatform;
  readonly #key: Uint8Array;
  readonly #chunker: Chunker;
  readonly #fileHash;
  readonly #chunkDigests: Uint8Array[] = [];
  #pending: Uint8Array[];
  #lengthBytes: number;
  #finished = false;

  /** Throws `STREAM_BAD_HEADER`, `BAD_LENGTH`. */
  constructor(options: PayloadSealOptions) {
    const chunkLog2 = options.chunkLog2 ?? PAYLOAD_CHUNK_LOG2_DEFAULT;
    const header = encodePayloadHeader(options.salt, chunkLog2);
    this.#platform = options.platform ?? portablePayloadPlatform;
    this.#key = derivePayloadKey(options.key, header);
    this.#chunker = new Chunker(2 ** chunkLog2);
    this.#fileHash = this.#platform.createSha256();
    this.#fileHash.update(header);
    this.#pending = [header];
    this.#lengthBytes = header.length;
  }

  /** Takes the next part of the text, of any length, and returns the parts of the file that are ready. */
  push(plaintext: Uint8Array): Uint8Array[] {
    this.#requireOpen();
    this.#chunker.push(plaintext, (chunk) => this.#seal(chunk, false));
    return this.#take();
  }

  /** Seals what is left, forgets the key, and returns the end of the file with its summary. */
  finish(): PayloadSummary & { readonly pieces: Uint8Array[] } {
    this.#requireOpen();
    this.#finished = true;
    this.#seal(this.#chunker.finish(), true);
    this.#chunker.clear();
    this.#key.fill(0);
    return {
      pieces: this.#take(),
      digest: this.#fileHash.digest(),
      lengthBytes: this.#lengthBytes,
      chunkDigests: this.#chunkDigests,
    };
  }

  #seal(chunk: Uint8Array, isLast: boolean): void {
    const nonce = payloadNonce(this.#chunkDigests.length, isLast);
    const piece = this.#platform.aead.seal(this.#key, nonce, chunk);
    this.#fileHash.update(piece);
    this.#chunkDigests.push(platformSha256(this.#platform, piece));
    this.#lengthBytes += piece.length;
    this.#pending.push(piece);
  }

  #take(): Uint8Array[] {
    const taken = this.#pending;
    this.#pending = [];
    return taken;
  }

  #requireOpen(): void {
    if (this.#finished) throw new Error("This payload sealer is finished; make a new one for another file.");
  }
}

export interface PayloadOpenOptions {
  /** The record key K, 32 bytes. */
  readonly key: Uint8Array;
  /** Length and digest of the record; without them nothing binds the file to the record. */
  readonly expected?: { readonly lengthBytes: number; readonly digest: Uint8Array };
  /**
   * Digests of the pieces, from the header the record covers. With them each piece is checked before it is released;
   * without them the caller must hold the text back until `finish` has returned.
   */
  readonly chunkDigests?: readonly Uint8Array[];
  readonly platform?: PayloadPlatform;
}

/** Opens a payload file that arrives in parts. A failure is final: the opener then refuses to go on. */
export class PayloadOpener {
  readonly #options: PayloadOpenOptions;
  readonly #platform: PayloadPlatform;
  readonly #header = new Uint8Array(PAYLOAD_HEADER_SIZE_BYTES);
  readonly #fileHash;
  #body: { readonly key: Uint8Array; readonly chunker: Chunker } | undefined;
  #opened: Uint8Array[] = [];
  #pieceCount = 0;
  #lengthBytes = 0;
  #ended = false;

  constructor(options: PayloadOpenOptions) {
    this.#options = options;
    this.#platform = options.platform ?? portablePayloadPlatform;
    this.#fileHash = this.#platform.createSha256();
  }

  /**
   * Takes the next part of the file and returns the chunks of text that became readable.
   * Throws `STREAM_BAD_HEADER`, `STREAM_AUTH`, `PAYLOAD_DIGEST`; with an expected length also the codes of its shape.
   */
  push(bytes: Uint8Array): Uint8Array[] {
    return this.#guarded(() => {
      this.#fileHash.update(bytes);
      const headerBytes = Math.min(Math.max(PAYLOAD_HEADER_SIZE_BYTES - this.#lengthBytes, 0), bytes.length);
      this.#header.set(
        bytes.subarray(0, headerBytes),
        Math.min(this.#lengthBytes, PAYLOAD_HEADER_SIZE_BYTES),
      );
      this.#lengthBytes += bytes.length;
      if (this.#body === undefined && this.#lengthBytes >= PAYLOAD_HEADER_SIZE_BYTES)
        this.#body = this.#start();
      this.#body?.chunker.push(bytes.subarray(headerBytes), (piece) => this.#open(piece, false));
      return this.#take();
    });
  }

  /**
   * Opens the last piece and compares the file with the record. Only after this may the whole text be used.
   * Throws `STREAM_BAD_HEADER`, `STREAM_TRUNCATED`, `STREAM_NON_CANONICAL`, `STREAM_AUTH`, `PAYLOAD_DIGEST`.
   */
  finish(): { readonly pieces: Uint8Array[]; readonly digest: Uint8Array; readonly lengthBytes: number } {
    return this.#guarded(() => {
      if (this.#body === undefined) decodePayloadHeader(this.#header.subarray(0, this.#lengthBytes));
      const last = this.#body!.chunker.finish();
      checkLastPiece(this.#pieceCount, last.length);
      this.#open(last, true);
      this.#body!.key.fill(0);
      this.#ended = true;
      const digest = this.#fileHash.digest();
      this.#checkRecord(digest);
      return { pieces: this.#take(), digest, lengthBytes: this.#lengthBytes };
    });
  }

  #start(): { key: Uint8Array; chunker: Chunker } {
    const chunkLog2 = decodePayloadHeader(this.#header);
    const { expected, key } = this.#options;
    if (expected !== undefined) checkPayloadStructure(expected.lengthBytes, chunkLog2);
    return {
      key: derivePayloadKey(key, this.#header),
      chunker: new Chunker(payloadPieceSizeBytes(chunkLog2)),
    };
  }

  #open(piece: Uint8Array, isLast: boolean): void {
    const index = this.#pieceCount++;
    this.#checkPiece(piece, index);
    const text = this.#platform.aead.open(this.#body!.key, payloadNonce(index, isLast), piece);
    if (text === undefined) {
      throw new ConsiliumError(
        "STREAM_AUTH",
        "A piece of the payload is not authentic; fetch the file again.",
        {
          piece: index,
        },
      );
    }
    this.#opened.push(text);
  }

  #checkPiece(piece: Uint8Array, index: number): void {
    const { chunkDigests } = this.#options;
    if (chunkDigests === undefined) return;
    const expected = chunkDigests[index];
    if (expected === undefined || !equalBytes(platformSha256(this.#platform, piece), expected))
      throw wrongDigest();
  }

  #checkRecord(digest: Uint8Array): void {
    const { expected, chunkDigests } = this.#options;
    if (chunkDigests !== undefined && chunkDigests.length !== this.#pieceCount) throw wrongDigest();
    if (expected === undefined) return;
    if (expected.lengthBytes !== this.#lengthBytes || !equalBytes(expected.digest, digest))
      throw wrongDigest();
  }

  #take(): Uint8Array[] {
    const taken = this.#opened;
    this.#opened = [];
    return taken;
  }

  #guarded<Result>(action: () => Result): Result {
    if (this.#ended) throw new Error("This payload opener has ended; make a new one for another file.");
    try {
      return action();
    } catch (error) {
      this.#ended = true;
      this.#body?.key.fill(0);
      for (const text of this.#opened) text.fill(0);
      this.#opened = [];
      throw error;
    }
  }
}

/** Seals a payload held in memory. Throws `STREAM_BAD_HEADER`, `BAD_LENGTH`. */
export function payloadSeal(
  plaintext: Uint8Array,
  options: PayloadSealOptions,
): PayloadSummary & { readonly file: Uint8Array } {
  const sealer = new PayloadSealer(options);
  const early = sealer.push(plaintext);
  const { pieces, ...summary } = sealer.finish();
  return { file: concat(...early, ...pieces), ...summary };
}

/**
 * Opens a payload file held in memory; its shape is checked before anything is decrypted. Throws `STREAM_BAD_HEADER`,
 * `STREAM_TRUNCATED`, `STREAM_NON_CANONICAL`, `STREAM_AUTH`, and `PAYLOAD_DIGEST` when it is not the record's file.
 */
export function payloadOpen(file: Uint8Array, options: PayloadOpenOptions): Uint8Array {
  const chunkLog2 = decodePayloadHeader(file.subarray(0, PAYLOAD_HEADER_SIZE_BYTES));
  checkPayloadStructure(file.length, chunkLog2);
  const opener = new PayloadOpener(options);
  const early = opener.push(file);
  return concat(...early, ...opener.finish().pieces);
}

function wrongDigest(): ConsiliumError {
  return new ConsiliumError(
    "PAYLOAD_DIGEST",
    "This file is not the one the record names; fetch it from another place and report the storage.",
  );
}
