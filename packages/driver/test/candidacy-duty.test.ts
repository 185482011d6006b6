import { describe, expect, it } from "vitest";
import { type CandidacyView, decideCandidacy } from "../src/index.js";

const view = (change: Partial<CandidacyView>): CandidacyView => ({
  epoch: 3,
  nextHeight: 301,
  firstHeight: 301,
  lengthHeights: 100,
  standing: true,
  readyEpoch: 2,
  place: 0,
  ...change,
});

describe("a candidate", () => {
  it("says once in every epoch that it is up, in time for the epoch's last block", () => {
    expect(decideCandidacy(view({}))).toEqual([
      { kind: "ready", key: "candidate-ready:3", transactionKind: 0x05, epoch: 3, expiryHeight: 400 },
    ]);
    expect(decideCandidacy(view({ readyEpoch: 3 }))).toEqual([]);
  });

  it("says nothing once it resigned, was banned or never registered", () => {
    expect(decideCandidacy(view({ standing: false, readyEpoch: undefined }))).toEqual([]);
  });

  it("waits for its turn in the first heights, so that not all speak at once", () => {
    expect(decideCandidacy(view({ place: 5 }))).toEqual([]);
    expect(decideCandidacy(view({ place: 5, nextHeight: 305 }))).toEqual([]);
    expect(decideCandidacy(view({ place: 5, nextHeight: 306 }))).toHaveLength(1);
    const latest = Array.from({ length: 300 }, (_, place) => view({ place, nextHeight: 316 }));
    for (const each of latest) expect(decideCandidacy(each)).toHaveLength(1);
  });

  it("speaks in an epoch of two heights as well", () => {
    const short = { lengthHeights: 2, firstHeight: 7, nextHeight: 7, place: 3 };
    expect(decideCandidacy(view(short))).toMatchObject([{ expiryHeight: 8 }]);
  });
});
