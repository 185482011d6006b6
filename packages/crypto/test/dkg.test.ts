import { describe, expect, it } from "vitest";
import { bigintFromBytes, concat, toHex } from "../src/bytes.js";
import { encodeScalar } from "../src/curve/encoding.js";
import { loadMclCurve } from "../src/curve/mcl-curve.js";
import { nobleCurve } from "../src/curve/noble-curve.js";
import { reduceScalar, SCALAR_ORDER } from "../src/curve/order.js";
import { dkgMakeDeal } from "../src/dkg/deal.js";
import { dkgMakeDispute } from "../src/dkg/dispute.js";
import { checkDkgParams, type DkgPurpose, dkgBaseGroup } from "../src/dkg/params.js";
import { dkgAdvance, dkgOpen } from "../src/dkg/run.js";
import { dkgDealRandomSizeBytes, dkgDrawDealSecrets } from "../src/dkg/secrets.js";
import { dkgFinalShare, dkgWrongShares } from "../src/dkg/share.js";
import { type DkgState, dkgQualified } from "../src/dkg/state.js";
import { dkgCheckSwitch, dkgCheckTestShare, dkgMakeSwitch, dkgMakeTestShare } from "../src/dkg/switch.js";
import { DKG_ACCEPTED, DKG_TRANSITIONS } from "../src/dkg/table.js";
import { codeOf } from "../src/errors.js";
import { lagrangeCoefficients } from "../src/lagrange.js";
import {
  Ceremony,
  freshParams,
  makeConfirm,
  makeDeal,
  makeNodes,
  makeWithheldDeal,
  type Node,
  reshareParams,
  runHonestly,
  seeded,
  seededNonce,
  seededScalar,
} from "./dkg-ceremony.js";

const mcl = await loadMclCurve();

function codeFrom(action: () => unknown): string {
  try {
    action();
    return "accepted";
  } catch (error) {
    return codeOf(error);
  }
}

function sharesOf(curve: typeof mcl, state: DkgState, nodes: readonly Node[]): Uint8Array[] {
  return nodes.map((node, index) => dkgFinalShare(curve, state, index + 1, node.encryptionSecret));
}

/** The public key of what shares with these indices interpolate to. */
function keyOf(state: DkgState, shares: readonly Uint8Array[], indices: readonly number[]): string {
  const weights = lagrangeCoefficients(indices);
  const secret = indices.reduce(
    (sum, index, place) => (sum + weights[place]! * bigintFromBytes(shares[index - 1]!)) % SCALAR_ORDER,
    0n,
  );
  const group = dkgBaseGroup(mcl, state.params.purpose);
  return toHex(group.toBytes(group.multiplyGenerator(secret)));
}

const keyHex = (state: DkgState) => toHex(state.result!.commitments[0]!);

