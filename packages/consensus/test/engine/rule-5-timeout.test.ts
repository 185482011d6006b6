import { describe, expect, it } from "vitest";
import { Bench, blockOf, certify, DELTA_MS, finalize, notarize, nullify, proposalOf } from "./harness.js";

const b1 = blockOf(1);
const _b2 = blockOf(2, b1);
const n1 = certify(notarize(1, b1, 0));

describe("rule 5, timeouts", () => {
  it("votes nullify when no proposal came in time", () => {
    const bench = new Bench(3);
    bench.timer("propose");
    expect(bench.signed).toEqual(["nullify 1"]);
  });

  it("does not mind the propose timer once a proposal came", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, b1));
    bench.timer("propose");
    expect(bench.signed).toEqual([]);
  });

  it("may nullify after notarizing", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, b1));
    bench.checked(b1, 1);
    bench.sign();
    bench.timer("advance");
    expect(bench.signed).toEqual(["nullify 1"]);
  });

  it("sends own votes and the newest certificates again while stuck, at a pace that backs off but stays bounded", () => {
    const bench = new Bench(3);
    const n = certify(nullify(1));
    bench.certificate(n);
    bench.timer("advance");
    bench.sign();
    const pauses: number[] = [];
    for (let count = 0; count < 6; count++) {
      bench.timer("rebroadcast");
      pauses.push(bench.of("setTimer")[0]!.delayMs / DELTA_MS);
    }
    expect(pauses).toEqual([2, 4, 8, 8, 8, 8]);
    const kinds = bench.of("broadcast").map(({ message }) => message.kind);
    expect(kinds).toEqual(["certificate", "vote"]);
  });

  it("never nullifies a view that it voted to finalize", () => {
    const bench = new Bench(3, 4, { ownVotes: [finalize(1, b1, 0)] });
    bench.timer("propose");
    bench.timer("advance");
    expect(bench.signed).toEqual([]);
  });

  it("sends the finalize votes of the newest unfinished views again, too", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, b1));
    bench.certificate(n1);
    bench.sign();
    bench.timer("advance");
    bench.sign();
    bench.timer("rebroadcast");
    const votes = bench
      .of("broadcast")
      .flatMap(({ message }) => (message.kind === "vote" ? message.vote : []));
    expect(votes.map(({ kind, view }) => [kind, view])).toEqual([
      [3, 1],
      [2, 2],
    ]);
  });
});
