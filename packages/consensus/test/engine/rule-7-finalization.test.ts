import { toView } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { certificatesOfRange, wantsVote } from "../../src/engine/index.js";
import {
  Bench,
  blockOf,
  certify,
  epochOf,
  finalize,
  genesis,
  nodeId,
  notarize,
  nullify,
  proposalOf,
  voteBy,
} from "./harness.js";

const b1 = blockOf(1);
const b2 = blockOf(2, b1);
const n1 = certify(notarize(1, b1, 0));

describe("rule 7, finalization", () => {
  it("finalizes the block and all its ancestors, oldest first, and passes the certificate on", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, b1));
    bench.checked(b1, 1);
    bench.propose(proposalOf(2, b2, 1, { parentCertificate: n1 }));
    bench.checked(b2, 2);
    bench.certificate(certify(finalize(2, b2, 1)));
    expect(bench.of("finalize")[0]?.blocks.map(({ header }) => header.height)).toEqual([1, 2]);
    expect(bench.of("broadcast")).toHaveLength(1);
    expect(bench.state).toMatchObject({ view: 3, tip: { height: 2, view: 2 } });
    expect(bench.state.slots.size).toBe(0);
  });

  it("waits for the bodies of ancestors and fetches them", () => {
    const bench = new Bench(3);
    bench.certificate(certify(finalize(2, b2, 1)));
    expect(bench.of("finalize")).toEqual([]);
    expect(bench.of("fetch")[0]).toMatchObject({ what: "body", digest: notarize(2, b2, 1).digest });
    bench.feed({ kind: "bodyArrived", header: b2 });
    expect(bench.of("fetch")[0]).toMatchObject({ what: "body", digest: n1.digest });
    bench.feed({ kind: "bodyArrived", header: b1 });
    expect(bench.of("finalize")[0]?.blocks).toHaveLength(2);
  });

  it("syncs by range when the finalized block is far above the tip, and carries on from where sync ended", () => {
    const bench = new Bench(3);
    const far = blockOf(40, b2, { height: 40 });
    const target = certify(finalize(40, far, 39));
    bench.certificate(target);
    bench.feed({ kind: "bodyArrived", header: far });
    expect(bench.of("startSync")).toEqual([{ kind: "startSync", target }]);
    const tip = {
      ...genesis,
      digest: target.digest,
      height: toView(40) as never,
      view: toView(40),
      finalization: target,
    };
    bench.feed({ kind: "caughtUp", epoch: bench.state.epoch, tip });
    expect(bench.state).toMatchObject({ view: 41, syncing: false, tip: { height: 40 } });
  });

  /** Blocks that are all notarized and none final, as when a few finalize votes are held back for a while. */
  const chainOf = (count: number) => {
    const headers = [b1];
    while (headers.length < count) headers.push(blockOf(headers.length + 1, headers.at(-1)));
    const certificates = headers.map((header, index) => certify(notarize(index + 1, header, index)));
    return { headers, certificates, target: certify(finalize(count, headers.at(-1)!, count - 1)) };
  };

  it("finalizes a long stalled chain whose blocks are all here, as no peer could have it final before", () => {
    const { headers, certificates, target } = chainOf(20);
    const bench = new Bench(3, 4, { headers, certificates });
    bench.certificate(target);
    expect(bench.of("startSync")).toEqual([]);
    expect(bench.of("finalize")[0]?.blocks).toHaveLength(20);
    expect(bench.state.tip.height).toBe(20);
  });

  it("finalizes it with the last missing body too, when sync found nobody who has it final", () => {
    const { headers, certificates, target } = chainOf(20);
    const missing = headers[4]!;
    const present = headers.filter((header) => header !== missing);
    const bench = new Bench(3, 4, { headers: present, certificates });
    bench.certificate(target);
    expect(bench.of("startSync")).toHaveLength(1);
    expect(bench.of("fetch")[0]).toMatchObject({ what: "body", digest: certificates[4]!.digest });
    bench.feed({ kind: "bodyArrived", header: missing });
    bench.feed({ kind: "caughtUp", epoch: bench.state.epoch, tip: genesis });
    bench.timer("retry");
    expect(bench.of("startSync")).toEqual([]);
    expect(bench.of("finalize")[0]?.blocks).toHaveLength(20);
  });

  it("tries a sync without progress again after a pause, not at once", () => {
    const bench = new Bench(3);
    const far = blockOf(40, b2, { height: 40 });
    bench.certificate(certify(finalize(40, far, 39)));
    bench.feed({ kind: "bodyArrived", header: far });
    bench.feed({ kind: "caughtUp", epoch: bench.state.epoch, tip: genesis });
    expect(bench.of("startSync")).toEqual([]);
    bench.timer("retry");
    expect(bench.of("startSync")).toHaveLength(1);
  });

  it("reports a finalization that does not descend from its tip, and stays where it is", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, b1));
    bench.checked(b1, 1);
    bench.certificate(certify(finalize(1, b1, 0)));
    const rival = blockOf(2, undefined, { timestampMs: 9_000 });
    bench.certificate(certify(finalize(2, rival, 0)));
    bench.feed({ kind: "bodyArrived", header: rival });
    expect(bench.of("reportFault")[0]?.code).toBe("SAFETY_VIOLATION");
    expect(bench.state.tip.digest).toEqual(n1.digest);
  });

  it("goes past the finalized view though it never saw its notarization", () => {
    const bench = new Bench(3);
    bench.certificate(certify(finalize(7, b1, 0)));
    expect(bench.state.view).toBe(8);
    expect(bench.of("broadcast")).toHaveLength(1);
  });

  it("reports a finalization above the epoch's last height", () => {
    const bench = new Bench(3, 4, { epoch: epochOf(4, 1) });
    bench.certificate(certify(finalize(2, b2, 1)));
    bench.feed({ kind: "bodyArrived", header: b2 });
    expect(bench.of("reportFault")[0]?.code).toBe("SAFETY_VIOLATION");
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