describe.each([
  { curve: mcl, purpose: 1 as DkgPurpose },
  { curve: mcl, purpose: 2 as DkgPurpose },
  { curve: nobleCurve, purpose: 2 as DkgPurpose },
])("a run of four for purpose $purpose on $curve.name", ({ curve, purpose }) => {
  const nodes = makeNodes(4, purpose);
  const state = runHonestly(curve, freshParams(curve, purpose, nodes, 3), nodes);
  const shares = sharesOf(curve, state, nodes);

  it("becomes active in the block after the deals, when all confirm", () => {
    expect(state.phase).toBe("ACTIVE");
    expect(state.activeFromHeight).toBe(102);
    expect(state.confirms.map(({ member }) => member)).toEqual([1, 2, 3, 4]);
  });

  it("gives shares of which any three make the key, and no two do", () => {
    for (const indices of [
      [1, 2, 3],
      [1, 2, 4],
      [1, 3, 4],
      [2, 3, 4],
    ]) {
      expect(keyOf(state, shares, indices)).toBe(keyHex(state));
    }
    for (const indices of [[1, 2], [3, 4], [2]])
      expect(keyOf(state, shares, indices)).not.toBe(keyHex(state));
  });

  it("switches on a test of three members and on nothing less", () => {
    const answers = shares.map((share, index) =>
      dkgMakeTestShare(curve, state, { member: index + 1, share, nonce: seededNonce(`test ${index}`) }),
    );
    const body = dkgMakeSwitch(state, answers.slice(1));
    expect(codeFrom(() => dkgCheckSwitch(curve, state, body))).toBe("accepted");
    expect(codeFrom(() => dkgMakeSwitch(state, answers.slice(2)))).toBe("TOO_FEW_SHARES");
    const foreign = dkgMakeTestShare(curve, state, { member: 4, share: shares[0]!, nonce: seededNonce("x") });
    expect(codeFrom(() => dkgCheckTestShare(curve, state, foreign))).toBe("SWITCH_BAD_TEST");
    const changed = [
      dkgMakeSwitch(state, [answers[0]!, answers[1]!, foreign]),
      dkgMakeSwitch(state, [answers[0]!, answers[1]!, { index: 9, answer: answers[2]!.answer }]),
      concat(body.slice(0, 34), new Uint8Array(32), body.slice(66)),
    ];
    for (const bad of changed)
      expect(codeFrom(() => dkgCheckSwitch(curve, state, bad))).toBe("SWITCH_BAD_TEST");
    const descending = concat(body.slice(0, 68), ...answersDescending(body.slice(68)));
    expect(codeFrom(() => dkgCheckSwitch(curve, state, descending))).toBe("SWITCH_BAD_TEST");
    expect(codeFrom(() => dkgCheckSwitch(curve, state, body.slice(1)))).toBe("BAD_ENCODING");
    expect(codeFrom(() => dkgCheckSwitch(curve, state, body.slice(0, -1)))).toBe("BAD_LENGTH");
  });

  function answersDescending(bytes: Uint8Array): Uint8Array[] {
    const size = bytes.length / 3;
    return [2, 1, 0].map((place) => bytes.slice(place * size, (place + 1) * size));
  }
});

describe("a reshare", () => {
  const nodes = makeNodes(4, 2);
  const first = runHonestly(mcl, freshParams(mcl, 2, nodes, 3), nodes);
  const oldShares = sharesOf(mcl, first, nodes);
  const newNodes = [...nodes.slice(1), ...makeNodes(3, 2, "newcomer")];
  const params = reshareParams(mcl, first, newNodes, 4);
  const dealers = nodes.map(({ nodeId }, index) => ({ nodeId, oldShare: oldShares[index]! }));
  const second = runHonestly(mcl, params, newNodes, dealers);
  const newShares = sharesOf(mcl, second, newNodes);

  it("keeps the key under new members and another threshold", () => {
    expect(second.phase).toBe("ACTIVE");
    expect(second.result!.used).toEqual([1, 2, 3]);
    expect(keyHex(second)).toBe(keyHex(first));
    expect(keyOf(second, newShares, [1, 2, 3, 4])).toBe(keyHex(first));
    expect(keyOf(second, newShares, [2, 3, 5, 6])).toBe(keyHex(first));
    expect(keyOf(second, newShares, [1, 2, 3])).not.toBe(keyHex(first));
  });

  it("never lets an old share stand in for a new one", () => {
    const mixed = [oldShares[0]!, ...newShares.slice(1)];
    expect(keyOf(second, mixed, [1, 2, 3, 4])).not.toBe(keyHex(first));
    const newMixed = [newShares[0]!, ...oldShares.slice(1)];
    expect(keyOf(first, newMixed, [1, 2, 3])).not.toBe(keyHex(first));
    const stale = dkgMakeTestShare(mcl, second, {
      member: 1,
      share: oldShares[1]!,
      nonce: seededNonce("stale"),
    });
    expect(codeFrom(() => dkgCheckTestShare(mcl, second, stale))).toBe("SWITCH_BAD_TEST");
  });

  it("refuses a dealer with another constant term, and one that is new", () => {
    const ceremony = new Ceremony(mcl, params);
    const unlinked = makeDeal(mcl, params, 1, seededScalar("another term"));
    expect(ceremony.send(1000, nodes[0]!.nodeId, unlinked).status).toBe("DKG_BAD_LINK");
    const foreign = makeDeal(mcl, params, 5, oldShares[0]!);
    expect(ceremony.send(1000, newNodes[4]!.nodeId, foreign).status).toBe("DKG_UNKNOWN_SENDER");
    expect(ceremony.state.deals).toEqual([]);
  });

  it("refreshes the shares of one committee under the same key", () => {
    const refresh = reshareParams(mcl, first, nodes, 3);
    const refreshed = runHonestly(mcl, refresh, nodes, dealers);
    expect(keyHex(refreshed)).toBe(keyHex(first));
    expect(keyOf(refreshed, sharesOf(mcl, refreshed, nodes), [2, 3, 4])).toBe(keyHex(first));
    expect(refreshed.result!.verificationKeys).not.toEqual(first.result!.verificationKeys);
  });
});

