import { describe, expect, it } from "vitest";
import { Bench, blockOf, certify, notarize, nullify, voteBy } from "./harness.js";

const b1 = blockOf(1);
const _b2 = blockOf(2, b1);
const _n1 = certify(notarize(1, b1, 0));

describe("rule 6, nullification", () => {
  it("passes a nullification on and enters the next view, without a vote", () => {
    const bench = new Bench(3);
    bench.certificate(certify(nullify(5)));
    expect(bench.of("broadcast")[0]?.message.kind).toBe("certificate");
    expect(bench.state.view).toBe(6);
    expect(bench.signed).toEqual([]);
  });

  it("keeps a certificate of an older view without passing it on", () => {
    const bench = new Bench(3);
    bench.certificate(certify(nullify(5)));
    bench.certificate(certify(nullify(2)));
    expect(bench.of("persist")).toHaveLength(1);
    expect(bench.of("broadcast")).toEqual([]);
    expect(bench.state.view).toBe(6);
  });

  it("lets votes alone move no view, however many there are", () => {
    const bench = new Bench(3);
    for (const validator of [0, 1, 2]) bench.vote(voteBy(validator, nullify(1)));
    expect(bench.of("assemble")).toHaveLength(1);
    expect(bench.state.view).toBe(1);
    bench.certificate(certify(nullify(1)));
    expect(bench.state.view).toBe(2);
  });
});
