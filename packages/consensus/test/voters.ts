import { encodeVoteBitmap } from "@consilium/crypto";
import { loadBlstVoteSuite } from "@consilium/crypto/votes-blst";
import type { Certificate, Verdict, Vote, VoteSubject } from "@consilium/protocol";
import { inlineVoteVerifier, type ValidatorSet, type VoteVerifier, voteBytes } from "../src/index.js";

/** A set whose secrets a test holds, with real curve work. */
export interface Voters {
  readonly set: ValidatorSet;
  readonly verifier: VoteVerifier;
  vote(validator: number, subject: VoteSubject, chainId?: Uint8Array): Vote;
  /** A certificate by these signers, a quorum or not. */
  certificate(subject: VoteSubject, ...signers: number[]): Certificate;
}

export const chainId = new Uint8Array(32).fill(7);

/** Voters number `first`, `first + 1`, …: two sets of other numbers share no key. */
export async function makeVoters(count: number, first = 1): Promise<Voters> {
  const suite = await loadBlstVoteSuite();
  const secrets = Array.from({ length: count }, (_, index) => new Uint8Array(32).fill(first + index));
  const set = secrets.map((secret, index) => ({
    nodeId: new Uint8Array(32).fill(first + index),
    voteKey: suite.publicKey(secret),
  }));
  const random = { bytes: (length: number): Uint8Array => new Uint8Array(length).fill(5) };
  const vote: Voters["vote"] = (validator, subject, chain = chainId) => ({
    ...subject,
    validator,
    signature: suite.sign(secrets[validator]!, voteBytes(chain, subject)),
  });
  return {
    set,
    verifier: inlineVoteVerifier(suite, random),
    vote,
    certificate: (subject, ...signers) => ({
      ...subject,
      bitmap: encodeVoteBitmap(count, signers),
      signature: suite.aggregate(signers.map((signer) => vote(signer, subject).signature)),
    }),
  };
}

/** `valid`, or the code of a verdict. */
export const codeOf = (verdict: Verdict<unknown>): string =>
  verdict.kind === "valid" ? "valid" : verdict.code;
