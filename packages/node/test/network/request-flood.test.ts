import type { Connection, Libp2p, Stream } from "@libp2p/interface";
import { describe, expect, it } from "vitest";
import { CHAIN_TAG_SIZE_BYTES } from "../../src/network/consensus-streams.js";
import { encodeFrame, FrameReader } from "../../src/network/frame.js";
import { networkLimits } from "../../src/network/limits.js";
import { peerIdOf } from "../../src/network/peer-names.js";
import { decodeResponse, encodeRequest } from "../../src/network/request-codec.js";
import { RequestStreams } from "../../src/network/request-streams.js";
import { makeKey, silentLog } from "./harness.js";

const tag = new Uint8Array(CHAIN_TAG_SIZE_BYTES).fill(7);
const tagHex = "07".repeat(CHAIN_TAG_SIZE_BYTES);

/** A stream whose peer sends one request and reads the answer only when the test says so. */
class UnreadStream extends EventTarget {
  answer = new Uint8Array();
  read: () => void = () => {};

  send(frame: Uint8Array): boolean {
    this.answer = new Uint8Array(frame);
    return false;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.read = resolve;
    });
  }

  abort(): void {}

  request(): void {
    const data = encodeFrame(encodeRequest(tag, "blocks/1", new Uint8Array()));
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }

  code(): string {
    try {
      decodeResponse(new FrameReader(networkLimits.responseFrameBytes).push(this.answer)[0]!);
      return "OK";
    } catch (error) {
      return (error as { code: string }).code;
    }
  }
}

async function untilAnswered(stream: UnreadStream): Promise<void> {
  while (stream.answer.length === 0) await new Promise((resolve) => setImmediate(resolve));
}

describe("a peer that asks for large answers and reads none", () => {
  it("is refused once its share of memory is full, and served again when it has read", async () => {
    let accept: (stream: Stream, connection: Connection) => void = () => {};
    const node = {
      handle: async (_protocol: string, handler: typeof accept) => {
        accept = handler;
      },
    };
    const requests = new RequestStreams(node as unknown as Libp2p, { log: silentLog, charge: () => {} });
    await requests.register();
    const answer = new Uint8Array(networkLimits.responseFrameBytes - 1);
    requests.serve(tagHex, "blocks/1", async () => answer);
    const remotePeer = peerIdOf(makeKey().nodeId);
    const ask = async () => {
      const stream = new UnreadStream();
      accept(stream as unknown as Stream, { remotePeer } as Connection);
      stream.request();
      await untilAnswered(stream);
      return stream;
    };
    const streams: UnreadStream[] = [];
    for (let each = 0; each < 12; each++) streams.push(await ask());
    expect(streams.map((stream) => stream.code())).toEqual([
      ...Array.from({ length: 8 }, () => "OK"),
      ...Array.from({ length: 4 }, () => "REQUEST_BUSY"),
    ]);
    for (const stream of streams) stream.read();
    await new Promise((resolve) => setImmediate(resolve));
    expect((await ask()).code()).toBe("OK");
  });
});
