import { describe, expect, it } from "vitest";
import { Bench, blockOf, certify, notarize, nullify, proposalOf, voteBy } from "./harness.js";

const b1 = blockOf(1);
const _b2 = blockOf(2, b1);
const n1 = certify(notarize(1, b1, 0));

describe("rule 4, notarization", () => {
  it("makes a notarization durable, passes it on, enters the next view and votes finalize", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, b1));
    bench.certificate(n1);
    const kinds = bench.effects.map(({ kind }) => kind);
    expect(kinds.indexOf("persist")).toBe(0);
    expect(kinds.indexOf("broadcast")).toBeLessThan(kinds.indexOf("sign"));
    expect(bench.state.view).toBe(2);
    expect(bench.signed).toEqual(["finalize 1"]);
  });

  it("does not vote finalize where it voted nullify", () => {
    const bench = new Bench(3);
    bench.timer("advance");
    bench.certificate(n1);
    expect(bench.state.view).toBe(2);
    expect(bench.signed).toEqual([]);
  });

  it("asks for the certificate once a quorum of equal votes is here; votes alone never move views", () => {
    const bench = new Bench(3);
    for (const validator of [0, 1]) bench.vote(voteBy(validator, nullify(1)));
    expect(bench.of("assemble")).toEqual([]);
    bench.vote(voteBy(2, nullify(1)));
    expect(bench.of("assemble")[0]?.votes).toHaveLength(3);
    expect(bench.state.view).toBe(1);
  });

  it("counts only equal votes towards a quorum", () => {
    const bench = new Bench(3);
    const other = blockOf(1, undefined, { timestampMs: 5_000 });
    bench.vote(voteBy(0, notarize(1, b1, 0)));
    bench.vote(voteBy(1, notarize(1, b1, 0)));
    bench.vote(voteBy(2, notarize(1, other, 0)));
    expect(bench.of("assemble")).toEqual([]);
  });

  it("counts a validator once", () => {
    const bench = new Bench(3);
    for (const validator of [0, 0, 0, 1]) bench.vote(voteBy(validator, nullify(1)));
    expect(bench.of("assemble")).toEqual([]);
  });

  it("fetches a notarized block's body that it lacks", () => {
    const bench = new Bench(3);
    bench.certificate(n1);
    expect(bench.of("fetch")[0]).toMatchObject({ what: "body", digest: n1.digest });
  });

  it("casts no finalize vote for a notarization of a view that it left", () => {
    const bench = new Bench(3);
    bench.certificate(certify(nullify(2)));
    bench.certificate(n1);
    expect(bench.of("broadcast")).toEqual([]);
    expect(bench.signed).toEqual([]);
    expect(bench.state.view).toBe(3);
  });
});
