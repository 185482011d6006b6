import { toView } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { deltaMs, type EpochContext, type FinalizedTip, proposerOf } from "../../src/engine/index.js";
import {
  Bench,
  blockOf,
  certify,
  DELTA_MS,
  epochOf,
  finalize,
  genesis,
  nodeId,
  notarize,
  nullify,
  proposalOf,
  voteBy,
} from "./harness.js";

/** An epoch of two heights: `boundary` ends it. */
const epoch = epochOf(4, 2);
const b1 = blockOf(1);
const boundary = blockOf(2, b1, { nextSetRoot: new Uint8Array(32).fill(5) });
const n1 = certify(notarize(1, b1, 0));
const n2 = certify(notarize(2, boundary, 1));
const f2 = certify(finalize(2, boundary, 1));

/** A node that knows the boundary block, notarized in view 2 and not final. */
function withBoundary(self: number): Bench {
  return new Bench(self, 4, { epoch, headers: [b1, boundary], certificates: [n1, n2] });
}

const tipOf = (header: typeof b1, view: number, finalization = f2): FinalizedTip => ({
  ...genesis,
  digest: notarize(1, header, 0).digest,
  height: header.height as FinalizedTip["height"],
  timestampMs: header.timestampMs,
  view: toView(view),
  finalization,
});

const newEpoch = (context: EpochContext = epochOf(4, 4, 1), mayVote = true) =>
  ({ kind: "newEpoch", epoch: context, tip: tipOf(boundary, 0), mayVote }) as const;

describe("proposing the boundary block again", () => {
  it("builds no block on the boundary block, but votes for that block again, its body durable", () => {
    const bench = withBoundary(2);
    bench.timer("interval");
    expect(bench.of("buildPayload")).toEqual([]);
    const { digest } = n2;
    expect(bench.of("persist")).toEqual([{ kind: "persist", records: [{ kind: "body", digest }] }]);
    expect(bench.effects.map(({ kind }) => kind).slice(-2)).toEqual(["persist", "sign"]);
    expect(bench.of("sign").map(({ subject }) => subject)).toEqual([notarize(3, boundary, 2)]);
    bench.sign();
    expect(bench.of("broadcast")[0]?.message).toMatchObject({
      kind: "proposal",
      proposal: {
        header: boundary,
        vote: { view: 3, parentView: 2 },
        parentCertificate: n2,
        nullifications: [],
      },
    });
  });

  it("names the newest view that notarized it, and brings the nullifications of the views between", () => {
    const bench = withBoundary(1);
    const n3 = certify(notarize(3, boundary, 2));
    bench.certificate(n3);
    const skipped = [4, 5].map((view) => certify(nullify(view)));
    for (const nullification of skipped) bench.certificate(nullification);
    bench.timer("interval");
    expect(bench.of("sign")[0]?.subject).toEqual(notarize(6, boundary, 3));
    bench.sign();
    expect(bench.of("broadcast")[0]?.message).toMatchObject({
      proposal: { parentCertificate: n3, nullifications: skipped },
    });
  });

  it("waits for a nullification that it lacks, and asks for it", () => {
    const bench = withBoundary(0);
    bench.certificate(certify(nullify(4)));
    bench.timer("interval");
    expect(bench.signed).toEqual([]);
    expect(bench.of("fetch")[0]).toMatchObject({ what: "certificates", fromView: 3, toView: 3 });
    bench.certificate(certify(nullify(3)));
    expect(bench.signed).toEqual(["notarize 5"]);
  });

  it("fetches the boundary block's body before it proposes it", () => {
    const bench = new Bench(2, 4, { epoch, headers: [b1], certificates: [n1] });
    bench.propose(proposalOf(2, boundary, 1, { parentCertificate: n1 }));
    bench.certificate(n2);
    bench.timer("interval");
    expect(bench.signed).toEqual([]);
    bench.feed({ kind: "bodyArrived", header: boundary });
    expect(bench.signed).toEqual(["notarize 3"]);
  });

  it("proposes the same again after a restart in the middle of it", () => {
    const bench = new Bench(2, 4, {
      epoch,
      headers: [b1, boundary],
      certificates: [n1, n2],
      ownVotes: [notarize(3, boundary, 2)],
    });
    bench.sign();
    expect(bench.of("broadcast")[0]?.message).toMatchObject({
      proposal: { vote: notarize(3, boundary, 2), parentCertificate: n2 },
    });
    bench.timer("interval");
    expect(bench.signed).toEqual([]);
  });

  it("proposes a block of the boundary's height where the boundary block of an earlier view was not notarized", () => {
    const bench = new Bench(2, 4, { epoch, headers: [b1], certificates: [n1, certify(nullify(2))] });
    bench.timer("interval");
    expect(bench.of("buildPayload")[0]).toMatchObject({ parent: { height: 1 } });
  });
});

