import { toEpoch, toView, type Vote, VoteKind, type VoteSubject, ZERO_32 } from "@consilium/protocol";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  canSign,
  checkEvidenceWindow,
  decodeSafetyRecord,
  emptySafetyRecord,
  encodeSafetyRecord,
  evidenceId,
  evidenceWindow,
  orderEvidence,
  pruneSafetyRecord,
  recordVote,
  type SafetyRecord,
  type VoteVerifier,
  verifyEvidence,
} from "../src/index.js";
import { blockOf, finalize, notarize, nullify } from "./engine/harness.js";
import { chainId, codeOf, makeVoters, type Voters } from "./voters.js";

const block = blockOf(3);
const other = blockOf(3, undefined, { timestampMs: 99_999 });

let voters: Voters;
beforeAll(async () => {
  voters = await makeVoters(4);
});
const judge = (first: Vote, second: Vote, set = voters.set, chain: Uint8Array = chainId) =>
  verifyEvidence(voters.verifier, chain, set, first, second);
const judgeVotes = (first: VoteSubject, second: VoteSubject, validator = 2) =>
  judge(voters.vote(validator, first), voters.vote(validator, second));

describe("verifyEvidence", () => {
  it.each<[string, VoteSubject, VoteSubject]>([
    ["two blocks notarized in one view", notarize(3, block, 0), notarize(3, other, 0)],
    ["one block notarized on two parent views", notarize(3, block, 0), notarize(3, block, 1)],
    ["nullify and finalize of one view", nullify(3), finalize(3, block, 0)],
    ["two blocks finalized in one view", finalize(3, block, 0), finalize(3, other, 0)],
    ["one block finalized on two parent views", finalize(3, block, 0), finalize(3, block, 2)],
  ])("convicts of %s, whichever comes first", async (_what, first, second) => {
    expect(await judgeVotes(first, second)).toEqual({ kind: "valid", value: 2 });
    expect(await judgeVotes(second, first, 3)).toEqual({ kind: "valid", value: 3 });
  });

  it.each<[string, VoteSubject, VoteSubject]>([
    ["the same vote twice", notarize(3, block, 0), notarize(3, block, 0)],
    ["notarize, then nullify", notarize(3, block, 0), nullify(3)],
    ["notarize, then finalize", notarize(3, block, 0), finalize(3, block, 0)],
    ["finalize of another block than it notarized", notarize(3, block, 0), finalize(3, other, 0)],
    ["the same block in two views, as a boundary block may be", notarize(3, block, 0), notarize(4, block, 3)],
    ["two blocks in two views", notarize(3, block, 0), notarize(4, other, 0)],
    ["nullify and finalize of different views", nullify(3), finalize(4, block, 0)],
    ["one view number in two epochs", notarize(3, block, 0), { ...notarize(3, other, 0), epoch: 1 }],
  ])("never convicts of %s", async (_what, first, second) => {
    expect(codeOf(await judgeVotes(first, second))).toBe("EVIDENCE_NO_CONTRADICTION");
  });

  it("never convicts of one nullify vote dressed up with blocks and parents that it does not sign", async () => {
    const vote = voters.vote(1, nullify(3));
    for (const change of [{ digest: chainId }, { parentView: 2 }]) {
      expect(codeOf(await judge(vote, { ...vote, ...change }))).toBe("EVIDENCE_NO_CONTRADICTION");
      expect(codeOf(await judge({ ...vote, ...change }, vote))).toBe("EVIDENCE_NO_CONTRADICTION");
    }
  });

  it("refuses the contradicting votes of two validators", async () => {
    const first = voters.vote(0, notarize(3, block, 0));
    const second = voters.vote(1, notarize(3, other, 0));
    expect(codeOf(await judge(first, second))).toBe("EVIDENCE_NO_CONTRADICTION");
    expect(codeOf(await judge(first, { ...second, validator: 0 }))).toBe("EVIDENCE_BAD_SIGNATURE");
  });

  it("refuses signatures that are forged, of another chain or of another epoch's set", async () => {
    const first = voters.vote(0, notarize(3, block, 0));
    const second = voters.vote(0, notarize(3, other, 0));
    expect(codeOf(await judge(first, { ...second, signature: first.signature }))).toBe(
      "EVIDENCE_BAD_SIGNATURE",
    );
    expect(codeOf(await judge({ ...first, signature: new Uint8Array(96) }, second))).toBe(
      "EVIDENCE_BAD_SIGNATURE",
    );
    expect(codeOf(await judge(first, second, voters.set, ZERO_32))).toBe("EVIDENCE_BAD_SIGNATURE");
    expect(codeOf(await judge(first, second, voters.set.toReversed()))).toBe("EVIDENCE_BAD_SIGNATURE");
  });

  it("refuses what is malformed without throwing", async () => {
    const good = voters.vote(0, notarize(3, block, 0));
    for (const change of [{ kind: 7 }, { view: 0 }, { validator: 4 }, { parentView: 3 }]) {
      expect(codeOf(await judge(good, { ...good, ...change }))).toBe("EVIDENCE_NO_CONTRADICTION");
    }
  });

  it("takes contradictions of the last epoch's final views as well", async () => {
    const first = { ...notarize(900, block, 0), epoch: 6 };
    expect(codeOf(await judgeVotes(first, { ...notarize(900, other, 0), epoch: 6 }))).toBe("valid");
  });
});

/**
 * An honest node over its life, by the one rule that it signs what its safety record lets it, written first. It tries
 * whatever hostile messages make the engine try.
 */
type Step =
  | { kind: "try"; vote: VoteSubject }
  | { kind: "crash"; signed: boolean }
  | { kind: "prune"; view: number }
  | { kind: "epoch" }
  | { kind: "lose" };

