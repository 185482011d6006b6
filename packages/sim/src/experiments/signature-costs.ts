import { ed25519PublicKey, ed25519Sign, ed25519Verify } from "@consilium/crypto";
import { loadBlstVoteSuite } from "@consilium/crypto/votes-blst";
import { seededRandom } from "../random.js";
import { installNodeSignatures } from "../world/node-keys.js";

/** Milliseconds of one core on this machine, the best of several rounds: what others do at the same time must not count. */
export interface SignatureCosts {
  readonly ed25519VerifyMs: number;
  /** One BLS signature, or one certificate whatever its signers. */
  readonly blsVerifyMs: number;
  /** Each vote of a batch of {@link BATCH}, twice checked as the driver does. */
  readonly blsBatchedVoteMs: number;
}

const BATCH = 8;

export async function measureSignatureCosts(rounds: number): Promise<SignatureCosts> {
  const random = seededRandom("signature costs");
  const message = random.bytes(64);
  installNodeSignatures(false);
  const secret = random.bytes(32);
  const [publicKey, signature] = [ed25519PublicKey(secret), ed25519Sign(secret, message)];
  const suite = await loadBlstVoteSuite();
  const votes = Array.from({ length: BATCH }, () => {
    const key = Uint8Array.of(1, ...random.bytes(31));
    return { publicKey: suite.publicKey(key), message, signature: suite.sign(key, message) };
  });
  const weights = votes.map(() => random.bytes(16));
  const [one] = votes;
  const best = (times: number, work: () => void): number => bestMs(rounds, times, work);
  return {
    ed25519VerifyMs: best(20, () => ed25519Verify(publicKey, message, signature)),
    blsVerifyMs: best(2, () => suite.verify([one!.publicKey], message, one!.signature)),
    blsBatchedVoteMs: best(1, () => suite.verifyBatch(votes, weights)) / BATCH,
  };
}

function bestMs(rounds: number, times: number, work: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const startMs = performance.now();
    for (let time = 0; time < times; time++) work();
    best = Math.min(best, (performance.now() - startMs) / times);
  }
  return best;
}