describe("judging a boundary block that comes again", () => {
  it("votes for exactly that block, without judging author and timestamp", () => {
    const bench = withBoundary(3);
    bench.propose(proposalOf(3, boundary, 2));
    expect(bench.of("checkPayload")).toMatchObject([{ view: 3, digest: n2.digest, notBeforeMs: 0 }]);
    bench.checked(boundary, 3);
    expect(bench.of("sign").map(({ subject }) => subject)).toEqual([notarize(3, boundary, 2)]);
  });

  it("judges author and timestamp the first time", () => {
    for (const change of [{ author: new Uint8Array(32) }, { timestampMs: 0 }]) {
      const bench = new Bench(3, 4, { epoch, headers: [b1], certificates: [n1] });
      bench.propose(proposalOf(2, { ...boundary, ...change }, 1));
      expect(bench.of("reportFault")[0]?.code).toBe("PROPOSAL_BAD_HEADER");
    }
  });

  it("refuses another block of that height on the view that notarized it", () => {
    const bench = withBoundary(3);
    bench.propose(proposalOf(3, blockOf(3, b1), 2));
    expect(bench.of("checkPayload")).toEqual([]);
    expect(bench.of("reportFault")[0]).toMatchObject({ code: "PROPOSAL_BAD_PARENT", validator: 2 });
  });

  it("refuses a block above it", () => {
    const bench = withBoundary(3);
    bench.propose(proposalOf(3, blockOf(3, boundary), 2));
    expect(bench.of("checkPayload")).toEqual([]);
    expect(bench.of("reportFault")[0]).toMatchObject({ code: "PROPOSAL_BAD_HEADER", validator: 2 });
  });

  it("waits until the views between are nullified", () => {
    const bench = withBoundary(3);
    bench.certificate(certify(nullify(4)));
    bench.propose(proposalOf(5, boundary, 2));
    expect(bench.of("checkPayload")).toEqual([]);
    bench.certificate(certify(nullify(3)));
    expect(bench.of("checkPayload")).toHaveLength(1);
  });

  it("finalizes it once, with its ancestors, whichever of its views is final first", () => {
    const bench = withBoundary(3);
    bench.certificate(certify(notarize(3, boundary, 2)));
    expect(bench.signed).toEqual(["finalize 3"]);
    const f3 = certify(finalize(3, boundary, 2));
    bench.certificate(f3);
    expect(bench.of("finalize").map(({ finalization, blocks }) => [finalization, blocks.length])).toEqual([
      [f3, 2],
    ]);
    expect(bench.state.tip).toMatchObject({ height: 2, view: 3 });
    bench.certificate(f2);
    expect(bench.effects).toEqual([]);
  });
});

