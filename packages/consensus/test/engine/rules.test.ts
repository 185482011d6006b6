import { fault, toEpoch, toView } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import {
  Bench,
  blockOf,
  certify,
  DELTA_MS,
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

const timersOf = (bench: Bench): Record<string, number> =>
  Object.fromEntries(bench.of("setTimer").map(({ timer, delayMs }) => [timer, delayMs]));

describe("rule 1, entering a view", () => {
  it("starts no vote timer while there is nothing to do", () => {
    const bench = new Bench(3);
    expect(timersOf(bench)).toEqual({ interval: 10, heartbeat: 1_000 });
    bench.timer("interval");
    expect(bench.effects).toEqual([]);
  });

  it("starts both timers on work, but not before the block interval", () => {
    const bench = new Bench(3);
    bench.feed({ kind: "workKnown", work: true });
    expect(bench.effects).toEqual([]);
    bench.timer("interval");
    expect(timersOf(bench)).toEqual({ propose: 2 * DELTA_MS, advance: 3 * DELTA_MS });
  });

  it("starts both timers at the heartbeat without work", () => {
    const bench = new Bench(3);
    bench.timer("heartbeat");
    expect(timersOf(bench)).toEqual({ propose: 2 * DELTA_MS, advance: 3 * DELTA_MS });
  });

  it("counts a received proposal of the view as work", () => {
    const bench = new Bench(3);
    bench.timer("interval");
    bench.propose(proposalOf(1, b1));
    expect(timersOf(bench)).toHaveProperty("advance");
  });

  it("counts a block that is notarized but not final as work", () => {
    const bench = new Bench(3);
    bench.certificate(n1);
    bench.timer("interval");
    expect(timersOf(bench)).toHaveProperty("propose");
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
    expect(timersOf(bench).propose).toBe(0);
  });

  it("takes a validator whose history is unknown for active", () => {
    const bench = new Bench(3);
    bench.certificate(certify(nullify(4), 0b1110));
    bench.timer("heartbeat");
    expect(timersOf(bench).propose).toBe(2 * DELTA_MS);
  });

  it("takes a validator whose votes come late for active", () => {
    const bench = new Bench(3);
    for (const view of [1, 2, 3, 4]) bench.certificate(certify(nullify(view), 0b1110));
    bench.vote(voteBy(0, nullify(3)));
    bench.timer("heartbeat");
    // Four failed views of four validators have doubled Δ.
    expect(timersOf(bench).propose).toBe(4 * DELTA_MS);
  });

  it("drops a timer of a view that was left", () => {
    const bench = new Bench(3);
    bench.certificate(certify(nullify(1)));
    bench.timer("advance", 1);
    expect(bench.effects).toEqual([]);
  });
});

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
});

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
});

describe("rules 4 and 6, certificates move views", () => {
  it("makes a notarization durable, passes it on, enters the next view and votes finalize", () => {
    const bench = new Bench(3);
    bench.propose(proposalOf(1, b1));
    bench.certificate(n1);
    const kinds = bench.effects.map(({ kind }) => kind);
    expect(kinds.indexOf("persist")).toBe(0);
    expect(kinds.indexOf("broadcast")).toBeLessThan(kinds.indexOf("sign"));
    expect(bench.state.view).toBe(2);
    expect(bench.signed).toEqual(["finalize 1"]);
  });

  it("does not vote finalize where it voted nullify", () => {
    const bench = new Bench(3);
    bench.timer("advance");
    bench.certificate(n1);
    expect(bench.state.view).toBe(2);
    expect(bench.signed).toEqual([]);
  });

  it("asks for the certificate once a quorum of equal votes is here; votes alone never move views", () => {
    const bench = new Bench(3);
    for (const validator of [0, 1]) bench.vote(voteBy(validator, nullify(1)));
    expect(bench.of("assemble")).toEqual([]);
    bench.vote(voteBy(2, nullify(1)));
    expect(bench.of("assemble")[0]?.votes).toHaveLength(3);
    expect(bench.state.view).toBe(1);
  });

  it("counts only equal votes towards a quorum", () => {
    const bench = new Bench(3);
    const other = blockOf(1, undefined, { timestampMs: 5_000 });
    bench.vote(voteBy(0, notarize(1, b1, 0)));
    bench.vote(voteBy(1, notarize(1, b1, 0)));
    bench.vote(voteBy(2, notarize(1, other, 0)));
    expect(bench.of("assemble")).toEqual([]);
  });

  it("counts a validator once", () => {
    const bench = new Bench(3);
    for (const validator of [0, 0, 0, 1]) bench.vote(voteBy(validator, nullify(1)));
    expect(bench.of("assemble")).toEqual([]);
  });

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

  it("fetches a notarized block's body that it lacks", () => {
    const bench = new Bench(3);
    bench.certificate(n1);
    expect(bench.of("fetch")[0]).toMatchObject({ what: "body", digest: n1.digest });
  });
});

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
});

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
    const far = blockOf(40, undefined, { height: 40 });
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

  it("tries a sync without progress again after a pause, not at once", () => {
    const bench = new Bench(3);
    const far = blockOf(40, undefined, { height: 40 });
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
});

describe("adapting", () => {
  it("doubles Δ and halves the payload after n failed views, and a finalization undoes one step", () => {
    const bench = new Bench(0);
    for (const view of [1, 2, 3, 4]) bench.certificate(certify(nullify(view)));
    bench.timer("heartbeat");
    expect(timersOf(bench).advance).toBe(6 * DELTA_MS);
    expect(bench.of("buildPayload")[0]?.payloadBytesMax).toBe(2 ** 20);
    const block = blockOf(5);
    bench.built(block);
    bench.certificate(certify(finalize(5, block, 0)));
    bench.timer("heartbeat");
    expect(timersOf(bench).advance).toBe(3 * DELTA_MS);
  });

  it("keeps Δ at most a minute and the payload at least 64 KiB", () => {
    const bench = new Bench(0);
    for (let view = 1; view <= 64; view++) bench.certificate(certify(nullify(view)));
    bench.timer("heartbeat");
    expect(timersOf(bench).advance).toBe(180_000);
    expect(bench.of("buildPayload")[0]?.payloadBytesMax).toBe(65_536);
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
