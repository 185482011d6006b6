import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { ConsiliumError } from "./errors.js";

/** An unsigned 64-bit counter: a bigint, or a number up to 2^53 − 1. */
export type Uint64 = number | bigint;

/** Joins byte strings: the `‖` of Consilium CS01 §2. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return concatList(parts);
}

/** The same for a list of any length, which would overflow the call stack as arguments. */
export function concatList(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** UTF-8 bytes of a string, with no terminator. */
export function utf8(text: string): Uint8Array {
  return utf8ToBytes(text);
}

/** Lower-case hexadecimal of a byte string. */
export function toHex(bytes: Uint8Array): string {
  return bytesToHex(bytes);
}

/** Bytes of a hexadecimal string. Throws `BAD_ENCODING` for anything else. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
    throw new ConsiliumError("BAD_ENCODING", "Write the bytes as an even number of hexadecimal digits.");
  }
  return Uint8Array.from({ length: text.length / 2 }, (_, i) =>
    Number.parseInt(text.slice(2 * i, 2 * i + 2), 16),
  );
}

function unsigned(value: Uint64, sizeBytes: number): Uint8Array {
  const fits = typeof value === "bigint" || Number.isSafeInteger(value);
  if (!fits || value < 0 || value >= 2 ** (8 * sizeBytes)) {
    throw new ConsiliumError("BAD_ENCODING", `Give an integer that fits in ${sizeBytes} unsigned bytes.`);
  }
  return typeof value === "bigint" ? unsignedBigint(value, sizeBytes) : unsignedNumber(value, sizeBytes);
}

function unsignedBigint(value: bigint, sizeBytes: number): Uint8Array {
  const out = new Uint8Array(sizeBytes);
  let rest = value;
  for (let i = sizeBytes - 1; i >= 0; i--) {
    out[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return out;
}

/** Without big integers: every key of a store and every hash holds a few of these. */
function unsignedNumber(value: number, sizeBytes: number): Uint8Array {
  const out = new Uint8Array(sizeBytes);
  let rest = value;
  for (let i = sizeBytes - 1; rest > 0; i--) {
    out[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return out;
}

/** Unsigned big-endian integer of 1 byte. Throws `BAD_ENCODING` when it does not fit; so do the three below. */
export const u8 = (value: number): Uint8Array => unsigned(value, 1);
/** Unsigned big-endian integer of 2 bytes. */
export const u16 = (value: number): Uint8Array => unsigned(value, 2);
/** Unsigned big-endian integer of 4 bytes. */
export const u32 = (value: number): Uint8Array => unsigned(value, 4);
/** Unsigned big-endian integer of 8 bytes. */
export const u64 = (value: Uint64): Uint8Array => unsigned(value, 8);

/** u16(length) ‖ bytes. */
export function lp16(bytes: Uint8Array): Uint8Array {
  return concat(u16(bytes.length), bytes);
}

/** u32(length) ‖ bytes. */
export function lp32(bytes: Uint8Array): Uint8Array {
  return concat(u32(bytes.length), bytes);
}

/** Equality of public byte strings. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  // A plain loop: with a callback per byte, comparing a large transaction took longer than decoding it.
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}

/** Equality that takes the same time wherever two strings of one length differ: for tags, commitments and secrets. */
export function equalBytesConstantTime(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let i = 0; i < left.length; i++) difference |= left[i]! ^ right[i]!;
  return difference === 0;
}

/** Bytewise exclusive or of two strings of one length. */
export function xorBytes(left: Uint8Array, right: Uint8Array): Uint8Array {
  requireLength(right, left.length, "right operand");
  return left.map((byte, i) => byte ^ right[i]!);
}

/** The bytes as a big-endian integer (OS2IP of RFC 8017). */
export function bigintFromBytes(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytesToHex(bytes)}`);
}

/** True when every byte is zero; the time depends on the length alone. */
export function isAllZero(bytes: Uint8Array): boolean {
  let seen = 0;
  for (const byte of bytes) seen |= byte;
  return seen === 0;
}

/** Returns the bytes when they have the length stated, otherwise throws `BAD_LENGTH`. */
export function requireLength(bytes: Uint8Array, sizeBytes: number, field: string): Uint8Array {
  if (bytes.length !== sizeBytes) throw badLength(field, sizeBytes, bytes.length);
  return bytes;
}

function badLength(field: string, expectedBytes: number, actualBytes: number): ConsiliumError {
  return new ConsiliumError("BAD_LENGTH", `Give exactly ${expectedBytes} bytes for ${field}.`, {
    field,
    expectedBytes,
    actualBytes,
  });
}

/** A strict parser: reads the stated fields in order; a missing or an extra byte is `BAD_LENGTH`. */
export class Reader {
  private offset = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** Bytes not read yet. */
  get remainingBytes(): number {
    return this.bytes.length - this.offset;
  }

  /** The next `sizeBytes` bytes, copied. */
  take(sizeBytes: number, field = "field"): Uint8Array {
    if (this.remainingBytes < sizeBytes) throw badLength(field, sizeBytes, this.remainingBytes);
    const out = this.bytes.slice(this.offset, this.offset + sizeBytes);
    this.offset += sizeBytes;
    return out;
  }

  u8(field = "u8"): number {
    return Number(bigintFromBytes(this.take(1, field)));
  }

  u16(field = "u16"): number {
    return Number(bigintFromBytes(this.take(2, field)));
  }

  u32(field = "u32"): number {
    return Number(bigintFromBytes(this.take(4, field)));
  }

  u64(field = "u64"): bigint {
    return bigintFromBytes(this.take(8, field));
  }

  lp16(field = "field"): Uint8Array {
    return this.take(this.u16(field), field);
  }

  lp32(field = "field"): Uint8Array {
    return this.take(this.u32(field), field);
  }

  /** Ends the parse: throws `BAD_LENGTH` when bytes are left over. */
  end(field = "message"): void {
    if (this.remainingBytes !== 0) throw badLength(field, this.offset, this.bytes.length);
  }
}
