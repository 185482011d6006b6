import { describe, expect, it } from "vitest";
import {
  Bench,
  blockOf,
  certify,
  DELTA_MS,
  nodeId,
  notarize,
  nullify,
  proposalOf,
  voteBy,
} from "./harness.js";

const b1 = blockOf(1);
const _b2 = blockOf(2, b1);
const n1 = certify(notarize(1, b1, 0));

describe("rule 1, entering a view", () => {
  it("starts no vote timer while there is nothing to do", () => {
    const bench = new Bench(3);
    expect(bench.timers).toEqual({ interval: 10, heartbeat: 1_000 });
    bench.timer("interval");
    expect(bench.effects).toEqual([]);
  });

  it("starts both timers on work, but not before the block interval", () => {
    const bench = new Bench(3);
    bench.feed({ kind: "workKnown", work: true });
    expect(bench.effects).toEqual([]);
    bench.timer("interval");
    expect(bench.timers).toEqual({ propose: 2 * DELTA_MS, advance: 3 * DELTA_MS });
  });

  it("starts both timers at the heartbeat without work", () => {
    const bench = new Bench(3);
    bench.timer("heartbeat");
    expect(bench.timers).toEqual({ propose: 2 * DELTA_MS, advance: 3 * DELTA_MS });
  });

  it("counts a received proposal of the view as work", () => {
    const bench = new Bench(3);
    bench.timer("interval");
    bench.propose(proposalOf(1, b1));
    expect(bench.timers).toHaveProperty("advance");
  });

  it("counts a block that is notarized but not final as work", () => {
    const bench = new Bench(3);
    bench.certificate(n1);
    bench.timer("interval");
    expect(bench.timers).toHaveProperty("propose");
  });

  it("forwards the work to the proposer before the timers start", () => {
    const bench = new Bench(3);
    bench.feed({ kind: "workKnown", work: true });
    bench.timer("interval");
    expect(bench.effects[0]).toEqual({ kind: "forwardWork", to: nodeId(0) });
  });

  it("gives a proposer that signed nothing in the last r views no time", () => {
    const bench = new Bench(3);
    for (const view of [1, 2, 3, 4]) bench.certificate(certify(nullify(view), 0b1110));
    bench.timer("heartbeat");
    expect(bench.state.view).toBe(5);
    expect(bench.timers.propose).toBe(0);
  });

  it("takes a validator whose history is unknown for active", () => {
    const bench = new Bench(3);
    bench.certificate(certify(nullify(4), 0b1110));
    bench.timer("heartbeat");
    expect(bench.timers.propose).toBe(2 * DELTA_MS);
  });

  it("takes a validator whose votes come late for active", () => {
    const bench = new Bench(3);
    for (const view of [1, 2, 3, 4]) bench.certificate(certify(nullify(view), 0b1110));
    bench.vote(voteBy(0, nullify(3)));
    bench.timer("heartbeat");
    // Four failed views of four validators have doubled Δ.
    expect(bench.timers.propose).toBe(4 * DELTA_MS);
  });

  it("drops a timer of a view that was left", () => {
    const bench = new Bench(3);
    bench.certificate(certify(nullify(1)));
    bench.timer("advance", 1);
    expect(bench.effects).toEqual([]);
  });

  it("never starts the timers before the block interval, even where the heartbeat is the shorter one", () => {
    const bench = new Bench(3, 4, {}, { heartbeatMs: 5, blockIntervalMs: 10 });
    expect(bench.timers).toEqual({ interval: 10, heartbeat: 10 });
  });

  it("forwards nothing once the proposal is here, nor to itself", () => {
    const late = new Bench(3);
    late.feed({ kind: "workKnown", work: true });
    late.propose(proposalOf(1, b1));
    late.timer("interval");
    expect(late.of("forwardWork")).toEqual([]);
    const proposer = new Bench(0);
    proposer.feed({ kind: "workKnown", work: true });
    proposer.timer("interval");
    expect(proposer.of("forwardWork")).toEqual([]);
  });

  it("calls nobody inactive after a restart before r views were seen", () => {
    const certificates = [1, 2, 3, 4].map((view) => certify(nullify(view), 0b1110));
    const bench = new Bench(3, 4, { certificates });
    bench.timer("heartbeat");
    expect(bench.timers.propose).toBe(2 * DELTA_MS);
  });

  it("counts only views seen from their start as known history after a jump", () => {
    const bench = new Bench(3);
    bench.certificate(certify(nullify(2), 0b1110));
    for (const view of [3, 4]) bench.certificate(certify(nullify(view), 0b1110));
    bench.timer("heartbeat");
    expect(bench.timers.propose).toBe(2 * DELTA_MS);
  });
});
