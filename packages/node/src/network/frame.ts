import { ConsiliumError } from "@consilium/crypto";

const LENGTH_SIZE_BYTES = 4;

/** Joins the parts into one frame: u32 length of the parts together, then the parts. */
export function encodeFrame(...parts: readonly Uint8Array[]): Uint8Array {
  const sizeBytes = parts.reduce((sum, part) => sum + part.length, 0);
  const frame = new Uint8Array(LENGTH_SIZE_BYTES + sizeBytes);
  new DataView(frame.buffer).setUint32(0, sizeBytes);
  let offset = LENGTH_SIZE_BYTES;
  for (const part of parts) {
    frame.set(part, offset);
    offset += part.length;
  }
  return frame;
}

/**
 * Cuts a byte stream back into frames. Memory is bounded by one frame: a length above `maxBytes` is refused before
 * any of its bytes are kept.
 */
export class FrameReader {
  private pieces: Uint8Array[] = [];
  private bufferedBytes = 0;
  private wantedBytes: number | undefined;

  constructor(private readonly maxBytes: number) {}

  /** Adds bytes and returns the frames that they complete. Throws `FRAME_TOO_LARGE`. */
  push(bytes: Uint8Array): Uint8Array[] {
    this.pieces.push(bytes);
    this.bufferedBytes += bytes.length;
    const frames: Uint8Array[] = [];
    for (let frame = this.next(); frame !== undefined; frame = this.next()) frames.push(frame);
    return frames;
  }

  private next(): Uint8Array | undefined {
    if (this.wantedBytes === undefined) {
      if (this.bufferedBytes < LENGTH_SIZE_BYTES) return undefined;
      const length = this.take(LENGTH_SIZE_BYTES);
      this.wantedBytes = new DataView(length.buffer).getUint32(0);
      if (this.wantedBytes > this.maxBytes) throw tooLarge(this.wantedBytes, this.maxBytes);
    }
    if (this.bufferedBytes < this.wantedBytes) return undefined;
    const frame = this.take(this.wantedBytes);
    this.wantedBytes = undefined;
    return frame;
  }

  /** Copies, because the network layer below may use its buffers again. */
  private take(sizeBytes: number): Uint8Array {
    const taken = new Uint8Array(sizeBytes);
    let filled = 0;
    while (filled < sizeBytes) {
      const piece = this.pieces[0]!;
      const used = Math.min(piece.length, sizeBytes - filled);
      taken.set(piece.subarray(0, used), filled);
      filled += used;
      if (used === piece.length) this.pieces.shift();
      else this.pieces[0] = piece.subarray(used);
    }
    this.bufferedBytes -= sizeBytes;
    return taken;
  }
}

function tooLarge(sizeBytes: number, maxBytes: number): ConsiliumError {
  const sentence = "The peer announced a message above the limit; it is disconnected.";
  return new ConsiliumError("FRAME_TOO_LARGE", sentence, { sizeBytes, maxBytes });
}
