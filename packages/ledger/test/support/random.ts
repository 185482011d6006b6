import { sha256, u32, utf8 } from "@consilium/crypto";

/** Reproducible bytes for fixtures: the same name and order of calls, the same bytes. */
export class Seeded {
  private count = 0;

  constructor(private readonly name: string) {}

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let offset = 0; offset < length; offset += 32) {
      const block = sha256(utf8(this.name), u32(this.count++));
      out.set(block.subarray(0, Math.min(32, length - offset)), offset);
    }
    return out;
  }

  /** A scalar: the top byte is cleared, so that it is below the group order. */
  scalar(): Uint8Array {
    const bytes = this.bytes(32);
    bytes[0] = 0;
    return bytes;
  }
}
