import { codeOf } from "@consilium/crypto";
import { SimulatedClock } from "@consilium/driver/testing";
import { describe, expect, it } from "vitest";
import { encodeFrame, FrameReader } from "../../src/network/frame.js";
import { networkLimits } from "../../src/network/limits.js";
import { OutboundQueue } from "../../src/network/outbound-queue.js";
import { PeerConduct } from "../../src/network/peer-conduct.js";
import {
  decodeRequest,
  decodeResponse,
  encodeAnswer,
  encodeRefusal,
  encodeRequest,
} from "../../src/network/request-codec.js";
import { Turnstile } from "../../src/network/turnstile.js";
import { silentLog, text } from "./harness.js";

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe("frames", () => {
  it("come out whole however the bytes are cut", () => {
    const stream = Buffer.concat([
      encodeFrame(text("one")),
      encodeFrame(text("")),
      encodeFrame(text("th"), text("ree")),
    ]);
    for (const pieceBytes of [1, 2, 3, 5, 100]) {
      const reader = new FrameReader(10);
      const frames: string[] = [];
      for (let from = 0; from < stream.length; from += pieceBytes) {
        for (const frame of reader.push(stream.subarray(from, from + pieceBytes)))
          frames.push(Buffer.from(frame).toString());
      }
      expect(frames).toEqual(["one", "", "three"]);
    }
  });

  it("above the limit are refused by their length alone", () => {
    const reader = new FrameReader(10);
    expect(() => reader.push(Uint8Array.of(0, 0, 0, 11))).toThrow(
      expect.objectContaining({ code: "FRAME_TOO_LARGE" }),
    );
  });
});

describe("request encoding", () => {
  it("gives back what was put in", () => {
    const tag = new Uint8Array(8).fill(3);
    const decoded = decodeRequest(encodeRequest(tag, "blocks/1", text("body")), 8);
    expect(decoded).toMatchObject({ chainTag: "03".repeat(8), protocol: "blocks/1" });
    expect(decoded.body).toEqual(text("body"));
    expect(decodeResponse(encodeAnswer(text("fine")))).toEqual(text("fine"));
  });

  it("repeats a refusal's code only when it looks like one", () => {
    const thrown = (bytes: Uint8Array) => {
      try {
        return decodeResponse(bytes);
      } catch (error) {
        return codeOf(error);
      }
    };
    expect(thrown(encodeRefusal("GRANT_INACTIVE", "no"))).toBe("GRANT_INACTIVE");
    expect(thrown(encodeRefusal("<script>", "no"))).toBe("BAD_RESPONSE");
    expect(thrown(Uint8Array.of(7))).toBe("BAD_RESPONSE");
    expect(thrown(new Uint8Array())).toBe("BAD_RESPONSE");
  });
});

describe("the queue to one peer", () => {
  it("drops the oldest messages when the peer does not read", () => {
    const queue = new OutboundQueue();
    for (let count = 0; count < networkLimits.consensusQueueMessages + 3; count++)
      queue.push(Uint8Array.of(1));
    expect(queue.dropped).toBe(3);
  });

  it("writes what was queued in one turn together, and waits for the peer to drain", async () => {
    const written: number[] = [];
    const queue = new OutboundQueue();
    queue.attach({ send: (data) => written.push(data.length) === 0 });
    for (let count = 0; count < 3; count++) queue.push(new Uint8Array(10));
    await nextTurn();
    expect(written).toEqual([30]);
    queue.push(new Uint8Array(10));
    await nextTurn();
    expect(written).toEqual([30]);
    queue.drained();
    await nextTurn();
    expect(written).toEqual([30, 10]);
  });

  it("survives a stream that breaks while it is written", async () => {
    const queue = new OutboundQueue();
    queue.attach({
      send: () => {
        throw new Error("closed");
      },
    });
    queue.push(Uint8Array.of(1));
    await nextTurn();
    queue.push(Uint8Array.of(2));
    const written: number[] = [];
    queue.attach({ send: (data) => written.push(...data) > 0 });
    await nextTurn();
    expect(written).toEqual([2]);
  });
});

describe("the turnstile", () => {
  it("gives a turn that someone gave up to the next in line", async () => {
    const turnstile = new Turnstile(1);
    const leave = await turnstile.enter(AbortSignal.timeout(10_000));
    const impatient = new AbortController();
    const first = turnstile.enter(impatient.signal).then(
      () => "entered",
      () => "gave up",
    );
    const second = turnstile.enter(AbortSignal.timeout(10_000));
    impatient.abort();
    expect(await first).toBe("gave up");
    leave();
    expect(await second).toBeTypeOf("function");
  });
});

describe("conduct of peers", () => {
  const setUp = () => {
    const clock = new SimulatedClock(1_000_000, async () => {});
    const out: string[] = [];
    return { clock, out, conduct: new PeerConduct(clock, silentLog, (peer) => out.push(peer)) };
  };

  it("throws a peer out for a grave fault, and lets it back after a while", async () => {
    const { clock, out, conduct } = setUp();
    conduct.charge("a", "FRAME_TOO_LARGE", true);
    expect(out).toEqual(["a"]);
    expect(conduct.banished("a")).toBe(true);
    await clock.advance(networkLimits.banishmentMs);
    expect(conduct.banished("a")).toBe(false);
  });

  it("forgives faults that are few and far between, and not a stream of them", async () => {
    const { clock, out, conduct } = setUp();
    for (let count = 0; count < 3 * networkLimits.faultsForgiven; count++) {
      conduct.charge("slow", "SIG_INVALID");
      await clock.advance(networkLimits.faultDecayMs);
    }
    expect(out).toEqual([]);
    for (let count = 0; count <= networkLimits.faultsForgiven; count++) conduct.charge("fast", "SIG_INVALID");
    expect(out).toEqual(["fast"]);
  });
});
