import { describe, expect, it } from "vitest";
import type { Curve } from "../src/curve/curve.js";
import { nobleCurve } from "../src/curve/noble-curve.js";
import { dkgMakeDispute } from "../src/dkg/dispute.js";
import { type DkgPurpose, dkgBaseGroup } from "../src/dkg/params.js";
import { dkgFinalShare } from "../src/dkg/share.js";
import { Ceremony, freshParams, makeConfirm, makeDeal, makeNodes, seededNonce } from "./dkg-ceremony.js";
import {
  INFINITY_G1,
  INFINITY_G2,
  curve as mcl,
  OUTSIDE_G1,
  OUTSIDE_G2,
  replaced,
} from "./support/attacks.js";

const PURPOSES = [{ purpose: 1 as DkgPurpose }, { purpose: 2 as DkgPurpose }];
const MEMBERS = 4;
const THRESHOLD = 3;
/** What stands behind R at the end of a deal: the sealed shares and the proof. */
const BEHIND_R_SIZE_BYTES = 32 * MEMBERS + 96;
/** E_j and the proof behind it, at the end of a dispute; EK and the proof behind it, at the end of a confirm. */
const POINT_AND_PROOF_SIZE_BYTES = 48 + 64;
const BAD_G1 = [
  { point: INFINITY_G1, code: "IDENTITY_POINT" },
  { point: OUTSIDE_G1, code: "NOT_IN_SUBGROUP" },
];
const BAD_G2 = [
  { point: INFINITY_G2, code: "IDENTITY_POINT" },
  { point: OUTSIDE_G2, code: "NOT_IN_SUBGROUP" },
];

describe.each(PURPOSES)("a run of four for purpose $purpose with one member on noble", ({ purpose }) => {
  it("ends alike for all, each reading the messages of the other library", () => {
    const nodes = makeNodes(MEMBERS, purpose);
    const curves: Curve[] = [nobleCurve, mcl, mcl, mcl];
    const params = freshParams(mcl, purpose, nodes, THRESHOLD);
    const views = curves.map((curve) => new Ceremony(curve, params));
    const sendToAll = (height: number, sender: number, body: Uint8Array) =>
      views.map((view) => view.send(height, nodes[sender]!.nodeId, body).status);

    curves.forEach((curve, dealer) => {
      const statuses = sendToAll(100, dealer, makeDeal(curve, params, dealer + 1));
      expect(statuses).toEqual(Array(MEMBERS).fill("DEAL_ACCEPTED"));
    });
    // A message of the wrong kind still brings the state to its height.
    sendToAll(101, 0, new Uint8Array(0));
    const confirms = curves.map((curve, member) =>
      makeConfirm(curve, views[member]!.state, member + 1, nodes[member]!),
    );
    for (const [member, confirm] of confirms.entries()) sendToAll(101, member, confirm);

    expect(views[0]!.state.phase).toBe("ACTIVE");
    for (const view of views) expect(view.state).toEqual(views[0]!.state);
    const secret = nodes[0]!.encryptionSecret;
    expect(dkgFinalShare(nobleCurve, views[1]!.state, 1, secret)).toEqual(
      dkgFinalShare(mcl, views[0]!.state, 1, secret),
    );
  });
});

describe.each(PURPOSES)("bad points in a run for purpose $purpose", ({ purpose }) => {
  const nodes = makeNodes(MEMBERS, purpose);
  const params = freshParams(mcl, purpose, nodes, THRESHOLD);
  const deals = nodes.map((_, index) => makeDeal(mcl, params, index + 1));
  const sender = nodes[0]!.nodeId;

  it("are refused by name in every commitment and in R of a deal", () => {
    const deal = deals[0]!;
    const atR = deal.length - BEHIND_R_SIZE_BYTES - 48;
    const bad = dkgBaseGroup(mcl, purpose).name === "G2" ? BAD_G2 : BAD_G1;
    const size = bad[0]!.point.length;
    for (const { point, code } of bad) {
      for (let k = 0; k < THRESHOLD; k++) {
        const body = replaced(deal, atR - size * (THRESHOLD - k), point);
        expect(new Ceremony(mcl, params).send(100, sender, body).status, `A_${k}`).toBe(code);
      }
    }
    for (const { point, code } of BAD_G1) {
      expect(new Ceremony(mcl, params).send(100, sender, replaced(deal, atR, point)).status).toBe(code);
    }
  });

  it("are refused by name in the next encryption key of a confirm", () => {
    const ceremony = dealt();
    const confirm = makeConfirm(mcl, ceremony.state, 1, nodes[0]!);
    for (const { point, code } of BAD_G1) {
      const body = replaced(confirm, confirm.length - POINT_AND_PROOF_SIZE_BYTES, point);
      expect(ceremony.send(101, sender, body).status).toBe(code);
    }
    expect(ceremony.state.confirms).toEqual([]);
  });

  it("make a dispute one that does not hold, at the cost of who sent it", () => {
    const secret = nodes[0]!.encryptionSecret;
    const dispute = dkgMakeDispute(mcl, params, deals[1]!, 1, secret, seededNonce("dispute"));
    for (const { point } of BAD_G1) {
      const body = replaced(dispute, dispute.length - POINT_AND_PROOF_SIZE_BYTES, point);
      const { status, slashes, state } = dealt().send(101, sender, body);
      expect(status).toBe("DISPUTE_BAD_PROOF");
      expect(slashes).toMatchObject([{ index: 1, nodeId: sender }]);
      expect(state.deals).toHaveLength(MEMBERS);
    }
  });

  function dealt(): Ceremony {
    const ceremony = new Ceremony(mcl, params);
    for (const [index, deal] of deals.entries()) ceremony.send(100, nodes[index]!.nodeId, deal);
    ceremony.send(101, sender, new Uint8Array(0));
    return ceremony;
  }
});
