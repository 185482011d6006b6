import { type ConsiliumError, codeOf } from "@consilium/crypto";
import type { Clock, Log } from "@consilium/protocol";
import type { Connection, Libp2p, Stream } from "@libp2p/interface";
import { encodeFrame, FrameReader } from "./frame.js";
import { networkLimits } from "./limits.js";
import { OutboundQueue } from "./outbound-queue.js";
import { nodeIdOf, peerIdOf } from "./peer-names.js";

export const CONSENSUS_PROTOCOL = "/consilium/consensus/1";
/** Leading bytes of the chain id that every frame carries. */
export const CHAIN_TAG_SIZE_BYTES = 8;

interface Channel {
  readonly queue: OutboundQueue;
  stream: Stream | undefined;
  opening: boolean;
}

export interface ConsensusStreamsOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** A message of the chain with this tag (hex). */
  readonly deliver: (from: string, chainTag: string, message: Uint8Array) => void;
  readonly charge: (nodeId: string, code: string) => void;
}

/**
 * Long-lived streams for votes, certificates and proposals: one per peer and direction, opened when the peer connects
 * and again whenever it is lost. A round over them costs a third of the CPU that gossip takes.
 */
export class ConsensusStreams {
  private readonly channels = new Map<string, Channel>();
  private stopped = false;

  constructor(
    private readonly node: Libp2p,
    private readonly options: ConsensusStreamsOptions,
  ) {}

  async register(): Promise<void> {
    await this.node.handle(CONSENSUS_PROTOCOL, (stream, connection) => this.accept(stream, connection), {
      // A peer that lost its stream may open the next before this side saw the loss.
      maxInboundStreams: 4,
    });
  }

  stop(): void {
    this.stopped = true;
    this.channels.clear();
  }

  connected(nodeId: string): void {
    if (this.channels.has(nodeId)) return;
    this.channels.set(nodeId, { queue: new OutboundQueue(), stream: undefined, opening: false });
    void this.open(nodeId);
  }

  disconnected(nodeId: string): void {
    this.channels.get(nodeId)?.queue.detach();
    this.channels.delete(nodeId);
  }

  /** Queues one message; dropped when the peer is not connected. */
  send(nodeId: string, chainTag: Uint8Array, message: Uint8Array): void {
    this.channels.get(nodeId)?.queue.push(encodeFrame(chainTag, message));
  }

  private async open(nodeId: string, failures = 0): Promise<void> {
    const channel = this.channels.get(nodeId);
    if (this.stopped || channel === undefined || channel.opening || channel.stream !== undefined) return;
    channel.opening = true;
    try {
      const signal = AbortSignal.timeout(networkLimits.streamOpenTimeoutMs);
      const connection = this.node.getConnections(peerIdOf(nodeId)).find((each) => each.status === "open");
      if (connection === undefined) throw new Error("not connected");
      this.attach(nodeId, channel, await connection.newStream(CONSENSUS_PROTOCOL, { signal }));
    } catch (error) {
      this.options.log.debug({ peer: nodeId, reason: String(error) }, "consensus stream not opened");
      this.retry(nodeId, channel, failures);
    } finally {
      channel.opening = false;
    }
  }

  private attach(nodeId: string, channel: Channel, stream: Stream): void {
    channel.stream = stream;
    stream.addEventListener("drain", () => channel.queue.drained());
    stream.addEventListener("close", () => {
      if (channel.stream !== stream) return;
      channel.stream = undefined;
      channel.queue.detach();
      this.retry(nodeId, channel, 0);
    });
    channel.queue.attach(stream);
  }

  private retry(nodeId: string, channel: Channel, failures: number): void {
    if (this.stopped || this.channels.get(nodeId) !== channel) return;
    const delayMs = Math.min(networkLimits.redialFirstMs * 2 ** failures, networkLimits.redialMaxMs);
    this.options.clock.setTimer(delayMs, () => void this.open(nodeId, failures + 1));
  }

  private accept(stream: Stream, connection: Connection): void {
    const from = nodeIdOf(connection.remotePeer);
    if (from === undefined) {
      stream.abort(new Error("not a member"));
      return;
    }
    const reader = new FrameReader(networkLimits.consensusFrameBytes);
    stream.addEventListener("message", ({ data }) => {
      try {
        const bytes = data instanceof Uint8Array ? data : data.subarray();
        for (const frame of reader.push(bytes)) this.deliver(from, frame);
      } catch (error) {
        stream.abort(error as ConsiliumError);
        this.options.charge(from, codeOf(error));
      }
    });
  }

  private deliver(from: string, frame: Uint8Array): void {
    const tag = Buffer.from(frame.buffer, frame.byteOffset, Math.min(CHAIN_TAG_SIZE_BYTES, frame.length));
    this.options.deliver(from, tag.toString("hex"), frame.subarray(CHAIN_TAG_SIZE_BYTES));
  }
}
