import type { StatusView, TransactionView } from "@consilium/client";
import { describe, expect, it } from "vitest";
import { Witness } from "../src/check/witness.js";

const statusAt = (height: number, digest = `d${height}`, stateRoot = `s${height}`): StatusView =>
  ({
    alliance: { finalizedHeight: height, finalizedDigest: digest, stateRoot },
    private: { finalizedHeight: 1 },
  }) as StatusView;

const finalAt = (height: number, code: string | null = null): TransactionView => ({
  id: "t",
  state: "final",
  height,
  timeMs: 1_000 * height,
  code,
});

function witness(): { readonly it: Witness; codes(): string[] } {
  const made = new Witness(() => 0);
  return { it: made, codes: () => made.violations.map(({ code }) => code) };
}

describe("the witness", () => {
  it("is content with nodes that report the same, at their own pace", () => {
    const { it: seen, codes } = witness();
    seen.status("a", statusAt(5));
    seen.status("b", statusAt(3));
    seen.status("b", statusAt(5));
    seen.transaction("a", finalAt(4));
    seen.transaction("b", finalAt(4));
    seen.block("b", 4, "d4");
    expect(codes()).toEqual([]);
    expect(seen.highest).toBe(5);
  });

  it("sees two digests at one height, whoever reported first and whenever", () => {
    const { it: seen, codes } = witness();
    seen.status("a", statusAt(5));
    seen.status("a", statusAt(9));
    seen.block("b", 5, "other");
    expect(codes()).toEqual(["HEIGHT_DISAGREES"]);
  });

  it("sees two states after the same block", () => {
    const { it: seen, codes } = witness();
    seen.block("c", 5, "d5");
    seen.status("a", statusAt(5));
    seen.status("b", statusAt(5, "d5", "other"));
    expect(codes()).toEqual(["HEIGHT_DISAGREES"]);
  });

  it("sees a node forget what it had reported final, but lets a wiped one begin again", () => {
    const { it: seen, codes } = witness();
    seen.status("a", statusAt(5));
    seen.wiped("a");
    seen.status("a", statusAt(2));
    expect(codes()).toEqual([]);
    seen.status("a", statusAt(1));
    expect(codes()).toEqual(["HEIGHT_WENT_BACK"]);
  });

  it("sees a transaction that is final at two heights, or with two results", () => {
    const { it: seen, codes } = witness();
    seen.transaction("a", finalAt(4));
    seen.transaction("b", finalAt(5));
    seen.transaction("b", finalAt(4, "REQUEST_BAD_OWNER"));
    expect(codes()).toEqual(["TRANSACTION_DOUBLED", "TRANSACTION_DIFFERS"]);
  });

  it("takes no answer but final for a report", () => {
    const { it: seen } = witness();
    seen.transaction("a", { id: "t", state: "pending", height: null, timeMs: null, code: null });
    expect(seen.transactions.size).toBe(0);
  });
});
