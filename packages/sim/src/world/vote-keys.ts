import { createHash } from "node:crypto";
import { inlineVoteVerifier, type VoteVerifier } from "@consilium/consensus";
import { loadBlstVoteSuite } from "@consilium/crypto/votes-blst";
import type { SeededRandom } from "../random.js";

/** The vote keys of one simulated alliance, and the curve port that checks what they sign. */
export interface VoteKeys {
  readonly scheme: "stand-in" | "bls";
  /** 48 bytes each. */
  readonly publicKeys: readonly Uint8Array[];
  readonly verifier: VoteVerifier;
  /** Signature of 96 bytes by the key of this index. */
  sign(index: number, message: Uint8Array): Uint8Array;
}

const latin = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
const equal = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0;

/**
 * A fast stand-in for BLS behind the same port: a signature is a keyed hash, an aggregate the exclusive or of them.
 * Sound inside the simulator only, where an actor signs with its own key and no other; every hundredth seed runs real BLS
 * instead. Each hash is computed once, whoever asks.
 */
export function standInVoteKeys(count: number, random: SeededRandom): VoteKeys {
  const publicKeys = Array.from({ length: count }, () => random.bytes(48));
  const secret = random.bytes(32);
  const tags = new Map<string, Uint8Array>();
  const tag = (publicKey: Uint8Array, message: Uint8Array): Uint8Array => {
    const name = latin(publicKey) + latin(message);
    let known = tags.get(name);
    if (known === undefined) {
      const short = createHash("sha256").update(secret).update(publicKey).update(message).digest();
      known = new Uint8Array(96);
      for (let part = 0; part < 3; part++) known.set(short, 32 * part);
      tags.set(name, known);
    }
    return known;
  };
  const sum = (signatures: readonly Uint8Array[]): Uint8Array => {
    const total = new Uint8Array(96);
    for (const each of signatures) for (let at = 0; at < 96; at++) total[at]! ^= each[at] ?? 0;
    return total;
  };
  const verifier: VoteVerifier = {
    verifyBatch: async (votes) =>
      votes.every(({ publicKey, message, signature }) => equal(tag(publicKey, message), signature)),
    verify: async (keys, message, signature) => equal(sum(keys.map((key) => tag(key, message))), signature),
    aggregate: async (signatures) => sum(signatures),
  };
  return {
    scheme: "stand-in",
    publicKeys,
    verifier,
    sign: (index, message) => tag(publicKeys[index]!, message).slice(),
  };
}

/** Real BLS votes on the native library, nothing memoised. */
export async function blsVoteKeys(count: number, random: SeededRandom): Promise<VoteKeys> {
  const suite = await loadBlstVoteSuite();
  const secrets = Array.from({ length: count }, () => Uint8Array.of(1, ...random.bytes(31)));
  return {
    scheme: "bls",
    publicKeys: secrets.map((secret) => suite.publicKey(secret)),
    verifier: inlineVoteVerifier(suite, random),
    sign: (index, message) => suite.sign(secrets[index]!, message),
  };
}
