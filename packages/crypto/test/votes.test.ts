import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { toHex, utf8 } from "../src/bytes.js";
import { encodeScalar } from "../src/curve/encoding.js";
import { loadMclCurve } from "../src/curve/mcl-curve.js";
import { nobleCurve } from "../src/curve/noble-curve.js";
import { reduceScalar } from "../src/curve/order.js";
import { codeOf } from "../src/errors.js";
import { createCurveVoteSuite, type VoteSuite } from "../src/vote-suite.js";
import { loadBlstVoteSuite } from "../src/vote-suite-blst.js";
import {
  checkVoteCertificate,
  decodeVoteBitmap,
  encodeVoteBitmap,
  makeVoteCertificate,
  voteCheckPossession,
  voteMessage,
  votePossessionProof,
} from "../src/votes.js";

const mcl = await loadMclCurve();
const native = await loadBlstVoteSuite();
const reference = createCurveVoteSuite(nobleCurve);
const suites: VoteSuite[] = [native, reference, createCurveVoteSuite(mcl)];

const secrets = Array.from({ length: 4 }, (_, index) => {
  const secret = sha256(utf8(`vote key ${index}`));
  secret[0] = secret[0]! & 0x3f;
  return secret;
});
const keys = secrets.map((secret) => native.publicKey(secret));
const chain = new Uint8Array(32).fill(1);
const digest = new Uint8Array(32).fill(2);
const message = voteMessage({ chain, epoch: 1, view: 9, kind: "notarize", parentView: 8, digest });
const signatures = secrets.map((secret) => native.sign(secret, message));
const weights = Array.from({ length: 8 }, (_, index) => sha256(Uint8Array.of(index)).slice(0, 16));

function codeFrom(action: () => unknown): string {
  try {
    action();
    return "accepted";
  } catch (error) {
    return codeOf(error);
  }
}

const INFINITY_SIGNATURE = Uint8Array.of(0xc0, ...new Uint8Array(95));

describe.each(suites)("votes on $name", (suite) => {
  it("gives the keys, signatures and aggregates of the reference", () => {
    secrets.slice(0, 2).forEach((secret, index) => {
      expect(toHex(suite.publicKey(secret))).toBe(toHex(reference.publicKey(secret)));
      expect(toHex(suite.sign(secret, message))).toBe(toHex(signatures[index]!));
    });
    expect(toHex(suite.aggregate(signatures))).toBe(toHex(reference.aggregate(signatures)));
  });

  it("accepts a certificate of a quorum and names its signers", () => {
    const votes = [3, 0, 1].map((validator) => ({ validator, signature: signatures[validator]! }));
    const certificate = makeVoteCertificate(suite, 4, votes);
    expect(checkVoteCertificate(suite, keys, 3, message, certificate)).toEqual([0, 1, 3]);
    expect(codeFrom(() => checkVoteCertificate(suite, keys, 4, message, certificate))).toBe("VOTE_NO_QUORUM");
    const other = voteMessage({ chain, epoch: 1, view: 9, kind: "finalize", parentView: 8, digest });
    expect(codeFrom(() => checkVoteCertificate(suite, keys, 3, other, certificate))).toBe(
      "VOTE_BAD_AGGREGATE",
    );
  });

  it("refuses a bit more than signed, a bit beyond the set, a short bitmap and an identity signature", () => {
    const { signature } = makeVoteCertificate(
      suite,
      4,
      [0, 1, 2].map((validator) => ({ validator, signature: signatures[validator]! })),
    );
    const check = (bitmap: Uint8Array, sig: Uint8Array) =>
      codeFrom(() => checkVoteCertificate(suite, keys, 3, message, { bitmap, signature: sig }));
    expect(check(Uint8Array.of(0b0111), signature)).toBe("accepted");
    expect(check(Uint8Array.of(0b1111), signature)).toBe("VOTE_BAD_AGGREGATE");
    expect(check(Uint8Array.of(0b10111), signature)).toBe("VOTE_BAD_BITMAP");
    expect(check(new Uint8Array(0), signature)).toBe("VOTE_BAD_BITMAP");
    expect(check(Uint8Array.of(0b0111), INFINITY_SIGNATURE)).toBe("IDENTITY_POINT");
    expect(check(Uint8Array.of(0b0111), signature.slice(1))).toBe("BAD_LENGTH");
    expect(check(Uint8Array.of(0b0111), new Uint8Array(96).fill(0x9f))).toBe("BAD_POINT");
  });

  it("refuses signatures and keys outside the subgroup with the same code", () => {
    const outsideG2 = curvePointOutside(nobleCurve.g2, 96);
    const outsideG1 = curvePointOutside(nobleCurve.g1, 48);
    expect(codeFrom(() => suite.verify([keys[0]!], message, outsideG2))).toBe("NOT_IN_SUBGROUP");
    expect(codeFrom(() => suite.aggregate([signatures[0]!, outsideG2]))).toBe("NOT_IN_SUBGROUP");
    expect(codeFrom(() => suite.checkKey(outsideG1))).toBe("NOT_IN_SUBGROUP");
    expect(codeFrom(() => suite.checkKey(Uint8Array.of(0xc0, ...new Uint8Array(47))))).toBe("IDENTITY_POINT");
  });

  it("calls the points of order 3 outside the subgroup, not off the curve", () => {
    for (const flags of [0x80, 0xa0]) {
      const key = Uint8Array.of(flags, ...new Uint8Array(47));
      expect(codeFrom(() => suite.checkKey(key))).toBe("NOT_IN_SUBGROUP");
    }
  });

  it("refuses a zero and an unreduced secret key", () => {
    for (const secret of [new Uint8Array(32), new Uint8Array(32).fill(0xff)]) {
      expect(codeFrom(() => suite.sign(secret, message))).toBe("BAD_SCALAR");
      expect(codeFrom(() => suite.publicKey(secret))).toBe("BAD_SCALAR");
    }
    expect(codeFrom(() => suite.aggregate([]))).toBe("TOO_FEW_SHARES");
  });

  it("checks many votes at once, on one message and on several", () => {
    const nullify = voteMessage({ chain, epoch: 1, view: 10, kind: "nullify", parentView: 0, digest });
    const same = keys.map((publicKey, index) => ({ publicKey, message, signature: signatures[index]! }));
    const second = {
      publicKey: keys[2]!,
      message: nullify,
      signature: native.sign(secrets[2]!, nullify),
    };
    expect(suite.verifyBatch(same, weights.slice(0, 4))).toBe(true);
    expect(suite.verifyBatch([...same, second], weights.slice(0, 5))).toBe(true);
    expect(suite.verifyBatch([...same, { ...second, message }], weights.slice(0, 5))).toBe(false);
    expect(suite.verifyBatch([{ ...second, signature: INFINITY_SIGNATURE }], weights.slice(0, 1))).toBe(
      false,
    );
  });

  it("notices two bad votes whose errors cancel in a plain sum", () => {
    const g2 = nobleCurve.g2;
    const [first, second] = signatures.map((bytes) => g2.fromCheckedBytes(bytes)!);
    const shifted = [g2.add(first!, g2.generator), g2.add(second!, g2.negate(g2.generator))].map((p) =>
      g2.toBytes(p),
    );
    expect(suite.verify(keys.slice(0, 2), message, suite.aggregate(shifted))).toBe(true);
    const votes = shifted.map((signature, index) => ({ publicKey: keys[index]!, message, signature }));
    expect(suite.verifyBatch(votes, weights.slice(0, 2))).toBe(false);
  });
});

