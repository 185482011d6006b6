/**
 * Cuts a stream of byte arrays into blocks of one size, and keeps back the last one, because a stream cipher with a
 * "last" mark must know whether more follows. Blocks that lie whole inside a pushed array are not copied.
 */
export class Chunker {
  readonly #sizeBytes: number;
  #held: Uint8Array;
  #heldBytes = 0;

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
    this.#held = new Uint8Array(0);
  }

  /**
   * Calls `emit` with every full block that is known not to be the last. A block is only valid during the call: it
   * may be a view of the pushed array or of the inner buffer.
   */
  push(bytes: Uint8Array, emit: (block: Uint8Array) => void): void {
    let position = 0;
    while (position < bytes.length) {
      if (this.#heldBytes === this.#sizeBytes) {
        emit(this.#held);
        this.#heldBytes = 0;
      }
      // Strictly more than one block left: this one cannot be the last.
      if (this.#heldBytes === 0 && bytes.length - position > this.#sizeBytes) {
        emit(bytes.subarray(position, position + this.#sizeBytes));
        position += this.#sizeBytes;
      } else {
        position += this.#hold(bytes, position);
      }
    }
  }

  /** What is left: the last block, from empty to full. The chunker can be pushed to again only from the start. */
  finish(): Uint8Array {
    const last = this.#held.subarray(0, this.#heldBytes);
    this.#heldBytes = 0;
    return last;
  }

  /** Overwrites what is held. */
  clear(): void {
    this.#held.fill(0);
    this.#heldBytes = 0;
  }

  #hold(bytes: Uint8Array, position: number): number {
    if (this.#held.length === 0) this.#held = new Uint8Array(this.#sizeBytes);
    const taken = Math.min(this.#sizeBytes - this.#heldBytes, bytes.length - position);
    this.#held.set(bytes.subarray(position, position + taken), this.#heldBytes);
    this.#heldBytes += taken;
    return taken;
  }
}