describe("a run under attack", () => {
  const nodes = makeNodes(4, 2);
  const params = freshParams(mcl, 2, nodes, 3);
  const deals = nodes.map((_, index) => makeDeal(mcl, params, index + 1));
  const id = (index: number) => nodes[index - 1]!.nodeId;

  function dealt(bodies: readonly Uint8Array[] = deals): Ceremony {
    const ceremony = new Ceremony(mcl, params);
    bodies.forEach((body, index) => {
      expect(ceremony.send(100, id(index + 1), body).status).toBe("DEAL_ACCEPTED");
    });
    return ceremony;
  }

  const dispute = (deal: Uint8Array, member: number) =>
    dkgMakeDispute(mcl, params, deal, member, nodes[member - 1]!.encryptionSecret, seededNonce("dispute"));

  it("lets the first deal of a dealer stand and slashes it for a second, different one", () => {
    const ceremony = new Ceremony(mcl, params);
    expect(ceremony.send(100, id(1), deals[0]!).status).toBe("DEAL_ACCEPTED");
    const again = ceremony.send(101, id(1), deals[0]!);
    expect([again.status, again.slashes]).toEqual(["DKG_DUPLICATE_DEAL", []]);
    const second = ceremony.send(102, id(1), makeDeal(mcl, params, 1, undefined, "second"));
    expect(second.status).toBe("DKG_DUPLICATE_DEAL");
    expect(second.slashes).toEqual([{ role: "dealer", index: 1, nodeId: id(1) }]);
    expect(ceremony.state.deals).toEqual([{ dealer: 1, body: deals[0] }]);
  });

  it("refuses a deal that copies the R of another dealer", () => {
    const stolen = deals[1]!.slice();
    const at = 36 + 48 * 3;
    stolen.set(deals[0]!.slice(at, at + 48), at);
    const ceremony = new Ceremony(mcl, params);
    expect(ceremony.send(100, id(2), stolen).status).toBe("DKG_BAD_POK");
    expect(ceremony.send(100, id(2), deals[1]!).status).toBe("DEAL_ACCEPTED");
  });

  it("refuses an early, late, foreign, short and long deal, one of another run, and bad points", () => {
    const ceremony = new Ceremony(mcl, params);
    const send = (height: number, sender: Uint8Array, body: Uint8Array) =>
      ceremony.send(height, sender, body).status;
    const deal = deals[0]!;
    expect(send(99, id(1), deal)).toBe("DKG_WRONG_PHASE");
    expect(send(100, id(2), deal)).toBe("DKG_UNKNOWN_SENDER");
    expect(send(100, seeded("outsider", 32), deal)).toBe("DKG_UNKNOWN_SENDER");
    expect(send(100, id(1), deal.slice(0, -1))).toBe("BAD_LENGTH");
    expect(send(100, id(1), concat(deal, Uint8Array.of(0)))).toBe("BAD_LENGTH");
    expect(send(100, id(1), makeDeal(mcl, { ...params, attempt: 2 }, 1))).toBe("DKG_WRONG_SID");
    expect(send(100, id(1), Uint8Array.of(0x31, 2, ...deal.slice(2)))).toBe("BAD_ENCODING");
    const identity = deal.slice();
    identity.set([0xc0, ...new Uint8Array(47)], 36);
    expect(send(100, id(1), identity)).toBe("IDENTITY_POINT");
    const unreduced = deal.slice();
    unreduced.fill(0xff, deal.length - 32);
    expect(send(100, id(1), unreduced)).toBe("BAD_SCALAR");
    expect(ceremony.state.deals).toEqual([]);
    expect(send(120, id(1), deal)).toBe("DKG_WRONG_PHASE");
    expect(ceremony.state.abortReason).toBe("DKG_TOO_FEW_DEALS");
  });

  it("upholds a dispute over a withheld share: the dealer leaves, confirms so far are dropped, the key changes", () => {
    const bad = makeWithheldDeal(mcl, params, 2, 4);
    const ceremony = dealt([deals[0]!, bad, deals[2]!, deals[3]!]);
    ceremony.send(101, id(1), new Uint8Array(0));
    expect(ceremony.send(101, id(1), makeConfirm(mcl, ceremony.state, 1, nodes[0]!)).status).toBe(
      "CONFIRM_ACCEPTED",
    );
    const before = ceremony.state.result!.transcript;
    expect(codeFrom(() => dkgFinalShare(mcl, ceremony.state, 4, nodes[3]!.encryptionSecret))).toBe(
      "DKG_BAD_SHARE",
    );
    const wrong = dkgWrongShares(mcl, ceremony.state, 4, nodes[3]!.encryptionSecret);
    expect(wrong.map(({ dealer }) => dealer)).toEqual([2]);
    const step = ceremony.send(102, id(4), dispute(wrong[0]!.body, 4));
    expect(step.status).toBe("DISPUTE_UPHELD");
    expect(step.slashes).toEqual([{ role: "dealer", index: 2, nodeId: id(2) }]);
    expect(dkgQualified(ceremony.state)).toEqual([1, 3, 4]);
    expect(ceremony.state.confirms).toEqual([]);
    expect(ceremony.state.result!.transcript).not.toEqual(before);
    expect(ceremony.send(102, id(3), dispute(bad, 3)).status).toBe("DKG_ALREADY_DISQUALIFIED");
    nodes.forEach((node, index) => {
      ceremony.send(103, node.nodeId, makeConfirm(mcl, ceremony.state, index + 1, node));
    });
    expect(ceremony.state.phase).toBe("ACTIVE");
    expect(keyOf(ceremony.state, sharesOf(mcl, ceremony.state, nodes), [2, 3, 4])).toBe(
      keyHex(ceremony.state),
    );
  });

  it("slashes a malicious disputer and one with a forged proof, and shuts them out", () => {
    const ceremony = dealt();
    const rejected = ceremony.send(101, id(3), dispute(deals[0]!, 3));
    expect([rejected.status, rejected.slashes[0]?.nodeId]).toEqual(["DISPUTE_REJECTED", id(3)]);
    const forged = dispute(deals[0]!, 4);
    forged[149] = forged[149]! ^ 1;
    expect(ceremony.send(101, id(4), forged).status).toBe("DISPUTE_BAD_PROOF");
    expect(ceremony.send(101, id(4), dispute(deals[0]!, 4)).status).toBe("DKG_SLASHED");
    const confirm = makeConfirm(mcl, ceremony.state, 3, nodes[2]!);
    expect(ceremony.send(101, id(3), confirm).status).toBe("DKG_SLASHED");
    expect(dkgQualified(ceremony.state)).toEqual([1, 2, 3, 4]);
    expect(ceremony.state.slashedMembers).toEqual([3, 4]);
  });

  it("refuses a dispute by a stranger, against nobody, or too late", () => {
    const ceremony = new Ceremony(mcl, params);
    for (const index of [1, 2, 3]) ceremony.send(100, id(index), deals[index - 1]!);
    const against = (dealer: number) => {
      const body = dispute(deals[0]!, 4);
      body[35] = dealer;
      return body;
    };
    expect(ceremony.send(101, id(4), against(1)).status).toBe("DKG_WRONG_PHASE");
    expect(ceremony.send(120, id(1), against(1)).status).toBe("DKG_UNKNOWN_SENDER");
    expect(ceremony.send(120, id(4), against(4)).status).toBe("DKG_NO_SUCH_DEAL");
    expect(ceremony.send(120, id(4), against(77)).status).toBe("DKG_NO_SUCH_DEAL");
    expect(ceremony.send(140, id(4), against(1)).status).toBe("DKG_WRONG_PHASE");
    expect(ceremony.state.phase).toBe("CONFIRM");
  });

  it("refuses a confirm that another member copied, and one of another transcript", () => {
    const ceremony = dealt();
    ceremony.send(101, id(1), new Uint8Array(0));
    const confirm = makeConfirm(mcl, ceremony.state, 1, nodes[0]!);
    expect(ceremony.send(101, id(2), confirm).status).toBe("DKG_UNKNOWN_SENDER");
    const renamed = confirm.slice();
    renamed[35] = 2;
    expect(ceremony.send(101, id(2), renamed).status).toBe("DKG_BAD_EK");
    const own = makeConfirm(mcl, ceremony.state, 2, nodes[1]!);
    const copied = concat(own.slice(0, 68), confirm.slice(68, 132), own.slice(132));
    expect(ceremony.send(101, id(2), copied).status).toBe("DKG_BAD_CONFIRM");
    const stale = confirm.slice();
    stale[40] = stale[40]! ^ 1;
    expect(ceremony.send(101, id(1), stale).status).toBe("DKG_WRONG_TRANSCRIPT");
    expect(ceremony.send(101, id(1), confirm).status).toBe("CONFIRM_ACCEPTED");
    expect(ceremony.send(101, id(1), confirm).status).toBe("DKG_DUPLICATE_CONFIRM");
  });

  it("ends without the key when too few confirm, and with it when n − f do", () => {
    const confirmedBy = (count: number) => {
      const ceremony = dealt();
      ceremony.send(101, id(1), new Uint8Array(0));
      nodes.slice(0, count).forEach((node, index) => {
        ceremony.send(101, node.nodeId, makeConfirm(mcl, ceremony.state, index + 1, node));
      });
      return dkgAdvance(mcl, ceremony.state, 5000);
    };
    expect([confirmedBy(2).phase, confirmedBy(2).abortReason]).toEqual(["ABORTED", "DKG_TOO_FEW_CONFIRMS"]);
    expect([confirmedBy(3).phase, confirmedBy(3).activeFromHeight]).toEqual(["ACTIVE", 161]);
  });

  it("aborts when the last deal cancels the constant terms of the others", () => {
    const drawn = (dealer: number) =>
      dkgDrawDealSecrets(params, seeded(`cancel ${dealer}`, dkgDealRandomSizeBytes(params)));
    const secrets = [1, 2, 3, 4].map(drawn);
    const sum = secrets
      .slice(0, 3)
      .reduce((total, { coefficients }) => total + bigintFromBytes(coefficients[0]!), 0n);
    const last = {
      ...secrets[3]!,
      coefficients: [encodeScalar(reduceScalar(-sum)), ...secrets[3]!.coefficients.slice(1)],
    };
    const bodies = [...secrets.slice(0, 3), last].map((secret, index) =>
      dkgMakeDeal(mcl, params, index + 1, secret),
    );
    const ended = dkgAdvance(mcl, dealt(bodies).state, 101);
    expect([ended.phase, ended.abortReason, ended.result]).toEqual(["ABORTED", "DKG_DEGENERATE", null]);
  });
});

