import { type Certificate, ZERO_32 } from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { verifyFact, verifyFacts, verifyVotes } from "../src/index.js";
import { blockOf, notarize, nullify } from "./engine/harness.js";
import { chainId, codeOf, makeVoters, type Voters } from "./voters.js";

let voters: Voters;
let others: Voters;
beforeAll(async () => {
  [voters, others] = await Promise.all([makeVoters(4), makeVoters(4, 50)]);
});
const check = (fact: Certificate, set = voters.set, chain: Uint8Array = chainId) =>
  verifyFact(voters.verifier, chain, set, fact);
const subject = notarize(3, blockOf(3), 2);

describe("verifyFact", () => {
  it.each([[[0]], [[1, 3]], [[0, 1, 2, 3]]])("takes the votes of %j, a quorum or not", async (signers) => {
    expect(await check(voters.certificate(subject, ...signers))).toEqual({ kind: "valid", value: signers });
  });

  it("refuses a bit of somebody who did not vote", async () => {
    const fact = { ...voters.certificate(subject, 0, 1), bitmap: Uint8Array.of(0b0111) };
    expect(codeOf(await check(fact))).toBe("VOTE_BAD_AGGREGATE");
  });

  it("refuses a fact moved to another view, block, epoch or chain", async () => {
    const fact = voters.certificate(subject, 0, 1);
    for (const change of [{ view: 4 }, { digest: ZERO_32 }, { epoch: 1 }, { parentView: 1 }, { kind: 3 }]) {
      expect(codeOf(await check({ ...fact, ...change }))).toBe("VOTE_BAD_AGGREGATE");
    }
    expect(codeOf(await check(fact, voters.set, ZERO_32))).toBe("VOTE_BAD_AGGREGATE");
  });

  it("refuses a fact of another set than its epoch's", async () => {
    expect(codeOf(await check(voters.certificate(subject, 0, 1), others.set))).toBe("VOTE_BAD_AGGREGATE");
  });

  it("refuses two votes that are bad alone and cancel, where the voters did not vote", async () => {
    const stray = voters.vote(2, nullify(9)).signature;
    const negated = stray.map((byte, index) => (index === 0 ? byte ^ 0x20 : byte));
    const real = voters.vote(0, subject);
    const pair = [
      { ...real, validator: 1, signature: stray },
      { ...real, validator: 2, signature: negated },
    ];
    expect((await verifyVotes(voters.verifier, chainId, voters.set, pair)).map(codeOf)).toEqual([
      "VOTE_BAD_SIGNATURE",
      "VOTE_BAD_SIGNATURE",
    ]);
    const signature = await voters.verifier.aggregate([real.signature, stray, negated]);
    expect(signature).toEqual(real.signature);
    const fact = { ...voters.certificate(subject, 0), bitmap: Uint8Array.of(0b0111), signature };
    expect(codeOf(await check(fact))).toBe("VOTE_BAD_AGGREGATE");
  });

  it("refuses what is malformed without throwing", async () => {
    const fact = voters.certificate(subject, 0);
    const codes = [
      await check({ ...fact, bitmap: Uint8Array.of(0) }),
      await check({ ...fact, bitmap: Uint8Array.of(1, 0) }),
      await check({ ...fact, bitmap: Uint8Array.of(0b10001) }),
      await check({ ...fact, kind: 9 }),
      await check({ ...fact, view: 0 }),
      await check({ ...fact, signature: new Uint8Array(96) }),
      await check({ ...voters.certificate(nullify(3), 0), digest: chainId }),
    ].map(codeOf);
    expect(codes).toEqual([
      "FACT_NO_SIGNER",
      "VOTE_BAD_BITMAP",
      "VOTE_BAD_BITMAP",
      "VOTE_MALFORMED",
      "VOTE_MALFORMED",
      "BAD_POINT",
      "VOTE_MALFORMED",
    ]);
  });
});

describe("verifyFacts, for a proposal in view 10 of epoch 2", () => {
  const inEpoch = (epoch: number, view: number) => ({ ...nullify(view), epoch });
  const setOf = (epoch: number) => (epoch === 1 ? others.set : epoch === 2 ? voters.set : undefined);
  const judge = async (...facts: Certificate[]): Promise<string> =>
    codeOf(await verifyFacts(voters.verifier, chainId, facts, { epoch: 2, view: 10, setOf }));

  it("takes none, and facts of this and the last epoch under the set of each", async () => {
    expect(await judge()).toBe("valid");
    const facts = [voters.certificate(inEpoch(2, 9), 0), others.certificate(inEpoch(1, 700), 1, 2)];
    expect(await judge(...facts)).toBe("valid");
  });

  it("refuses all for one that is forged", async () => {
    const forged = { ...voters.certificate(inEpoch(2, 8), 0), bitmap: Uint8Array.of(2) };
    expect(await judge(voters.certificate(inEpoch(2, 9), 0), forged)).toBe("VOTE_BAD_AGGREGATE");
    expect(await judge(voters.certificate(inEpoch(1, 9), 0))).toBe("VOTE_BAD_AGGREGATE");
  });

  it("refuses its own view and later ones, epochs to come, and epochs before the last", async () => {
    for (const [epoch, view] of [
      [2, 10],
      [2, 11],
      [3, 1],
      [0, 1],
    ] as const) {
      expect(await judge(voters.certificate(inEpoch(epoch, view), 0))).toBe("FACTS_BAD_CHOICE");
    }
  });

  it("refuses two facts of one view and kind", async () => {
    const pair = [voters.certificate(inEpoch(2, 9), 0), voters.certificate(inEpoch(2, 9), 1)];
    expect(await judge(...pair)).toBe("FACTS_BAD_CHOICE");
  });

  it("refuses more than two for each validator", async () => {
    const facts = Array.from({ length: 9 }, (_, index) => voters.certificate(inEpoch(2, index + 1), 0));
    expect(await judge(...facts.slice(1))).toBe("valid");
    expect(await judge(...facts)).toBe("FACTS_BAD_CHOICE");
  });

  it("ignores facts whose set is not known here: nobody is to blame", async () => {
    const verdict = await verifyFacts(voters.verifier, chainId, [voters.certificate(inEpoch(1, 9), 0)], {
      epoch: 2,
      view: 10,
      setOf: () => undefined,
    });
    expect(verdict.kind).toBe("ignore");
  });
});
