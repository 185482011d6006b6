import { networkLimits } from "./limits.js";

/** The part of a libp2p stream that writing needs. */
export interface WritableStream {
  /** False means: wait for `drain`. Throws when the stream is closed. */
  send(data: Uint8Array): boolean;
}

/**
 * Frames that wait for one peer. Bounded; when full the oldest go, because votes and certificates are sent again and
 * newer ones replace older ones. Frames queued in one turn of the event loop leave in one write.
 */
export class OutboundQueue {
  private frames: Uint8Array[] = [];
  private sizeBytes = 0;
  private stream: WritableStream | undefined;
  private writable = false;
  private scheduled = false;
  dropped = 0;

  push(frame: Uint8Array): void {
    this.frames.push(frame);
    this.sizeBytes += frame.length;
    while (
      this.frames.length > networkLimits.consensusQueueMessages ||
      this.sizeBytes > networkLimits.consensusQueueBytes
    ) {
      this.sizeBytes -= this.frames.shift()!.length;
      this.dropped += 1;
    }
    this.schedule();
  }

  attach(stream: WritableStream): void {
    this.stream = stream;
    this.writable = true;
    this.schedule();
  }

  detach(): void {
    this.stream = undefined;
    this.writable = false;
  }

  /** The stream takes data again. */
  drained(): void {
    this.writable = true;
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled || !this.writable || this.frames.length === 0) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.flush();
    });
  }

  private flush(): void {
    while (this.stream !== undefined && this.writable && this.frames.length > 0) {
      try {
        this.writable = this.stream.send(this.takeBatch());
      } catch {
        // The stream broke under us; its close event brings a new one.
        this.detach();
      }
    }
  }

  private takeBatch(): Uint8Array {
    const batch: Uint8Array[] = [];
    let batchBytes = 0;
    while (this.frames.length > 0) {
      const next = this.frames[0]!;
      if (batch.length > 0 && batchBytes + next.length > networkLimits.coalescedBytes) break;
      batch.push(next);
      batchBytes += next.length;
      this.frames.shift();
    }
    this.sizeBytes -= batchBytes;
    return batch.length === 1 ? batch[0]! : Buffer.concat(batch);
  }
}