describe("two runs at once", () => {
  it("keeps the runs for s and z apart, and the old shares serve until the switch", () => {
    const keyCentres = makeNodes(4, 1);
    const proxies = makeNodes(4, 2);
    const s = runHonestly(mcl, freshParams(mcl, 1, keyCentres, 3), keyCentres);
    const z = runHonestly(mcl, freshParams(mcl, 2, proxies, 3), proxies);
    const ceremony = new Ceremony(mcl, freshParams(mcl, 2, proxies, 3));
    expect(ceremony.send(100, keyCentres[0]!.nodeId, s.deals[0]!.body).status).toBe("DKG_WRONG_SID");
    const before = sharesOf(mcl, z, proxies);
    const dealers = proxies.map(({ nodeId }, index) => ({ nodeId, oldShare: before[index]! }));
    const next = runHonestly(mcl, reshareParams(mcl, z, proxies, 3), proxies, dealers);
    // A crash between ACTIVE and switch: the old state still gives every old share, and they still make the key.
    expect(sharesOf(mcl, z, proxies)).toEqual(before);
    expect(keyOf(z, before, [1, 2, 3])).toBe(keyHex(next));
  });

  it("makes the same deal bytes again from stored randomness after a restart", () => {
    const nodes = makeNodes(4, 1);
    const params = freshParams(mcl, 1, nodes, 3);
    expect(makeDeal(mcl, params, 2)).toEqual(makeDeal(mcl, params, 2));
  });
});

