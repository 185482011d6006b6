/** The file format of a sealed payload: header, piece sizes, key and nonces (Consilium CS01 §11.1). */
import { sha256 } from "@noble/hashes/sha2.js";
import { AEAD_TAG_SIZE_BYTES, type AeadPort, nobleAead } from "./aead.js";
import { concat, requireLength, utf8 } from "./bytes.js";
import { ConsiliumError } from "./errors.js";
import { deriveKey, domain } from "./hash.js";

export const PAYLOAD_HEADER_SIZE_BYTES = 22;
export const PAYLOAD_SALT_SIZE_BYTES = 16;
export const PAYLOAD_KEY_SIZE_BYTES = 32;
export const PAYLOAD_CHUNK_LOG2_MIN = 16;
export const PAYLOAD_CHUNK_LOG2_MAX = 20;
export const PAYLOAD_CHUNK_LOG2_DEFAULT = 18;

const MAGIC = utf8("CSP1");
const VERSION = 1;
const KEY_SALT = domain("STREAM");
const LOG2_POSITION = 5;

/** An incremental SHA-256. */
export interface Sha256Stream {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}

/** What a platform may do faster than portable JavaScript. */
export interface PayloadPlatform {
  readonly aead: AeadPort;
  createSha256(): Sha256Stream;
}

export const portablePayloadPlatform: PayloadPlatform = {
  aead: nobleAead,
  createSha256() {
    const hash = sha256.create();
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
  },
};

/** One-shot SHA-256 through the platform. */
export function platformSha256(platform: PayloadPlatform, bytes: Uint8Array): Uint8Array {
  const hash = platform.createSha256();
  hash.update(bytes);
  return hash.digest();
}

/** The 22 bytes a file starts with. Throws `STREAM_BAD_HEADER` for a chunk size out of range, `BAD_LENGTH`. */
export function encodePayloadHeader(salt: Uint8Array, chunkLog2: number): Uint8Array {
  requireLength(salt, PAYLOAD_SALT_SIZE_BYTES, "payload salt");
  requireChunkLog2(chunkLog2);
  return concat(MAGIC, Uint8Array.of(VERSION, chunkLog2), salt);
}

/** Reads a header of 22 bytes and returns log2 of the chunk size. Throws `STREAM_BAD_HEADER`. */
export function decodePayloadHeader(header: Uint8Array): number {
  const known =
    header.length === PAYLOAD_HEADER_SIZE_BYTES && MAGIC.every((byte, index) => byte === header[index]);
  if (!known || header[MAGIC.length] !== VERSION) throw badHeader("This is not a payload file of version 1.");
  const chunkLog2 = header[LOG2_POSITION]!;
  requireChunkLog2(chunkLog2);
  return chunkLog2;
}

/** Size of a full piece on disk: chunk and tag. */
export function payloadPieceSizeBytes(chunkLog2: number): number {
  return 2 ** chunkLog2 + AEAD_TAG_SIZE_BYTES;
}

/** Length of the file that seals a text of the given length. */
export function payloadFileSizeBytes(plaintextSizeBytes: number, chunkLog2: number): number {
  const pieces = Math.max(1, Math.ceil(plaintextSizeBytes / 2 ** chunkLog2));
  return PAYLOAD_HEADER_SIZE_BYTES + plaintextSizeBytes + AEAD_TAG_SIZE_BYTES * pieces;
}

/**
 * Checks what the length of a file alone can tell, so that a file of impossible shape is refused before anything is
 * decrypted. Throws `STREAM_TRUNCATED`, `STREAM_NON_CANONICAL`.
 */
export function checkPayloadStructure(fileSizeBytes: number, chunkLog2: number): void {
  const bodySizeBytes = fileSizeBytes - PAYLOAD_HEADER_SIZE_BYTES;
  const pieceSizeBytes = payloadPieceSizeBytes(chunkLog2);
  const pieceCount = Math.max(1, Math.ceil(bodySizeBytes / pieceSizeBytes));
  checkLastPiece(pieceCount - 1, bodySizeBytes - (pieceCount - 1) * pieceSizeBytes);
}

/** Checks the size of the piece that ends the file. Throws `STREAM_TRUNCATED`, `STREAM_NON_CANONICAL`. */
export function checkLastPiece(index: number, sizeBytes: number): void {
  if (sizeBytes < AEAD_TAG_SIZE_BYTES) {
    throw new ConsiliumError("STREAM_TRUNCATED", "The payload file is cut off; fetch it again.", {
      piece: index,
    });
  }
  if (index > 0 && sizeBytes === AEAD_TAG_SIZE_BYTES) {
    throw new ConsiliumError(
      "STREAM_NON_CANONICAL",
      "The payload file ends with an empty piece; fetch it again.",
      {
        piece: index,
      },
    );
  }
}

/** The key of one file. The caller zeroises it. Throws `BAD_LENGTH` for a record key that is not 32 bytes. */
export function derivePayloadKey(recordKey: Uint8Array, header: Uint8Array): Uint8Array {
  return deriveKey(requireLength(recordKey, PAYLOAD_KEY_SIZE_BYTES, "record key"), KEY_SALT, header, 32);
}

/** Nonce of piece i: 11 bytes of counter, then 1 for the last piece and 0 for the others. */
export function payloadNonce(index: number, isLast: boolean): Uint8Array {
  const nonce = new Uint8Array(12);
  let rest = index;
  for (let position = 10; rest > 0; position--) {
    nonce[position] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

function requireChunkLog2(chunkLog2: number): void {
  if (
    Number.isInteger(chunkLog2) &&
    chunkLog2 >= PAYLOAD_CHUNK_LOG2_MIN &&
    chunkLog2 <= PAYLOAD_CHUNK_LOG2_MAX
  )
    return;
  throw badHeader("The chunk size of a payload is 2^16 to 2^20 bytes.");
}

function badHeader(sentence: string): ConsiliumError {
  return new ConsiliumError("STREAM_BAD_HEADER", sentence);
}