describe("an epoch that is over", () => {
  const over = (): Bench => {
    const bench = withBoundary(3);
    bench.certificate(f2);
    expect(bench.of("finalize")).toHaveLength(1);
    return bench;
  };

  it("starts no timer and casts no vote any more", () => {
    const bench = over();
    bench.feed({ kind: "workKnown", work: true });
    for (const timer of ["interval", "heartbeat", "propose", "advance", "rebroadcast", "retry"] as const) {
      bench.timer(timer);
      expect(bench.effects).toEqual([]);
    }
  });

  it("takes in no vote, certificate or proposal of it", () => {
    const bench = over();
    bench.certificate(certify(nullify(4)), 1);
    bench.certificate(certify(notarize(5, boundary, 2)), 1);
    bench.vote(voteBy(1, notarize(9, boundary, 2)));
    bench.propose(proposalOf(3, boundary, 2));
    expect(bench.effects).toEqual([]);
    expect(bench.state).toMatchObject({ view: 3, tip: { view: 2 } });
  });

  it("keeps nothing of a block that was being judged when it ended", () => {
    const bench = withBoundary(3);
    const rival = blockOf(3, b1);
    bench.certificate(certify(nullify(2)));
    bench.propose(proposalOf(3, rival, 1));
    expect(bench.of("checkPayload")).toHaveLength(1);
    bench.certificate(f2);
    bench.checked(rival, 3);
    expect(bench.effects).toEqual([]);
  });

  it("answers who is stuck in it with the boundary block's finalization", () => {
    const bench = over();
    bench.vote(voteBy(1, nullify(3)));
    expect(bench.of("send")[0]).toMatchObject({ to: nodeId(1), message: { certificate: f2 } });
  });

  it("casts no vote either while the boundary block is decided but an ancestor is still missing", () => {
    const bench = new Bench(3, 4, { epoch });
    bench.certificate(f2);
    bench.feed({ kind: "bodyArrived", header: boundary });
    bench.timer("heartbeat");
    bench.timer("advance");
    expect(bench.signed).toEqual([]);
    bench.feed({ kind: "bodyArrived", header: b1 });
    expect(bench.of("finalize")).toHaveLength(1);
  });

  it("stays silent after a restart on top of it until the next epoch is there", () => {
    const bench = new Bench(3, 4, { epoch, tip: tipOf(boundary, 2), ownVotes: [nullify(3)] });
    bench.timer("heartbeat");
    bench.timer("advance");
    expect(bench.signed).toEqual([]);
  });
});