describe("a run of thirty-one", () => {
  it("gives a key that any twenty-one members hold", () => {
    const nodes = makeNodes(31, 2);
    const state = runHonestly(mcl, freshParams(mcl, 2, nodes, 21), nodes);
    expect(state.phase).toBe("ACTIVE");
    expect(state.deals[0]!.body).toHaveLength(2180);
    // Any set would do; the highest indices have the largest powers. Shares below the first one used stay unopened.
    const last = Array.from({ length: 21 }, (_, index) => index + 11);
    const shares = nodes.map((node, index) =>
      index < 10 ? new Uint8Array(32) : dkgFinalShare(mcl, state, index + 1, node.encryptionSecret),
    );
    expect(keyOf(state, shares, last)).toBe(keyHex(state));
    expect(keyOf(state, shares, last.slice(1))).not.toBe(keyHex(state));
  });
});

describe("the table", () => {
  it("has one row for each state and event, and ends only in ACTIVE or ABORTED", () => {
    const names = DKG_TRANSITIONS.map(({ from, event }) => `${from} ${event}`);
    expect(new Set(names).size).toBe(names.length);
    expect(DKG_TRANSITIONS.map(({ from }) => from)).not.toContain("ACTIVE");
    expect(DKG_TRANSITIONS.map(({ from }) => from)).not.toContain("ABORTED");
    expect(DKG_TRANSITIONS.every(({ sentence }) => sentence.endsWith("."))).toBe(true);
    expect([DKG_ACCEPTED.ACTIVE, DKG_ACCEPTED.ABORTED]).toEqual([[], []]);
  });

  it("refuses parameters of no possible run", () => {
    const nodes = makeNodes(5, 2);
    const params = freshParams(mcl, 2, nodes, 3);
    expect(codeFrom(() => checkDkgParams(params))).toBe("accepted");
    const changes = [
      { members: params.members.slice(0, 3) },
      { threshold: 1 },
      { threshold: 5 },
      { windowBlocks: 19 },
      { mode: 1 as const },
      { previousTranscript: new Uint8Array(32).fill(1) },
      { members: [...params.members.slice(0, 4), params.members[0]!] },
    ];
    for (const change of changes)
      expect(codeFrom(() => dkgOpen({ ...params, ...change }))).toBe("DKG_BAD_PARAMS");
  });
});
