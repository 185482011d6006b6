import { toView } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import {
  Bench,
  blockOf,
  certify,
  finalize,
  genesis,
  nodeId,
  notarize,
  nullify,
  proposalOf,
  voteBy,
} from "./harness.js";

const b1 = blockOf(1);
const n1 = certify(notarize(1, b1, 0));

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

describe("certificates that name this node", () => {
  const ME = 0b1000;
  const isStopped = (bench: Bench): boolean =>
    bench.effects.some((effect) => effect.kind === "reportFault" && effect.code === "OWN_KEY_ELSEWHERE");

  it.each([
    ["nullification", nullify(1)],
    ["notarization", notarize(1, b1, 0)],
    ["finalization", finalize(1, b1, 0)],
  ])("stop it from voting when the record lacks its vote in a %s", (_kind, subject) => {
    const bench = new Bench(3);
    bench.certificate(certify(subject, ME));
    expect(bench.of("reportFault")[0]).toMatchObject({
      code: "OWN_KEY_ELSEWHERE",
      validator: 3,
      evidence: [],
    });
    expect(bench.signed).toEqual([]);
    bench.timer("advance");
    expect(bench.signed).toEqual([]);
  });

  it("stop it when its own vote of that view named another block", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, blockOf(1, undefined, { timestampMs: 2_000 })));
    bench.checked(blockOf(1, undefined, { timestampMs: 2_000 }), 1);
    bench.sign();
    bench.certificate(certify(notarize(1, b1, 0), ME));
    expect(isStopped(bench)).toBe(true);
  });

  it("stop it at a restart with an older copy of its record, before it signs anything", () => {
    const bench = new Bench(3, 4, { certificates: [certify(nullify(1), ME)], ownVotes: [nullify(2)] });
    expect(isStopped(bench)).toBe(true);
    expect(bench.signed).toEqual([]);
  });

  it("stop it even when the view has another certificate of the kind already", () => {
    const bench = new Bench(3);
    bench.certificate(certify(nullify(1)));
    bench.certificate(certify(nullify(1), ME));
    expect(isStopped(bench)).toBe(true);
  });

  it("do not stop it when they hold the vote that it sent", () => {
    const bench = new Bench(3);
    bench.timer("advance");
    bench.sign();
    bench.certificate(certify(nullify(1), ME));
    expect(isStopped(bench)).toBe(false);
    bench.timer("advance");
    expect(bench.signed).toEqual(["nullify 2"]);
  });

  it("do not stop it when it assembled them itself", () => {
    const bench = new Bench(3);
    for (const validator of [0, 1]) bench.vote(voteBy(validator, nullify(1)));
    bench.timer("advance");
    bench.sign();
    expect(bench.of("assemble")[0]?.votes.map(({ validator }) => validator)).toEqual([0, 1, 3]);
    bench.feed({ kind: "certificate", certificate: certify(nullify(1), 0b1011), from: undefined });
    expect(isStopped(bench)).toBe(false);
  });

  it("do not stop it while the signer has not answered yet", () => {
    const bench = new Bench(3);
    bench.timer("advance");
    bench.certificate(certify(nullify(1), ME));
    expect(isStopped(bench)).toBe(false);
  });

  it("do not stop it after a crash between signing and hearing of the signature", () => {
    const bench = new Bench(3, 4, { ownVotes: [notarize(1, b1, 0)], headers: [b1] });
    bench.certificate(certify(notarize(1, b1, 0), ME));
    expect(isStopped(bench)).toBe(false);
    expect(bench.signed).toEqual(["finalize 1"]);
  });

  it("do not stop it when they come from its own store at a restart", () => {
    const bench = new Bench(3, 4, { certificates: [certify(nullify(1), ME)], ownVotes: [nullify(1)] });
    expect(isStopped(bench)).toBe(false);
    expect(bench.signed).toEqual(["nullify 1"]);
  });

  it("do not stop it when the record refuses to repeat a vote from before the restart", () => {
    const bench = new Bench(3, 4, { ownVotes: [nullify(1)] });
    bench.feed({ kind: "signed", subject: nullify(1), vote: undefined });
    bench.certificate(certify(nullify(1), ME));
    expect(isStopped(bench)).toBe(false);
    bench.vote(voteBy(3, nullify(1)));
    expect(isStopped(bench)).toBe(false);
  });

  it("stop it when the record refused the vote and never held it", () => {
    const bench = new Bench(3);
    bench.timer("advance");
    bench.feed({ kind: "signed", subject: nullify(1), vote: undefined });
    bench.certificate(certify(nullify(1), ME));
    expect(isStopped(bench)).toBe(true);
  });

  it("are not judged at or below the tip, whose votes the record has dropped", () => {
    const bench = new Bench(3, 4, { tip: { ...genesis, view: toView(5) } });
    for (const view of [4, 5]) bench.certificate(certify(nullify(view), ME));
    expect(isStopped(bench)).toBe(false);
    bench.certificate(certify(nullify(6), ME));
    expect(isStopped(bench)).toBe(true);
  });

  it("are not judged where it does not vote, for want of a record or of a seat", () => {
    const follower = new Bench(3, 4, { mayVote: false });
    follower.certificate(certify(nullify(1), ME));
    expect(isStopped(follower)).toBe(false);
    const outsider = new Bench(9);
    outsider.certificate(certify(nullify(1), 0xff));
    expect(isStopped(outsider)).toBe(false);
  });

  it("of another epoch mean nothing", () => {
    const bench = new Bench(3);
    bench.certificate({ ...certify(nullify(1), ME), epoch: 4 });
    expect(bench.effects).toEqual([]);
  });
});
