import { describe, expect, it } from "vitest";
import { deltaMs } from "../../src/engine/index.js";
import { Bench, blockOf, certify, DELTA_MS, finalize, notarize, nullify, proposalOf } from "./harness.js";

const b1 = blockOf(1);
const b2 = blockOf(2, b1);
const n1 = certify(notarize(1, b1, 0));

describe("adapting", () => {
  it("doubles Δ and halves the payload after n failed views, and a finalization undoes one step", () => {
    const bench = new Bench(0);
    for (const view of [1, 2, 3, 4]) bench.certificate(certify(nullify(view)));
    bench.timer("heartbeat");
    expect(bench.timers.advance).toBe(6 * DELTA_MS);
    expect(bench.of("buildPayload")[0]?.payloadBytesMax).toBe(2 ** 20);
    const block = blockOf(5);
    bench.built(block);
    bench.certificate(certify(finalize(5, block, 0)));
    bench.timer("heartbeat");
    expect(bench.timers.advance).toBe(3 * DELTA_MS);
  });

  it("keeps Δ at most a minute and the payload at least 64 KiB", () => {
    const bench = new Bench(0);
    for (let view = 1; view <= 64; view++) bench.certificate(certify(nullify(view)));
    bench.timer("heartbeat");
    expect(bench.timers.advance).toBe(180_000);
    expect(bench.of("buildPayload")[0]?.payloadBytesMax).toBe(65_536);
  });

  it("takes no more steps than change something, so that few finalizations undo them", () => {
    const bench = new Bench(0);
    for (let view = 1; view <= 400; view++) bench.certificate(certify(nullify(view)));
    expect(deltaMs(bench.state)).toBe(60_000);
    const block = blockOf(401);
    bench.propose(proposalOf(401, block));
    bench.feed({ kind: "bodyArrived", header: block });
    bench.certificate(certify(notarize(401, block, 0)));
    bench.feed({ kind: "bodyArrived", header: block });
    bench.certificate(certify(finalize(401, block, 0)));
    expect(bench.state.tip.height).toBe(1);
    expect(deltaMs(bench.state)).toBe(51_200);
  });

  it("counts a view that was notarized only after this node gave it up, and no view that went well", () => {
    const bench = new Bench(3);
    bench.timer("advance");
    bench.certificate(n1);
    expect(bench.state.failedViews).toBe(1);
    bench.certificate(certify(notarize(2, b2, 1)));
    expect(bench.state.failedViews).toBe(1);
  });

  it("starts counting failed views anew after a finalization", () => {
    const bench = new Bench(3);
    for (const view of [1, 2, 3]) bench.certificate(certify(nullify(view)));
    const block = blockOf(4);
    bench.certificate(certify(notarize(4, block, 0)));
    bench.feed({ kind: "bodyArrived", header: block });
    bench.certificate(certify(finalize(4, block, 0)));
    bench.certificate(certify(nullify(5)));
    expect(bench.state).toMatchObject({ failedViews: 1, backoffSteps: 0 });
  });
});
