import { createHash } from "node:crypto";
import { inlineVoteVerifier, type Validator, type VoteVerifier, voteBytes } from "@consilium/consensus";
import { loadBlstVoteSuite } from "@consilium/crypto/votes-blst";
import type { Vote, VoteSubject } from "@consilium/protocol";
import type { SeededRandom } from "./random.js";

/** The keys of one simulated chain, and the curve port that checks what they sign. */
export interface SimulatedKeys {
  readonly scheme: "stand-in" | "bls";
  readonly set: readonly Validator[];
  readonly verifier: VoteVerifier;
  sign(validator: number, subject: VoteSubject): Vote;
}

/**
 * A fast stand-in for BLS behind the same port: a signature is a keyed hash, an aggregate the exclusive or of them.
 * Sound inside the simulator only, where an actor signs through `sign` with its own index; one seed in a hundred runs
 * real BLS instead.
 */
export function standInKeys(chainId: Uint8Array, count: number, random: SeededRandom): SimulatedKeys {
  const set = Array.from({ length: count }, () => ({ nodeId: random.bytes(32), voteKey: random.bytes(48) }));
  const secret = random.bytes(32);
  const tags = new Map<string, Uint8Array>();
  const tag = (publicKey: Uint8Array, message: Uint8Array): Uint8Array => {
    const name = `${Buffer.from(publicKey).toString("latin1")}${Buffer.from(message).toString("latin1")}`;
    let known = tags.get(name);
    if (known === undefined) {
      const short = createHash("sha256").update(secret).update(publicKey).update(message).digest();
      known = new Uint8Array([...short, ...short, ...short]);
      tags.set(name, known);
    }
    return known;
  };
  const sum = (signatures: readonly Uint8Array[]): Uint8Array =>
    signatures.reduce(
      (total, each) => total.map((byte, index) => byte ^ (each[index] ?? 0)),
      new Uint8Array(96),
    );
  const verifier: VoteVerifier = {
    verifyBatch: async (votes) =>
      votes.every(({ publicKey, message, signature }) => equal(tag(publicKey, message), signature)),
    verify: async (publicKeys, message, signature) =>
      equal(sum(publicKeys.map((key) => tag(key, message))), signature),
    aggregate: async (signatures) => sum(signatures),
  };
  const sign = (validator: number, subject: VoteSubject): Vote => ({
    ...subject,
    validator,
    signature: tag(set[validator]!.voteKey, voteBytes(chainId, subject)),
  });
  return { scheme: "stand-in", set, verifier, sign };
}

/** Real BLS votes on the native library. */
export async function blsKeys(
  chainId: Uint8Array,
  count: number,
  random: SeededRandom,
): Promise<SimulatedKeys> {
  const suite = await loadBlstVoteSuite();
  const secrets = Array.from({ length: count }, () => Uint8Array.of(1, ...random.bytes(31)));
  const set = secrets.map((secretKey) => ({ nodeId: random.bytes(32), voteKey: suite.publicKey(secretKey) }));
  const sign = (validator: number, subject: VoteSubject): Vote => ({
    ...subject,
    validator,
    signature: suite.sign(secrets[validator]!, voteBytes(chainId, subject)),
  });
  return { scheme: "bls", set, verifier: inlineVoteVerifier(suite, random), sign };
}

const equal = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0;