describe("a new epoch", () => {
  const turned = (self = 3, context?: EpochContext, mayVote = true): Bench => {
    const bench = withBoundary(self);
    bench.certificate(f2);
    bench.feed(newEpoch(context, mayVote));
    return bench;
  };

  it("starts at view 1 on top of the boundary block, with nothing of the old epoch left", () => {
    const bench = turned();
    expect(bench.state).toMatchObject({ view: 1, tip: { height: 2, view: 0, finalization: f2 } });
    expect([bench.state.slots.size, bench.state.blocks.size, bench.state.wantedBodies.size]).toEqual([
      0, 0, 0,
    ]);
    expect(bench.effects.map(({ kind }) => kind)).toEqual(["setTimer", "setTimer"]);
  });

  it("carries the boundary block's finalization in its first proposal, with the nullifications from view 1", () => {
    const bench = turned(1);
    const skipped = { ...certify(nullify(1)), epoch: 1 };
    bench.certificate(skipped);
    bench.timer("heartbeat");
    expect(bench.of("buildPayload")[0]).toMatchObject({ epoch: 1, view: 2, parent: { height: 2 } });
    bench.built(blockOf(2, boundary, { epoch: 1 }));
    bench.sign();
    expect(bench.of("broadcast")[0]?.message).toMatchObject({
      proposal: {
        vote: { epoch: 1, view: 2, parentView: 0 },
        parentCertificate: f2,
        nullifications: [skipped],
      },
    });
  });

  it("judges its first block on the boundary block", () => {
    const bench = turned();
    const block = blockOf(1, boundary, { epoch: 1 });
    const vote = voteBy(0, { ...notarize(1, block, 0), epoch: 1 });
    bench.propose({ header: block, vote, parentCertificate: f2, nullifications: [] });
    expect(bench.of("checkPayload")).toMatchObject([{ epoch: 1, view: 1 }]);
    bench.checked(block, 1);
    expect(bench.signed).toEqual(["notarize 1"]);
  });

  it("drops messages, timers and answers of the old epoch", () => {
    const bench = turned();
    bench.vote(voteBy(1, nullify(1)));
    bench.certificate(certify(nullify(7)), 1);
    bench.propose(proposalOf(3, boundary, 2));
    bench.feed({ kind: "timeout", epoch: epoch.epoch, view: toView(1), timer: "advance" });
    bench.feed({
      kind: "signed",
      subject: finalize(2, boundary, 1),
      vote: voteBy(3, finalize(2, boundary, 1)),
    });
    bench.feed({ kind: "payloadBuilt", epoch: epoch.epoch, view: toView(1), header: b1 });
    bench.feed({ kind: "caughtUp", epoch, tip: tipOf(boundary, 2) });
    expect(bench.effects).toEqual([]);
    expect(bench.state).toMatchObject({ view: 1, tip: { view: 0 } });
  });

  it("votes afresh in views whose numbers it voted in before", () => {
    const bench = new Bench(3, 4, { epoch });
    bench.timer("advance");
    bench.sign();
    bench.feed(newEpoch());
    bench.timer("advance");
    expect(bench.of("sign").map(({ subject }) => subject)).toEqual([{ ...nullify(1), epoch: 1 }]);
  });

  it("takes the new set's seats, order and quorum", () => {
    const larger: EpochContext = { ...epochOf(7, 4, 1), proposerOrder: [6, 5, 4, 3, 2, 1, 0] };
    const bench = turned(6, larger);
    expect(bench.state.selfIndex).toBe(6);
    expect(proposerOf(bench.state, 1)).toBe(6);
    for (const validator of [0, 1, 2, 3]) bench.vote(voteBy(validator, { ...nullify(1), epoch: 1 }));
    expect(bench.of("assemble")).toEqual([]);
    bench.vote(voteBy(4, { ...nullify(1), epoch: 1 }));
    expect(bench.of("assemble")).toHaveLength(1);
  });

  it("only follows where it lost its seat", () => {
    const bench = turned(3, epochOf(3, 4, 1));
    bench.timer("heartbeat");
    bench.timer("advance");
    expect(bench.state.selfIndex).toBeUndefined();
    expect(bench.signed).toEqual([]);
  });

  it("votes from the epoch on in which the driver says that it may", () => {
    const bench = new Bench(3, 4, { epoch, mayVote: false });
    bench.timer("advance");
    expect(bench.signed).toEqual([]);
    bench.feed(newEpoch(undefined, true));
    bench.timer("advance");
    expect(bench.signed).toEqual(["nullify 1"]);
    bench.feed({ ...newEpoch(epochOf(4, 6, 2)), mayVote: false });
    bench.timer("advance");
    expect(bench.signed).toEqual([]);
  });

  it("keeps the steps of back-off, and the level of work", () => {
    const bench = new Bench(3, 4, { epoch, headers: [b1, boundary], certificates: [n1, n2] });
    bench.feed({ kind: "workKnown", work: true });
    for (let view = 3; view <= 14; view++) bench.certificate(certify(nullify(view)));
    expect(deltaMs(bench.state)).toBe(8 * DELTA_MS);
    bench.certificate(certify(finalize(15, boundary, 2)));
    bench.feed(newEpoch());
    expect(deltaMs(bench.state)).toBe(4 * DELTA_MS);
    bench.timer("interval");
    expect(bench.timers.advance).toBe(12 * DELTA_MS);
  });

  it("is entered where a sync ended that crossed epochs, after the tip's view", () => {
    const bench = new Bench(3, 4, { epoch });
    bench.certificate(certify(notarize(1, b1, 0)));
    const far = blockOf(1, undefined, { height: 7, epoch: 3 });
    const finalization = { ...certify(finalize(9, far, 8)), epoch: 3 };
    bench.feed({
      kind: "newEpoch",
      epoch: epochOf(4, 8, 3),
      tip: tipOf(far, 9, finalization),
      mayVote: true,
    });
    expect(bench.state).toMatchObject({ view: 10, syncing: false, tip: { height: 7, view: 9 } });
    bench.timer("heartbeat");
    // Nobody's history in it is known, so nobody counts as inactive.
    expect(bench.timers.propose).toBe(2 * DELTA_MS);
    bench.timer("advance");
    expect(bench.signed).toEqual(["nullify 10"]);
  });

  it("is not entered twice, nor an older one again; a sync that ends in the present epoch moves its tip", () => {
    const bench = turned();
    bench.certificate({ ...certify(nullify(1)), epoch: 1 });
    bench.feed(newEpoch());
    bench.feed({ ...newEpoch(epoch), tip: genesis });
    expect(bench.state).toMatchObject({ view: 2, epoch: { epoch: 1 } });
    const block = blockOf(3, boundary, { epoch: 1 });
    const finalization = { ...certify(finalize(5, block, 0)), epoch: 1 };
    bench.feed({ ...newEpoch(), tip: tipOf(block, 5, finalization) });
    expect(bench.state).toMatchObject({ view: 6, tip: { height: 3, view: 5 } });
  });
});