function live(steps: readonly Step[]): VoteSubject[] {
  const signed: VoteSubject[] = [];
  let record: SafetyRecord | undefined = emptySafetyRecord(chainId);
  let epoch = 0;
  for (const step of steps) {
    if (step.kind === "epoch") {
      epoch += 1;
      // A reset that was finalized in the epoch before lets the key vote again, with nothing remembered.
      record ??= {
        ...emptySafetyRecord(chainId),
        floor: { epoch: toEpoch(epoch - 1), view: toView(2 ** 40) },
      };
    } else if (step.kind === "lose") record = undefined;
    else if (record === undefined) continue;
    else if (step.kind === "prune") {
      record = pruneSafetyRecord(record, { epoch: toEpoch(epoch), view: toView(step.view) });
    } else if (step.kind === "crash") {
      const read = decodeSafetyRecord(encodeSafetyRecord(record), chainId);
      record = read.kind === "valid" ? read.value : undefined;
      // Restarted, it sends its own votes again: the same tuples, signed anew where the signature was lost.
      if (step.signed && record !== undefined) signed.push(...record.votes);
    } else {
      const vote = { ...step.vote, epoch };
      if (canSign(record, vote).kind !== "valid") continue;
      record = recordVote(record, vote);
      signed.push(vote);
    }
  }
  return signed;
}

const anyVote: fc.Arbitrary<VoteSubject> = fc
  .record({
    kind: fc.constantFrom(VoteKind.notarize, VoteKind.nullify, VoteKind.finalize),
    view: fc.integer({ min: 1, max: 4 }),
    block: fc.integer({ min: 1, max: 3 }),
    parent: fc.nat(3),
  })
  .map(({ kind, view, block: number, parent }) =>
    kind === VoteKind.nullify
      ? nullify(view)
      : { kind, epoch: 0, view, parentView: parent % view, digest: new Uint8Array(32).fill(number) },
  );
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: anyVote.map((vote): Step => ({ kind: "try", vote })) },
  { weight: 3, arbitrary: fc.boolean().map((signed): Step => ({ kind: "crash", signed })) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }).map((view): Step => ({ kind: "prune", view })) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "epoch" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "lose" }) },
);

/** Takes every signature as good, so that the verdict hangs on what was signed alone. */
const credulous: VoteVerifier = {
  verifyBatch: async () => true,
  verify: async () => true,
  aggregate: async () => new Uint8Array(96),
};

describe("an honest history", () => {
  const withSignature = (subject: VoteSubject): Vote => ({
    ...subject,
    validator: 0,
    signature: new Uint8Array(96),
  });
  const convictions = async (signed: readonly VoteSubject[]): Promise<number> => {
    // What a signature stands under: the tuple, and for nullify any block and parent view that somebody writes in.
    const dressed = signed.flatMap((vote) =>
      vote.kind === VoteKind.nullify
        ? [vote, { ...vote, digest: chainId }, { ...vote, parentView: 1 }]
        : [vote],
    );
    let count = 0;
    for (const [index, first] of dressed.entries()) {
      for (const second of dressed.slice(index)) {
        const pair = [withSignature(first), withSignature(second)] as const;
        const verdict = await verifyEvidence(credulous, chainId, voters.set, ...pair);
        if (verdict.kind === "valid") count += 1;
      }
    }
    return count;
  };

  it("never holds a pair that convicts, across crashes, second signatures, epochs and a lost record", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 60 }), async (steps) => {
        expect(await convictions(live(steps))).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it("would hold one without the record: the property can fail", async () => {
    const votes = fc.sample(anyVote, { numRuns: 60, seed: 3 });
    expect(await convictions(votes)).toBeGreaterThan(0);
  });
});

describe("the window of evidence", () => {
  const day = 24 * 3_600_000;
  const code = (epoch: number, days: number, ended = true): string =>
    codeOf(
      checkEvidenceWindow({
        voteEpoch: 10,
        voteEpochEndMs: ended ? 1_000_000 : undefined,
        epoch,
        timestampMs: 1_000_000 + days * day,
      }),
    );

  it("is at least four epochs, however long they last", () => {
    expect(code(10, 0, false)).toBe("valid");
    expect(code(14, 400)).toBe("valid");
  });

  it("is at least 30 days, however many epochs pass", () => {
    expect(code(5_000, 30)).toBe("valid");
  });

  it("ends when both have gone by", () => {
    expect(code(15, 30)).toBe("valid");
    expect(code(15, 30 + 1 / day)).toBe("EVIDENCE_TOO_OLD");
    expect(code(10 + evidenceWindow.epochs + 1, 31)).toBe("EVIDENCE_TOO_OLD");
  });

  it("has not begun for an epoch to come", () => {
    expect(code(9, 0, false)).toBe("EVIDENCE_UNKNOWN_EPOCH");
  });
});

describe("the id of evidence", () => {
  it("is one for both orders of the votes, and another for another offence or offender", () => {
    const first = voters.vote(0, notarize(3, block, 0));
    const second = voters.vote(0, notarize(3, other, 0));
    const id = evidenceId(chainId, first, second);
    expect(evidenceId(chainId, second, first)).toEqual(id);
    expect(orderEvidence(chainId, second, first)).toEqual(orderEvidence(chainId, first, second));
    expect(evidenceId(chainId, { ...first, validator: 1 }, { ...second, validator: 1 })).not.toEqual(id);
    expect(evidenceId(chainId, first, voters.vote(0, notarize(3, other, 1)))).not.toEqual(id);
    expect(evidenceId(ZERO_32, first, second)).not.toEqual(id);
  });
});
