import { describe, expect, it } from "vitest";
import { certificatesOfRange, wantsVote } from "../../src/engine/index.js";
import {
  Bench,
  blockOf,
  certify,
  finalize,
  nodeId,
  notarize,
  nullify,
  proposalOf,
  voteBy,
} from "./harness.js";

const b1 = blockOf(1);
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

describe("the right to vote", () => {
  it("follows, but does not vote, when the safety record is missing or corrupt", () => {
    const bench = new Bench(3, 4, { mayVote: false, ownVotes: [] });
    bench.propose(proposalOf(1, b1));
    bench.certificate(n1);
    bench.timer("advance");
    expect(bench.signed).toEqual([]);
    expect(bench.state.view).toBe(2);
  });

  it("follows when it is not in the set", () => {
    const bench = new Bench(9);
    bench.propose(proposalOf(1, b1));
    bench.timer("advance");
    bench.certificate(n1);
    expect(bench.signed).toEqual([]);
  });

  it("stops voting when it sees a vote of its own key that it never signed", () => {
    const bench = new Bench(3);
    bench.feed({ kind: "vote", vote: voteBy(3, nullify(1)), from: nodeId(1) });
    expect(bench.of("reportFault")[0]?.code).toBe("OWN_KEY_ELSEWHERE");
    bench.timer("advance");
    expect(bench.signed).toEqual([]);
  });

  it("does not mind its own votes coming back", () => {
    const bench = new Bench(3);
    bench.timer("advance");
    bench.sign();
    bench.vote(voteBy(3, nullify(1)));
    expect(bench.effects).toEqual([]);
  });

  it("does not ask again for a vote that the safety record refused", () => {
    const bench = new Bench(3);
    bench.timer("propose");
    bench.feed({ kind: "signed", subject: nullify(1), vote: undefined });
    bench.timer("advance");
    expect(bench.signed).toEqual([]);
    expect(bench.of("broadcast")).toEqual([]);
  });
});

describe("helping", () => {
  const ahead = (): Bench => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, b1));
    bench.checked(b1, 1);
    bench.certificate(certify(finalize(1, b1, 0)));
    bench.certificate(certify(nullify(2)));
    return bench;
  };

  it("answers a nullify vote of an older view with the tip's finalization and what entered its view", () => {
    const bench = ahead();
    bench.vote(voteBy(1, nullify(1)));
    const sent = bench
      .of("send")
      .map(({ to, message }) => [to, message.kind === "certificate" && message.certificate.kind]);
    expect(sent).toEqual([
      [nodeId(1), 3],
      [nodeId(1), 2],
    ]);
  });

  it("wants late votes only as far back as they show a validator at work, but every call for help", () => {
    const bench = new Bench(3);
    bench.certificate(certify(nullify(20)));
    expect(wantsVote(bench.state, voteBy(1, notarize(18, b1, 0)))).toBe(true);
    expect(wantsVote(bench.state, voteBy(1, notarize(17, b1, 0)))).toBe(false);
    expect(wantsVote(bench.state, voteBy(1, nullify(2)))).toBe(true);
    expect(wantsVote(bench.state, voteBy(1, nullify(200)))).toBe(false);
    expect(wantsVote(bench.state, voteBy(4, nullify(2)))).toBe(false);
  });

  it("does not answer a late notarize vote of the view just left", () => {
    const bench = new Bench(3);
    bench.certificate(n1);
    bench.vote(voteBy(1, notarize(1, b1, 0)));
    expect(bench.of("send")).toEqual([]);
  });

  it("never answers a finalization", () => {
    const bench = ahead();
    bench.certificate(certify(finalize(1, b1, 0)), 1);
    expect(bench.of("send")).toEqual([]);
  });

  it("serves the certificates of a range of views, and the tip's finalization where the range is final", () => {
    const { state } = ahead();
    expect(certificatesOfRange(state, 2, 9, 10).map(({ kind }) => kind)).toEqual([2]);
    expect(certificatesOfRange(state, 1, 9, 10).map(({ kind }) => kind)).toEqual([3, 2]);
    expect(certificatesOfRange(state, 1, 9, 1)).toHaveLength(1);
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
