import { type Certificate, digestOf, type Proposal, type Vote, type VoteSubject } from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import {
  assembleCertificate,
  type ValidatorSet,
  type VoteVerifier,
  verifyCertificate,
  verifyProposal,
  verifyVotes,
} from "../src/index.js";
import { blockOf, certify, finalize, notarize, nullify } from "./engine/harness.js";
import { chainId, codeOf, makeVoters, type Voters } from "./voters.js";

let set: ValidatorSet;
let verifier: VoteVerifier;
let voteOf: Voters["vote"];
let batches = 0;

beforeAll(async () => {
  const voters = await makeVoters(4);
  set = voters.set;
  voteOf = voters.vote;
  verifier = {
    ...voters.verifier,
    verifyBatch: (votes) => {
      batches += 1;
      return voters.verifier.verifyBatch(votes);
    },
  };
});

const votesCodes = async (...votes: Vote[]): Promise<string[]> =>
  (await verifyVotes(verifier, chainId, set, votes)).map(codeOf);
const certificateOf = (subject: VoteSubject, ...signers: number[]): Promise<Certificate> =>
  assembleCertificate(
    verifier,
    set,
    signers.map((signer) => voteOf(signer, subject)),
  );
const certificateCode = async (certificate: Certificate): Promise<string> =>
  codeOf(await verifyCertificate(verifier, chainId, set, certificate));

describe("verifyVotes", () => {
  it("verifies the votes of a view in one batch", async () => {
    batches = 0;
    expect(await votesCodes(voteOf(0, nullify(1)), voteOf(1, nullify(1)), voteOf(2, nullify(1)))).toEqual([
      "valid",
      "valid",
      "valid",
    ]);
    expect(batches).toBe(1);
  });

  it("names exactly the bad votes when the batch fails", async () => {
    const forged = { ...voteOf(1, nullify(1)), validator: 2 };
    expect(await votesCodes(voteOf(0, nullify(1)), forged, voteOf(3, nullify(1)))).toEqual([
      "valid",
      "VOTE_BAD_SIGNATURE",
      "valid",
    ]);
  });

  it("blames a signature that does not decode, and one alone", async () => {
    expect(await votesCodes({ ...voteOf(0, nullify(1)), signature: new Uint8Array(96) })).toEqual([
      "VOTE_BAD_SIGNATURE",
    ]);
  });

  it("refuses a vote moved to another view, kind, parent or chain", async () => {
    const vote = voteOf(0, notarize(2, blockOf(2), 1));
    const changes: Partial<Vote>[] = [{ view: 3 }, { kind: 3 }, { parentView: 0 }, { epoch: 1 }];
    for (const change of changes)
      expect(await votesCodes({ ...vote, ...change })).toEqual(["VOTE_BAD_SIGNATURE"]);
    const [verdict] = await verifyVotes(verifier, new Uint8Array(32), set, [vote]);
    expect(codeOf(verdict!)).toBe("VOTE_BAD_SIGNATURE");
  });

  it("refuses a validator outside the set", async () => {
    expect(await votesCodes({ ...voteOf(0, nullify(1)), validator: 4 })).toEqual(["VOTE_UNKNOWN_VALIDATOR"]);
  });

  it.each<[string, Partial<Vote>]>([
    ["an unknown kind", { kind: 4 }],
    ["view 0", { view: 0 }],
    ["a nullify vote with a block", { digest: new Uint8Array(32).fill(1) }],
    ["a nullify vote with a parent", { parentView: 1 }],
    ["a parent that is not older", { kind: 1, view: 2, parentView: 2 }],
  ])("refuses %s before any curve work", async (_what, change) => {
    batches = 0;
    expect(await votesCodes({ ...voteOf(0, nullify(1)), ...change })).toEqual(["VOTE_MALFORMED"]);
    expect(batches).toBe(0);
  });
});

describe("verifyCertificate", () => {
  it("accepts q distinct signers, in whatever order their votes came", async () => {
    const certificate = await certificateOf(nullify(1), 3, 0, 1);
    expect(certificate.bitmap).toEqual(Uint8Array.of(0b1011));
    expect(await certificateCode(certificate)).toBe("valid");
  });

  it("refuses fewer than q signers", async () => {
    const full = await certificateOf(nullify(1), 0, 1, 2);
    expect(await certificateCode({ ...full, bitmap: Uint8Array.of(0b0011) })).toBe("VOTE_NO_QUORUM");
    await expect(certificateOf(nullify(1), 0, 1)).rejects.toMatchObject({ code: "VOTE_NO_QUORUM" });
  });

  it("refuses a validator counted twice", async () => {
    await expect(certificateOf(nullify(1), 0, 1, 1)).rejects.toMatchObject({ code: "VOTE_NO_QUORUM" });
  });

  it("refuses bits outside the set and bitmaps of another length", async () => {
    const full = await certificateOf(nullify(1), 0, 1, 2);
    expect(await certificateCode({ ...full, bitmap: Uint8Array.of(0b10111) })).toBe("VOTE_BAD_BITMAP");
    expect(await certificateCode({ ...full, bitmap: Uint8Array.of(0b111, 0) })).toBe("VOTE_BAD_BITMAP");
  });

  it("refuses signers who did not sign, and a signature that is no point", async () => {
    const full = await certificateOf(nullify(1), 0, 1, 2);
    expect(await certificateCode({ ...full, bitmap: Uint8Array.of(0b1111) })).toBe("VOTE_BAD_AGGREGATE");
    expect(await certificateCode({ ...full, signature: new Uint8Array(96) })).toBe("BAD_POINT");
    expect(await certificateCode({ ...full, view: 2 })).toBe("VOTE_BAD_AGGREGATE");
  });
});

