import { describe, expect, it } from "vitest";
import {
  Bench,
  blockOf,
  certify,
  epochOf,
  finalize,
  notarize,
  nullify,
  proposalOf,
  voteBy,
} from "./harness.js";

const b1 = blockOf(1);
const _b2 = blockOf(2, b1);
const n1 = certify(notarize(1, b1, 0));

describe("restoring", () => {
  it("drops every input before its durable state is there", () => {
    const bench = new Bench(3);
    bench.state.started = false;
    bench.certificate(n1);
    expect(bench.effects).toEqual([]);
  });

  it("stands in the view after its newest certificate", () => {
    const bench = new Bench(3, 4, { certificates: [certify(nullify(2)), n1], headers: [b1] });
    expect(bench.state.view).toBe(3);
  });

  it("signs its own votes again, identical, and sends them", () => {
    const bench = new Bench(3, 4, { ownVotes: [notarize(1, b1, 0), nullify(1)] });
    expect(bench.signed).toEqual(["notarize 1", "nullify 1"]);
    bench.sign();
    expect(bench.of("broadcast")).toHaveLength(2);
  });

  it("votes nothing that contradicts a vote from before the crash", () => {
    const bench = new Bench(3, 4, { ownVotes: [finalize(1, b1, 0)] });
    bench.timer("advance");
    expect(bench.signed).toEqual([]);
  });

  it("tells the others its newest certificates, so that those ahead can help", () => {
    const bench = new Bench(3, 4, { certificates: [n1], headers: [b1] });
    expect(bench.of("broadcast").map(({ message }) => message)).toEqual([
      { kind: "certificate", certificate: n1 },
    ]);
  });

  it("takes a finalization up again whose block it had not committed", () => {
    const bench = new Bench(3, 4, { certificates: [certify(finalize(1, b1, 0))], headers: [b1] });
    expect(bench.of("finalize")).toHaveLength(1);
  });

  it("proposes the same block again when it had signed for it", () => {
    const bench = new Bench(0, 4, { headers: [b1], ownVotes: [notarize(1, b1, 0)] });
    bench.sign();
    expect(bench.of("broadcast")[0]?.message.kind).toBe("proposal");
    bench.timer("heartbeat");
    expect(bench.of("buildPayload")).toEqual([]);
  });
});

describe("bounds", () => {
  it("keeps no votes or proposals of views far ahead", () => {
    const bench = new Bench(3);
    bench.vote(voteBy(1, nullify(1_000)));
    bench.propose(proposalOf(1_001, blockOf(1_001)));
    expect(bench.state.slots.size).toBe(0);
    expect(bench.state.blocks.size).toBe(0);
  });

  it("ignores bodies that nobody asked for", () => {
    const bench = new Bench(3);
    bench.feed({ kind: "bodyArrived", header: b1 });
    expect(bench.state.blocks.size).toBe(0);
  });

  it("forgets the votes of views long left while finality stalls", () => {
    const bench = new Bench(3);
    for (let view = 1; view <= 50; view++) {
      bench.vote(voteBy(1, nullify(view)));
      bench.certificate(certify(nullify(view)));
    }
    const votes = [...bench.state.slots.values()].reduce((sum, slot) => sum + slot.nullifyVotes.size, 0);
    expect(votes).toBeLessThanOrEqual(8);
  });
});

describe("a single validator", () => {
  it("finalizes at once through the same code", () => {
    const bench = new Bench(0, 1);
    bench.timer("heartbeat");
    const block = blockOf(1, undefined, {}, 1);
    bench.built(block);
    bench.sign();
    expect(bench.of("assemble")).toHaveLength(1);
    bench.feed({ kind: "certificate", certificate: certify(notarize(1, block, 0), 1), from: undefined });
    expect(bench.signed).toEqual(["finalize 1"]);
    bench.sign();
    bench.feed({ kind: "certificate", certificate: certify(finalize(1, block, 0), 1), from: undefined });
    expect(bench.of("finalize")).toHaveLength(1);
  });
});

describe("what is durable, and when", () => {
  it("makes a certificate durable before the vote of the next view that follows from it", () => {
    const bench = new Bench(3, 4, { epoch: epochOf(4, 1) });
    bench.propose(proposalOf(1, b1));
    bench.certificate(n1);
    const kinds = bench.effects.map(({ kind }) => kind);
    expect(kinds.indexOf("persist")).toBeLessThan(kinds.indexOf("sign"));
  });

  it("sends a vote only after the signer has answered", () => {
    const bench = new Bench(3);
    bench.timer("advance");
    expect(bench.of("broadcast")).toEqual([]);
    bench.sign();
    expect(bench.of("broadcast")).toHaveLength(1);
  });

  it("forgets own votes only with the finalization that the driver made durable", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, b1));
    bench.checked(b1, 1);
    bench.sign();
    bench.certificate(n1);
    expect(bench.state.slots.get(1)?.own.notarize).toBeDefined();
    bench.certificate(certify(finalize(1, b1, 0)));
    expect(bench.of("finalize")).toHaveLength(1);
    expect(bench.state.slots.has(1)).toBe(false);
  });
});
