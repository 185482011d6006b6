import { describe, expect, it } from "vitest";
import { PeerScores } from "../../src/sync/peer-scores.js";
import { SimulatedClock } from "../../src/testing/index.js";

const START_MS = 1_000_000;
const HOUR_MS = 3_600_000;

function scored() {
  const clock = new SimulatedClock(START_MS, async () => {});
  return { clock, scores: new PeerScores(clock) };
}

/** Milliseconds until a peer may be asked again. */
async function pauseOf({ clock, scores }: ReturnType<typeof scored>, peer: string): Promise<number> {
  const beforeMs = clock.nowMs();
  const step = 100;
  while (!scores.mayAsk(peer) && clock.nowMs() - beforeMs < 2 * HOUR_MS) await clock.advance(step);
  return clock.nowMs() - beforeMs;
}

describe("what peers are worth to a node that catches up", () => {
  it("asks who served first, strangers next, and who was slow last", () => {
    const { scores } = scored();
    scores.useful("served");
    scores.slow("slow");
    expect(scores.order(["slow", "stranger", "served"])).toEqual(["served", "stranger", "slow"]);
  });

  it("asks who failed again after a pause that doubles, up to half a minute, until it serves", async () => {
    const peer = scored();
    const pauses: number[] = [];
    for (let failure = 0; failure < 10; failure++) {
      peer.scores.failed("peer");
      expect(peer.scores.order(["peer"])).toEqual([]);
      pauses.push(await pauseOf(peer, "peer"));
    }
    expect(pauses.slice(0, 5)).toEqual([200, 400, 800, 1_600, 3_200]);
    expect(pauses.at(-1)).toBe(30_000);
    peer.scores.useful("peer");
    peer.scores.empty("peer");
    expect(await pauseOf(peer, "peer")).toBe(200);
  });

  it("leaves a liar alone for a minute, then longer, at most an hour, whatever it served between", async () => {
    const peer = scored();
    const pauses: number[] = [];
    for (let lie = 0; lie < 5; lie++) {
      peer.scores.lied("peer");
      pauses.push(await pauseOf(peer, "peer"));
      peer.scores.useful("peer");
    }
    expect(pauses.map((pauseMs) => pauseMs / 60_000)).toEqual([1, 4, 16, 60, 60]);
  });

  it("forgets by halves, so that an old merit does not outweigh a fresh one", async () => {
    const { clock, scores } = scored();
    for (let each = 0; each < 50; each++) scores.useful("old");
    expect(scores.pointsOf("old")).toBe(10);
    await clock.advance(5 * 60_000);
    expect(scores.pointsOf("old")).toBeCloseTo(10 / 32);
    scores.useful("fresh");
    expect(scores.order(["old", "fresh"])).toEqual(["fresh", "old"]);
  });

  it("remembers a bounded number of peers, those longest unheard of the first to go", () => {
    const { scores } = scored();
    scores.useful("first");
    for (let each = 0; each < 1_024; each++) scores.useful(`peer-${each}`);
    expect(scores.pointsOf("first")).toBe(0);
    expect(scores.pointsOf("peer-0")).toBe(1);
  });
});
