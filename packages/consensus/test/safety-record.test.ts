import { toEpoch, toView, type VoteSubject } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import {
  canSign,
  decodeSafetyRecord,
  emptySafetyRecord,
  encodeSafetyRecord,
  pruneSafetyRecord,
  recordVote,
  type SafetyRecord,
} from "../src/index.js";
import { blockOf, chainId, finalize, notarize, nullify } from "./engine/harness.js";

const block = blockOf(1);
const other = blockOf(1, undefined, { timestampMs: 99_999 });
const holding = (...votes: VoteSubject[]): SafetyRecord =>
  votes.reduce(recordVote, emptySafetyRecord(chainId));
const codeFor = (record: SafetyRecord, vote: VoteSubject): string => {
  const verdict = canSign(record, vote);
  return verdict.kind === "valid" ? "valid" : verdict.code;
};

describe("canSign", () => {
  it("signs an identical tuple again", () => {
    for (const vote of [notarize(1, block, 0), nullify(1), finalize(1, block, 0)]) {
      expect(codeFor(holding(vote), vote)).toBe("valid");
    }
  });

  it("signs nullify after notarize, and finalize after notarize", () => {
    expect(codeFor(holding(notarize(1, block, 0)), nullify(1))).toBe("valid");
    expect(codeFor(holding(notarize(1, block, 0)), finalize(1, block, 0))).toBe("valid");
  });

  it("signs finalize for another block than it notarized, since a quorum decided", () => {
    expect(codeFor(holding(notarize(1, block, 0)), finalize(1, other, 0))).toBe("valid");
  });

  it.each<[string, VoteSubject, VoteSubject, string]>([
    ["two notarize of a view", notarize(1, block, 0), notarize(1, other, 0), "SAFETY_CONTRADICTION"],
    ["one block on two parent views", notarize(3, block, 0), notarize(3, block, 1), "SAFETY_CONTRADICTION"],
    ["notarize after nullify", nullify(1), notarize(1, block, 0), "SAFETY_NOTARIZE_AFTER_NULLIFY"],
    ["finalize after nullify", nullify(1), finalize(1, block, 0), "SAFETY_CONTRADICTION"],
    ["nullify after finalize", finalize(1, block, 0), nullify(1), "SAFETY_CONTRADICTION"],
    ["two finalize of a view", finalize(1, block, 0), finalize(1, other, 0), "SAFETY_CONTRADICTION"],
    [
      "notarize of another block than finalized",
      finalize(1, block, 0),
      notarize(1, other, 0),
      "SAFETY_CONTRADICTION",
    ],
  ])("refuses %s", (_what, before, after, code) => {
    expect(codeFor(holding(before), after)).toBe(code);
  });

  it("lets the same votes stand in different views and epochs", () => {
    expect(codeFor(holding(nullify(1)), notarize(2, block, 0))).toBe("valid");
    expect(codeFor(holding(nullify(1)), { ...notarize(1, block, 0), epoch: 1 })).toBe("valid");
  });

  it("refuses anything at or below the floor, an identical tuple too", () => {
    const record = pruneSafetyRecord(holding(nullify(5)), { epoch: toEpoch(1), view: toView(5) });
    expect(codeFor(record, { ...nullify(5), epoch: 1 })).toBe("SAFETY_BELOW_FLOOR");
    expect(codeFor(record, { ...nullify(9), epoch: 0 })).toBe("SAFETY_BELOW_FLOOR");
    expect(codeFor(record, { ...nullify(6), epoch: 1 })).toBe("valid");
  });
});

describe("pruning", () => {
  it("drops the votes at or below the floor and keeps those above", () => {
    const record = pruneSafetyRecord(holding(nullify(1), nullify(2), nullify(3)), {
      epoch: toEpoch(0),
      view: toView(2),
    });
    expect(record.votes).toEqual([nullify(3)]);
  });

  it("never lowers the floor", () => {
    const record = pruneSafetyRecord(holding(), { epoch: toEpoch(0), view: toView(7) });
    expect(pruneSafetyRecord(record, { epoch: toEpoch(0), view: toView(3) })).toBe(record);
  });
});

describe("the record's bytes", () => {
  const record = pruneSafetyRecord(holding(notarize(8, block, 3), nullify(9)), {
    epoch: toEpoch(0),
    view: toView(4),
  });
  const bytes = encodeSafetyRecord(record);

  it("read back as the same record", () => {
    expect(decodeSafetyRecord(bytes, chainId)).toEqual({ kind: "valid", value: record });
  });

  it("are refused when any one of them is changed", () => {
    for (let index = 0; index < bytes.length; index++) {
      const bad = bytes.slice();
      bad[index]! ^= 1;
      expect(decodeSafetyRecord(bad, chainId).kind, `byte ${index}`).toBe("fault");
    }
  });

  it("are refused when cut or extended", () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeSafetyRecord(bytes.subarray(0, length), chainId).kind).toBe("fault");
    }
    expect(decodeSafetyRecord(Uint8Array.of(...bytes, 0), chainId).kind).toBe("fault");
  });

  it("say that they are missing rather than that nothing was signed", () => {
    expect(decodeSafetyRecord(undefined, chainId)).toMatchObject({ code: "SAFETY_RECORD_MISSING" });
  });

  it("are refused for another chain", () => {
    expect(decodeSafetyRecord(bytes, new Uint8Array(32))).toMatchObject({
      code: "SAFETY_RECORD_OTHER_CHAIN",
    });
  });
});