describe("verifyProposal", () => {
  const b1 = blockOf(1);
  const b3 = blockOf(3, b1);
  const code = async (proposal: Proposal): Promise<string> =>
    codeOf(await verifyProposal(verifier, chainId, set, proposal));
  const whole = async (): Promise<Proposal> => ({
    header: b3,
    vote: voteOf(2, notarize(3, b3, 1)),
    parentCertificate: await certificateOf(notarize(1, b1, 0), 0, 1, 2),
    nullifications: [await certificateOf(nullify(2), 1, 2, 3)],
  });

  it("accepts a proposal with its parent's notarization, or the stronger finalization", async () => {
    expect(await code(await whole())).toBe("valid");
    const parentCertificate = await certificateOf(finalize(1, b1, 0), 0, 1, 3);
    expect(await code({ ...(await whole()), parentCertificate })).toBe("valid");
  });

  it("needs no certificate on top of genesis, and one anywhere else", async () => {
    const first = {
      header: b1,
      vote: voteOf(0, notarize(1, b1, 0)),
      parentCertificate: null,
      nullifications: [],
    };
    expect(await code(first)).toBe("valid");
    expect(await code({ ...(await whole()), parentCertificate: null })).toBe("PROPOSAL_BAD_PARENT");
  });

  it("accepts a boundary block on top of itself: its own notarization is the parent's certificate", async () => {
    const again = {
      header: b1,
      vote: voteOf(2, notarize(3, b1, 1)),
      parentCertificate: await certificateOf(notarize(1, b1, 0), 0, 1, 2),
      nullifications: [await certificateOf(nullify(2), 1, 2, 3)],
    };
    expect(await code(again)).toBe("valid");
    const parentCertificate = await certificateOf(notarize(2, b1, 0), 0, 1, 2);
    expect(await code({ ...again, parentCertificate })).toBe("PROPOSAL_BAD_PARENT");
    const first = { ...again, vote: voteOf(2, notarize(3, b1, 0)) };
    expect(await code(first)).toBe("PROPOSAL_BAD_PARENT");
  });

  it("needs the finalization of the last epoch, under its set, for the first block of an epoch", async () => {
    const old = await makeVoters(4, 30);
    const first = blockOf(1, b3, { epoch: 1 });
    const boundary = { ...finalize(9, b3, 8), digest: digestOf(b3) };
    const proposal = {
      header: first,
      vote: voteOf(0, { ...notarize(1, first, 0), epoch: 1 }),
      parentCertificate: old.certificate(boundary, 0, 1, 2),
      nullifications: [],
    };
    const under = async (change: Partial<Proposal>, firstParentSet?: ValidatorSet) =>
      codeOf(await verifyProposal(verifier, chainId, set, { ...proposal, ...change }, firstParentSet));
    expect(await under({}, old.set)).toBe("valid");
    expect(await under({})).toBe("PROPOSAL_UNKNOWN_SET");
    expect(await under({}, set)).toBe("VOTE_BAD_AGGREGATE");
    const notarization = old.certificate(notarize(9, b3, 8), 0, 1, 2);
    expect(await under({ parentCertificate: notarization }, old.set)).toBe("PROPOSAL_BAD_PARENT");
    expect(await under({ parentCertificate: null }, old.set)).toBe("PROPOSAL_BAD_PARENT");
    const boundaryAgain = voteOf(0, { ...notarize(1, b3, 0), epoch: 1 });
    expect(await under({ header: b3, vote: boundaryAgain }, old.set)).toBe("PROPOSAL_BAD_PARENT");
  });

  it("refuses a vote that names another block", async () => {
    expect(await code({ ...(await whole()), header: b1 })).toBe("PROPOSAL_BAD_VOTE");
  });

  it("refuses a certificate of another block, view or kind as the parent's", async () => {
    const other = blockOf(1, undefined, { timestampMs: 77_777 });
    const wrong = [notarize(1, other, 0), notarize(2, b1, 0), nullify(1)];
    for (const subject of wrong) {
      const parentCertificate = await certificateOf(subject, 0, 1, 2);
      expect(await code({ ...(await whole()), parentCertificate })).toBe("PROPOSAL_BAD_PARENT");
    }
  });

  it("refuses anything but valid nullifications of the epoch among them", async () => {
    const notarization = await certificateOf(notarize(2, b1, 0), 0, 1, 2);
    expect(await code({ ...(await whole()), nullifications: [notarization] })).toBe(
      "PROPOSAL_BAD_CERTIFICATES",
    );
    const unsigned = certify(nullify(2), 0b111);
    expect(await code({ ...(await whole()), nullifications: [unsigned] })).toBe("BAD_POINT");
  });

  it("names the digest of the header in its vote", async () => {
    expect((await whole()).vote.digest).toEqual(digestOf(b3));
  });
});
