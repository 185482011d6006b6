import { ConsiliumError, codeOf } from "@consilium/crypto";
import type { Log } from "@consilium/protocol";
import type { Connection, Libp2p, Stream } from "@libp2p/interface";
import { CHAIN_TAG_SIZE_BYTES } from "./consensus-streams.js";
import { encodeFrame, FrameReader } from "./frame.js";
import { networkLimits } from "./limits.js";
import { nodeIdOf, peerIdOf } from "./peer-names.js";
import {
  decodeRequest,
  decodeResponse,
  encodeAnswer,
  encodeRefusal,
  encodeRequest,
} from "./request-codec.js";
import { Turnstile } from "./turnstile.js";

export const REQUEST_PROTOCOL = "/consilium/request/1";

export type RequestHandler = (from: string, body: Uint8Array) => Promise<Uint8Array>;

export interface RequestStreamsOptions {
  readonly log: Log;
  readonly charge: (nodeId: string, code: string) => void;
}

/** One request and one answer per stream, each a frame with a limit and a deadline. */
export class RequestStreams {
  private readonly handlers = new Map<string, RequestHandler>();
  private readonly turnstiles = new Map<string, Turnstile>();
  private readonly answering = new Map<string, number>();
  /** Bytes of answers that wait for each peer to read them. */
  private readonly unread = new Map<string, number>();

  constructor(
    private readonly node: Libp2p,
    private readonly options: RequestStreamsOptions,
  ) {}

  async register(): Promise<void> {
    await this.node.handle(REQUEST_PROTOCOL, (stream, connection) => this.answer(stream, connection), {
      // Twice what is answered at once: what is above gets a refusal it can read, and only then a reset.
      maxInboundStreams: 2 * networkLimits.inboundRequestsPerPeer,
      maxOutboundStreams: 2 * networkLimits.outboundRequestsPerPeer,
    });
  }

  serve(chainTag: string, protocol: string, handler: RequestHandler): void {
    this.handlers.set(`${chainTag}/${protocol}`, handler);
  }

