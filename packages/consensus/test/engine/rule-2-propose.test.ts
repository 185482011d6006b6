import { toEpoch, toView } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { Bench, blockOf, certify, genesis, notarize, nullify, proposalOf } from "./harness.js";

const b1 = blockOf(1);
const _b2 = blockOf(2, b1);
const n1 = certify(notarize(1, b1, 0));

describe("rule 2, proposing", () => {
  const proposer = (view: number): Bench => new Bench((view - 1) % 4);

  it("builds on the finalized tip when its own timers start", () => {
    const bench = proposer(1);
    bench.timer("heartbeat");
    expect(bench.of("buildPayload")[0]).toMatchObject({
      view: 1,
      parent: { digest: genesis.digest, height: 0 },
    });
  });

  it("extends the newest notarized block", () => {
    const bench = proposer(2);
    bench.propose(proposalOf(1, b1));
    bench.certificate(n1);
    bench.timer("interval");
    expect(bench.of("buildPayload")[0]).toMatchObject({ view: 2, parent: { height: 1 } });
  });

  it("makes the body durable, signs its own vote, and only then sends the proposal with its certificates", () => {
    const bench = proposer(3);
    bench.propose(proposalOf(1, b1));
    bench.certificate(n1);
    const skipped = certify(nullify(2));
    bench.certificate(skipped);
    bench.timer("interval");
    const block = blockOf(3, b1);
    bench.built(block);
    expect(bench.effects.map(({ kind }) => kind)).toEqual(["persist", "sign"]);
    bench.sign();
    expect(bench.of("broadcast")[0]?.message).toMatchObject({
      kind: "proposal",
      proposal: { header: block, parentCertificate: n1, nullifications: [skipped] },
    });
  });

  it("fetches the certificates of skipped views that it lacks, and proposes once they are here", () => {
    const bench = proposer(3);
    bench.certificate(certify(nullify(2)));
    bench.timer("heartbeat");
    expect(bench.of("buildPayload")).toEqual([]);
    expect(bench.of("fetch")[0]).toMatchObject({ what: "certificates", fromView: 1, toView: 1 });
    bench.certificate(certify(nullify(1)));
    expect(bench.of("buildPayload")).toHaveLength(1);
  });

  it("asks again for what is still missing, and stops once it came", () => {
    const bench = proposer(3);
    bench.certificate(certify(nullify(2)));
    bench.timer("heartbeat");
    bench.timer("retry");
    expect(bench.of("fetch")[0]).toMatchObject({ what: "certificates", fromView: 1, toView: 1 });
    bench.certificate(certify(nullify(1)));
    bench.timer("retry");
    expect(bench.of("fetch")).toEqual([]);
  });

  it("drops a payload that was built for a view already left", () => {
    const bench = proposer(1);
    bench.timer("heartbeat");
    bench.certificate(certify(nullify(1)));
    bench.feed({ kind: "payloadBuilt", epoch: toEpoch(0), view: toView(1), header: b1 });
    expect(bench.effects).toEqual([]);
  });

  it("prefers the notarization of a view that was nullified too", () => {
    const bench = proposer(2);
    bench.propose(proposalOf(1, b1));
    bench.certificate(certify(nullify(1)));
    bench.certificate(n1);
    bench.timer("interval");
    expect(bench.of("buildPayload")[0]).toMatchObject({ parent: { height: 1 } });
  });

  it("sends the newest 64 nullifications and leaves older ones to be fetched", () => {
    const bench = new Bench(0);
    for (let view = 1; view <= 80; view++) bench.certificate(certify(nullify(view)));
    bench.timer("heartbeat");
    bench.built(blockOf(81));
    bench.sign();
    const message = bench.of("broadcast")[0]?.message;
    const skipped = message?.kind === "proposal" ? message.proposal.nullifications : [];
    expect(skipped.map(({ view }) => view)).toEqual(Array.from({ length: 64 }, (_, index) => index + 17));
  });

  it("fills nothing into a block while 16 blocks wait for finality", () => {
    const headers = [b1];
    for (let view = 2; view <= 16; view++) headers.push(blockOf(view, headers.at(-1)));
    const certificates = headers.map((block, index) => certify(notarize(index + 1, block, index)));
    const bench = new Bench(0, 4, { headers, certificates });
    bench.timer("interval");
    expect(bench.of("buildPayload")[0]).toMatchObject({ parent: { height: 16 }, payloadBytesMax: 0 });
  });
});
