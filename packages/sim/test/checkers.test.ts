import { type BlockHeader, type Certificate, toHeight, type Vote, ZERO_32 } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { Checkers } from "../src/checkers.js";

const genesis = new Uint8Array(32).fill(9);
const digest = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const certificate = (change: Partial<Certificate>): Certificate => ({
  kind: 1,
  epoch: 0,
  view: 1,
  parentView: 0,
  digest: digest(1),
  bitmap: Uint8Array.of(0b0111),
  signature: new Uint8Array(96),
  ...change,
});
const vote = (change: Partial<Vote>): Vote => ({ ...certificate({}), validator: 0, ...change });
const header = (height: number, parentDigest: Uint8Array): BlockHeader => ({
  version: 1,
  chainId: ZERO_32,
  epoch: 0,
  height: toHeight(height),
  parentDigest,
  author: ZERO_32,
  timestampMs: height,
  payloadRoot: ZERO_32,
  stateRoot: ZERO_32,
  nextSetRoot: ZERO_32,
});
const fresh = (): Checkers => new Checkers(4, () => true, genesis);
const sendVotes = (checkers: Checkers, ...votes: Vote[]): string[] => {
  for (const each of votes) checkers.sent(0, { kind: "engine", message: { kind: "vote", vote: each } });
  return checkers.violations;
};

describe("checkers", () => {
  it("accepts notarize, then nullify", () => {
    expect(sendVotes(fresh(), vote({}), vote({ kind: 2, digest: ZERO_32 }))).toEqual([]);
  });

  it("reports two notarize votes of one view for different blocks", () => {
    expect(sendVotes(fresh(), vote({}), vote({ digest: digest(2) }))).toHaveLength(1);
  });

  it("reports notarize after nullify, and nullify with finalize in either order", () => {
    const nullify = vote({ kind: 2, digest: ZERO_32 });
    expect(sendVotes(fresh(), nullify, vote({}))).toHaveLength(1);
    expect(sendVotes(fresh(), nullify, vote({ kind: 3 }))).toHaveLength(1);
    expect(sendVotes(fresh(), vote({ kind: 3 }), { ...nullify })).toHaveLength(1);
  });

  it("reports a certificate with too few signers or one outside the set", () => {
    const checkers = fresh();
    checkers.certificate(certificate({ bitmap: Uint8Array.of(0b0011) }));
    checkers.certificate(certificate({ view: 2, bitmap: Uint8Array.of(0b10111) }));
    expect(checkers.violations).toHaveLength(2);
  });

  it("reports conflicting quorums, and a view both finalized and nullified", () => {
    const checkers = fresh();
    checkers.certificate(certificate({}));
    checkers.certificate(certificate({ digest: digest(2) }));
    checkers.certificate(certificate({ kind: 3 }));
    checkers.certificate(certificate({ kind: 2, digest: ZERO_32 }));
    expect(checkers.violations).toHaveLength(2);
  });

  it("reports a second block at a height, a gap and broken ancestry", () => {
    const checkers = fresh();
    const proof = certificate({ kind: 3 });
    checkers.finalized(0, [{ header: header(1, genesis), digest: digest(1) }], proof);
    checkers.finalized(
      1,
      [{ header: header(1, genesis), digest: digest(2) }],
      certificate({ kind: 3, view: 2, digest: digest(2) }),
    );
    expect(checkers.violations).toHaveLength(1);
    checkers.finalized(
      0,
      [{ header: header(3, digest(7)), digest: digest(3) }],
      certificate({ kind: 3, view: 3, digest: digest(3) }),
    );
    expect(checkers.violations).toHaveLength(3);
  });

  it("reports a skipped view that nobody nullified", () => {
    const checkers = fresh();
    checkers.finalized(
      0,
      [{ header: header(1, genesis), digest: digest(1) }],
      certificate({ kind: 3, view: 2 }),
    );
    checkers.finish();
    expect(checkers.violations).toHaveLength(1);
  });
});
