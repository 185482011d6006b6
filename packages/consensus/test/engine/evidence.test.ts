import { describe, expect, it } from "vitest";
import { Bench, blockOf, certify, finalize, nodeId, notarize, nullify, voteBy } from "./harness.js";

const b1 = blockOf(1);
const b2 = blockOf(2, b1);
const _n1 = certify(notarize(1, b1, 0));

describe("evidence", () => {
  const rival = blockOf(1, undefined, { timestampMs: 5_000 });

  it.each([
    ["two notarize votes of one view", notarize(1, b1, 0), notarize(1, rival, 0)],
    ["two finalize votes of one view", finalize(1, b1, 0), finalize(1, rival, 0)],
    ["nullify, then finalize", nullify(1), finalize(1, b1, 0)],
    ["finalize, then nullify", finalize(1, b1, 0), nullify(1)],
    ["two votes for one block on different parent views", notarize(2, b2, 1), notarize(2, b2, 0)],
  ])("reports %s with both votes", (_what, first, second) => {
    const bench = new Bench(3);
    bench.vote(voteBy(1, first));
    expect(bench.of("reportFault")).toEqual([]);
    bench.feed({ kind: "vote", vote: voteBy(1, second), from: nodeId(2) });
    expect(bench.of("reportFault")).toMatchObject([
      {
        code: "EQUIVOCATION",
        validator: 1,
        peer: nodeId(2),
        evidence: [voteBy(1, first), voteBy(1, second)],
      },
    ]);
  });

  it.each([
    ["notarize, then nullify", notarize(1, b1, 0), nullify(1)],
    ["notarize, then finalize", notarize(1, b1, 0), finalize(1, b1, 0)],
    ["the same vote twice", nullify(1), nullify(1)],
    ["nullify votes of two views", nullify(1), nullify(2)],
  ])("takes %s for honest", (_what, first, second) => {
    const bench = new Bench(3);
    bench.vote(voteBy(1, first));
    bench.vote(voteBy(1, second));
    expect(bench.of("reportFault")).toEqual([]);
  });

  it("reports a validator once in a view, however often it contradicts itself", () => {
    const bench = new Bench(3);
    bench.vote(voteBy(1, notarize(1, b1, 0)));
    bench.vote(voteBy(1, notarize(1, rival, 0)));
    expect(bench.of("reportFault")).toHaveLength(1);
    for (const subject of [notarize(1, rival, 0), nullify(1), finalize(1, b1, 0), finalize(1, rival, 0)]) {
      bench.vote(voteBy(1, subject));
      expect(bench.of("reportFault")).toEqual([]);
    }
    bench.vote(voteBy(2, nullify(1)));
    bench.vote(voteBy(2, finalize(1, b1, 0)));
    expect(bench.of("reportFault")).toHaveLength(1);
    bench.vote(voteBy(1, nullify(2)));
    bench.vote(voteBy(1, finalize(2, b2, 1)));
    expect(bench.of("reportFault")).toHaveLength(1);
  });

  it("counts a contradictory validator's first vote only", () => {
    const bench = new Bench(3);
    bench.vote(voteBy(1, notarize(1, rival, 0)));
    for (const validator of [0, 1, 2]) bench.vote(voteBy(validator, notarize(1, b1, 0)));
    expect(bench.of("assemble")).toEqual([]);
  });
});