  /**
   * Throws `REQUEST_TIMEOUT`, `REQUEST_UNREACHABLE`, `REQUEST_TOO_LARGE`, `BAD_RESPONSE`, or the peer's refusal.
   */
  async request(
    to: string,
    chainTag: Uint8Array,
    protocol: string,
    body: Uint8Array,
    timeoutMs: number,
  ): Promise<Uint8Array> {
    if (body.length > networkLimits.requestBytes - 256) {
      const details = { protocol, sizeBytes: body.length };
      throw new ConsiliumError("REQUEST_TOO_LARGE", "Ask for less in one request.", details);
    }
    const turnstile = this.turnstiles.get(to) ?? new Turnstile(networkLimits.outboundRequestsPerPeer);
    this.turnstiles.set(to, turnstile);
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const leave = await turnstile.enter(signal);
      try {
        return await this.exchange(to, encodeRequest(chainTag, protocol, body), signal);
      } finally {
        leave();
      }
    } catch (error) {
      throw translate(error, signal, { peer: to, protocol, timeoutMs });
    }
  }

  private async exchange(to: string, request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const connection = this.node.getConnections(peerIdOf(to)).find((each) => each.status === "open");
    if (connection === undefined) throw new Error("not connected");
    const stream = await connection.newStream(REQUEST_PROTOCOL, { signal });
    try {
      const response = readFrame(stream, networkLimits.responseFrameBytes, signal);
      stream.send(encodeFrame(request));
      const frame = await response;
      closeQuietly(stream);
      return decodeResponse(frame);
    } catch (error) {
      stream.abort(error as Error);
      if (codeOf(error) === "FRAME_TOO_LARGE") this.options.charge(to, "FRAME_TOO_LARGE");
      throw error;
    }
  }

  private async answer(stream: Stream, connection: Connection): Promise<void> {
    const from = nodeIdOf(connection.remotePeer);
    if (from === undefined) return stream.abort(new Error("not a member"));
    const running = this.answering.get(from) ?? 0;
    this.answering.set(from, running + 1);
    try {
      const signal = AbortSignal.timeout(networkLimits.requestReadTimeoutMs);
      const request = await readFrame(stream, networkLimits.requestBytes, signal);
      await this.deliver(stream, from, await this.respond(from, request, running));
    } catch (error) {
      stream.abort(error as Error);
      if (codeOf(error) === "FRAME_TOO_LARGE" || codeOf(error) === "BAD_LENGTH") {
        this.options.charge(from, codeOf(error));
      }
    } finally {
      this.answering.set(from, (this.answering.get(from) ?? 1) - 1);
    }
  }

  /** Ends when the peer has taken the answer: whoever asks and does not read must not fill this node's memory. */
  private async deliver(stream: Stream, from: string, answer: Uint8Array): Promise<void> {
    const waiting = this.unread.get(from) ?? 0;
    const fits = waiting + answer.length <= networkLimits.unreadAnswerBytesPerPeer;
    const busy = () => encodeRefusal("REQUEST_BUSY", "Read the answers that wait for you; then ask again.");
    const sent = fits ? answer : busy();
    this.unread.set(from, waiting + sent.length);
    try {
      stream.send(encodeFrame(sent));
      await stream.close({ signal: AbortSignal.timeout(networkLimits.answerReadTimeoutMs) });
    } finally {
      this.unread.set(from, (this.unread.get(from) ?? 0) - sent.length);
    }
  }

  private async respond(from: string, request: Uint8Array, running: number): Promise<Uint8Array> {
    const { chainTag, protocol, body } = decodeRequest(request, CHAIN_TAG_SIZE_BYTES);
    if (running >= networkLimits.inboundRequestsPerPeer) {
      return encodeRefusal("REQUEST_BUSY", "Too many requests of yours are being answered; ask again later.");
    }
    const handler = this.handlers.get(`${chainTag}/${protocol}`);
    if (handler === undefined) {
      return encodeRefusal("REQUEST_UNSUPPORTED", "This node does not serve that protocol of that chain.");
    }
    try {
      const answer = await handler(from, body);
      if (answer.length < networkLimits.responseFrameBytes) return encodeAnswer(answer);
      return encodeRefusal("RESPONSE_TOO_LARGE", "The answer is above the limit; ask for less.");
    } catch (error) {
      if (error instanceof ConsiliumError) return encodeRefusal(error.code, error.message);
      this.options.log.error({ peer: from, protocol, error: String(error) }, "request handler failed");
      return encodeRefusal("INTERNAL", "The node could not answer; its log says why.");
    }
  }
}

/** The stream's first frame. Rejects when the stream closes before it is complete, or at the deadline. */
function readFrame(stream: Stream, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const reader = new FrameReader(maxBytes);
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new Error("deadline"));
    signal.addEventListener("abort", onAbort, { once: true });
    stream.addEventListener("message", ({ data }) => {
      try {
        const [frame] = reader.push(data instanceof Uint8Array ? data : data.subarray());
        if (frame === undefined) return;
        signal.removeEventListener("abort", onAbort);
        resolve(frame);
      } catch (error) {
        reject(error as Error);
      }
    });
    stream.addEventListener("close", ({ error }) => reject(error ?? new Error("stream closed")));
    stream.addEventListener("remoteCloseWrite", () => reject(new Error("stream ended early")));
  });
}

function closeQuietly(stream: Stream): void {
  const signal = AbortSignal.timeout(networkLimits.streamOpenTimeoutMs);
  stream.close({ signal }).catch((error: Error) => stream.abort(error));
}

function translate(
  error: unknown,
  signal: AbortSignal,
  details: { readonly peer: string; readonly protocol: string; readonly timeoutMs: number },
): ConsiliumError {
  if (error instanceof ConsiliumError) return error;
  const options = { cause: error };
  if (signal.aborted) {
    const sentence = "The peer did not answer in time; ask again, or ask another one.";
    return new ConsiliumError("REQUEST_TIMEOUT", sentence, details, options);
  }
  const sentence = "The peer cannot be reached; ask again once it is connected, or ask another one.";
  return new ConsiliumError("REQUEST_UNREACHABLE", sentence, details, options);
}
