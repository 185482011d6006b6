import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { LinkModel } from "../src/network/link-model.js";
import { Relay } from "../src/network/relay.js";
import { SeededRandom } from "../src/seeded-random.js";

const quality = { delayMs: 0, jitterMs: 0, lossPercent: 0, kilobytesPerSecond: undefined };
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A relay from a to b, where b answers every byte with itself. */
async function echoThroughRelay(model: LinkModel): Promise<{ dial(): Socket; atListener: () => number }> {
  let received = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      received += bytes.length;
      socket.write(bytes);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const relay = new Relay({
    ...{ dialer: "a", listener: "b", model, random: new SeededRandom(1) },
    listen: { host: "127.0.0.1", port: 0 },
    target: { host: "127.0.0.1", port },
  });
  const endpoint = await relay.start();
  cleanups.push(() => {
    relay.stop();
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    atListener: () => received,
    dial: () => {
      const socket = connect(endpoint);
      socket.on("error", () => {});
      cleanups.push(() => socket.destroy());
      return socket;
    },
  };
}

async function echoed(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  let answer = "";
  while (answer.length < text.length) {
    const [bytes] = (await once(socket, "data")) as [Buffer];
    answer += bytes.toString();
  }
  return answer;
}

describe("a relay", () => {
  it("carries bytes both ways, in order", async () => {
    const { dial } = await echoThroughRelay(
      new LinkModel({ ...quality, delayMs: 2, jitterMs: 5, lossPercent: 1 }),
    );
    const text = Array.from({ length: 2_000 }, (_, index) => `${index},`).join("");
    expect(await echoed(dial(), text)).toBe(text);
  });

  it("delays each direction", async () => {
    const { dial } = await echoThroughRelay(new LinkModel({ ...quality, delayMs: 60 }));
    const socket = dial();
    const startedMs = performance.now();
    await echoed(socket, "x");
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(119);
  });

  it("holds bytes while the link is cut silently and delivers them when it heals, on the same connection", async () => {
    const model = new LinkModel(quality);
    const { dial, atListener } = await echoThroughRelay(model);
    const socket = dial();
    await echoed(socket, "before");
    model.begin(1, { act: "disconnect", at: 0, for: 1, nodes: ["b"], how: "silent", direction: "both" });
    const answer = echoed(socket, "during");
    // A connection that is dialled while the cut lasts is neither refused nor served.
    const second = dial();
    await once(second, "connect");
    expect(atListener()).toBe("before".length);
    model.end(1);
    expect(await answer).toBe("during");
    expect(await echoed(second, "after")).toBe("after");
  });

  it("holds the answers alone when only what a node receives is cut", async () => {
    const model = new LinkModel(quality);
    const { dial } = await echoThroughRelay(model);
    const socket = dial();
    await echoed(socket, "before");
    model.begin(1, { act: "disconnect", at: 0, for: 1, nodes: ["a"], how: "silent", direction: "in" });
    expect(model.stateOf("a", "b").blocked).toBeUndefined();
    expect(model.stateOf("b", "a").blocked).toBe("silent");
    const answer = echoed(socket, "during");
    model.end(1);
    expect(await answer).toBe("during");
  });

  it("breaks open connections and refuses new ones while the link resets", async () => {
    const model = new LinkModel(quality);
    const { dial } = await echoThroughRelay(model);
    const socket = dial();
    await echoed(socket, "before");
    const closed = once(socket, "close");
    model.begin(1, { act: "disconnect", at: 0, for: 1, nodes: ["b"], how: "reset", direction: "both" });
    await closed;
    await once(dial(), "close");
    model.end(1);
    expect(await echoed(dial(), "after")).toBe("after");
  });
});

describe("the model of links", () => {
  it("cuts between groups of a partition and nowhere else", () => {
    const model = new LinkModel(quality);
    model.begin(1, { act: "partition", at: 0, for: 1, groups: [["a", "b"], ["c"]] });
    const cut = (from: string, to: string) => model.stateOf(from, to).blocked !== undefined;
    expect([cut("a", "b"), cut("a", "c"), cut("c", "b"), cut("d", "c")]).toEqual([false, true, true, false]);
  });

  it("adds up what holds at once, and is as it was when all has ended", () => {
    const model = new LinkModel({ ...quality, delayMs: 5 });
    const slow = { act: "slow" as const, at: 0, for: 1, nodes: ["a"], jitterMs: 1, lossPercent: 2 };
    model.begin(1, { ...slow, delayMs: 10 });
    model.begin(2, { ...slow, delayMs: 20, kilobytesPerSecond: 8 });
    expect(model.stateOf("b", "a")).toMatchObject({ delayMs: 35, lossPercent: 2, kilobytesPerSecond: 8 });
    model.end(1);
    model.end(2);
    expect(model.stateOf("b", "a")).toEqual({ blocked: undefined, ...quality, delayMs: 5 });
  });
});