/** A point on the curve that is not in the prime-order subgroup: the first small x that has one. */
function curvePointOutside<Point>(
  group: { fromCheckedBytes(bytes: Uint8Array): Point | undefined; isInSubgroup(point: Point): boolean },
  sizeBytes: number,
): Uint8Array {
  for (let x = 1; ; x++) {
    const bytes = new Uint8Array(sizeBytes);
    bytes[0] = 0x80;
    bytes[sizeBytes - 1] = x;
    const point = group.fromCheckedBytes(bytes);
    if (point !== undefined && !group.isInSubgroup(point)) return bytes;
  }
}

describe.each([mcl, nobleCurve])("proof of possession on $name", (curve) => {
  it("admits a key with its proof and no other", () => {
    const proof = votePossessionProof(curve, secrets[0]!);
    expect(voteCheckPossession(curve, keys[0]!, proof)).toBe(true);
    expect(voteCheckPossession(curve, keys[1]!, proof)).toBe(false);
    expect(voteCheckPossession(curve, keys[0]!, native.sign(secrets[0]!, keys[0]!))).toBe(false);
    expect(voteCheckPossession(curve, keys[0]!.slice(1), proof)).toBe(false);
    expect(voteCheckPossession(curve, keys[0]!, INFINITY_SIGNATURE)).toBe(false);
  });

  it("stops a rogue key, which without the proof would sign for others", () => {
    const g1 = curve.g1;
    const victim = g1.fromCheckedBytes(keys[0]!)!;
    const mine = reduceScalar(123456789n);
    const rogue = g1.toBytes(g1.add(g1.multiplyGenerator(mine), g1.negate(victim)));
    const forged = native.sign(encodeScalar(mine), message);
    expect(native.verify([keys[0]!, rogue], message, forged)).toBe(true);
    expect(voteCheckPossession(curve, rogue, votePossessionProof(curve, encodeScalar(mine)))).toBe(false);
  });
});

describe("vote bytes and bitmaps", () => {
  it("leaves parent and digest out of a nullify vote", () => {
    const nullify = { chain, epoch: 1n, view: 9n, kind: "nullify" as const };
    const first = voteMessage({ ...nullify, parentView: 8, digest });
    expect(toHex(first)).toBe(toHex(voteMessage({ ...nullify, parentView: 0, digest: new Uint8Array(32) })));
    expect(toHex(first)).not.toBe(toHex(message));
  });

  it("writes validator i as bit i mod 8 of byte i/8 and reads it back", () => {
    expect(toHex(encodeVoteBitmap(31, [0, 8, 30]))).toBe("01010040");
    expect(decodeVoteBitmap(31, encodeVoteBitmap(31, [30, 8, 0]))).toEqual([0, 8, 30]);
    expect(codeFrom(() => encodeVoteBitmap(4, [4]))).toBe("VOTE_BAD_BITMAP");
    expect(codeFrom(() => decodeVoteBitmap(31, Uint8Array.of(0, 0, 0, 0x80)))).toBe("VOTE_BAD_BITMAP");
  });

  it("counts no validator twice", () => {
    const twice = [0, 0].map((validator) => ({ validator, signature: signatures[0]! }));
    expect(codeFrom(() => makeVoteCertificate(native, 4, twice))).toBe("DUPLICATE_INDEX");
  });
});
