import { fault, ignore, toEpoch, toView } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { Bench, blockOf, certify, genesis, notarize, nullify, proposalOf, voteBy } from "./harness.js";

const b1 = blockOf(1);
const b2 = blockOf(2, b1);
const n1 = certify(notarize(1, b1, 0));

describe("rule 3, notarizing", () => {
  it("checks the payload of the first proposal, then makes the body durable and votes", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, b1));
    expect(bench.of("checkPayload")).toHaveLength(1);
    bench.checked(b1, 1);
    expect(bench.effects.map(({ kind }) => kind)).toEqual(["persist", "sign"]);
    expect(bench.signed).toEqual(["notarize 1"]);
    bench.sign();
    expect(bench.of("broadcast")[0]?.message).toMatchObject({ kind: "vote", vote: { validator: 3 } });
  });

  it("does not look at a second proposal of the view, and reports the two votes", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, b1));
    bench.propose(proposalOf(1, blockOf(1, undefined, { timestampMs: 2_000 })));
    expect(bench.of("checkPayload")).toEqual([]);
    expect(bench.of("reportFault")[0]).toMatchObject({ code: "EQUIVOCATION", validator: 0 });
    expect(bench.of("reportFault")[0]?.evidence).toHaveLength(2);
  });

  it("refuses a proposal that is not the proposer's", () => {
    const bench = new Bench(3);
    bench.propose({ ...proposalOf(1, b1), vote: voteBy(1, notarize(1, b1, 0)) });
    expect(bench.of("reportFault")[0]?.code).toBe("PROPOSAL_NOT_FROM_PROPOSER");
  });

  it("waits for the parent's certificate and asks for it", () => {
    const bench = new Bench(3);
    bench.certificate(certify(nullify(1)));
    bench.propose(proposalOf(2, b2, 1));
    expect(bench.of("checkPayload")).toEqual([]);
    expect(bench.of("fetch")[0]).toMatchObject({ what: "certificates", fromView: 1, toView: 1 });
  });

  it("waits for the nullification of each skipped view", () => {
    const bench = new Bench(3);
    bench.certificate(certify(nullify(2)));
    bench.propose(proposalOf(3, blockOf(3)));
    expect(bench.of("checkPayload")).toEqual([]);
    bench.certificate(certify(nullify(1)));
    expect(bench.of("checkPayload")).toHaveLength(1);
  });

  it.each([
    ["height", { height: 5 }],
    ["author", { author: new Uint8Array(32) }],
    ["timestamp not above the parent's", { timestampMs: genesis.timestampMs }],
    ["chain", { chainId: new Uint8Array(32) }],
    ["epoch", { epoch: 1 }],
    ["version", { version: 9 }],
  ])("refuses a header with a wrong %s", (_what, change) => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, blockOf(1, undefined, change)));
    expect(bench.of("checkPayload")).toEqual([]);
    expect(bench.of("reportFault")[0]?.code).toBe("PROPOSAL_BAD_HEADER");
  });

  it("refuses a block whose parent is not the certified one", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, blockOf(1, undefined, { parentDigest: new Uint8Array(32) })));
    expect(bench.of("reportFault")[0]?.code).toBe("PROPOSAL_BAD_PARENT");
  });

  it("lets a block from too early a future wait for the clock", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, blockOf(1, undefined, { timestampMs: 90_000 })));
    expect(bench.of("checkPayload")[0]?.notBeforeMs).toBe(88_000);
    const prompt = new Bench(3);
    prompt.propose(proposalOf(1, blockOf(1, undefined, { timestampMs: genesis.timestampMs + 1 })));
    expect(prompt.of("checkPayload")[0]?.notBeforeMs).toBe(0);
  });

  it("does not vote for a payload that fails its check, and reports the proposer", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, b1));
    const digest = notarize(1, b1, 0).digest;
    const verdict = fault("BLOCK_BAD_STATE_ROOT", "another state");
    bench.feed({ kind: "payloadChecked", epoch: toEpoch(0), view: toView(1), digest, verdict });
    expect(bench.signed).toEqual([]);
    expect(bench.of("reportFault")[0]).toMatchObject({ code: "PROPOSAL_BAD_PAYLOAD", validator: 0 });
  });

  it("never notarizes after nullifying", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, b1));
    bench.timer("advance");
    expect(bench.signed).toEqual(["nullify 1"]);
    bench.checked(b1, 1);
    expect(bench.signed).toEqual([]);
  });

  it("still notarizes after a certificate left the view, so that a slow validator is seen", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, b1));
    bench.certificate(n1);
    bench.checked(b1, 1);
    expect(bench.signed).toEqual(["notarize 1"]);
  });

  it("refuses a block that names a next set before the epoch's last height", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, blockOf(1, undefined, { nextSetRoot: new Uint8Array(32).fill(1) })));
    expect(bench.of("reportFault")[0]?.code).toBe("PROPOSAL_BAD_HEADER");
  });

  it("never notarizes twice in a view", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, b1));
    bench.checked(b1, 1);
    bench.checked(b1, 1);
    expect(bench.signed).toEqual([]);
  });

  it("does not vote for a block that could not be judged, and blames nobody", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, b1));
    const { digest } = notarize(1, b1, 0);
    const verdict = ignore("BLOCK_FROM_FUTURE", "too early");
    bench.feed({ kind: "payloadChecked", epoch: toEpoch(0), view: toView(1), digest, verdict });
    expect(bench.effects).toEqual([]);
  });

  it("refuses a certified block that comes again before the epoch's last height", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, b1));
    bench.certificate(n1);
    bench.propose(proposalOf(2, b1, 1));
    expect(bench.of("checkPayload")).toEqual([]);
    expect(bench.of("reportFault")[0]).toMatchObject({ code: "PROPOSAL_BAD_HEADER", validator: 1 });
  });
});
