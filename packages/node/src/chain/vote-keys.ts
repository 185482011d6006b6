import { loadCurveVoteSuite, type VoteSuite } from "@consilium/crypto";
import { loadBlstVoteSuite } from "@consilium/crypto/votes-blst";
import type { VoteSigner } from "@consilium/driver";
import type { Log } from "@consilium/protocol";

/** Votes on the native library, or on the curve port where it has no binary. */
export async function loadVoteSuite(
  log: Log,
  loadNative: () => Promise<VoteSuite> = loadBlstVoteSuite,
): Promise<VoteSuite> {
  try {
    return await loadNative();
  } catch (error) {
    log.warn(
      { reason: String(error) },
      "native vote library not loaded; votes run on the portable curve, many times slower",
    );
    return loadCurveVoteSuite();
  }
}

/** Signs with a secret key of 32 bytes, which the caller owns and zeroises once the chain has stopped. */
export function voteSignerOf(suite: VoteSuite, secretKey: Uint8Array): VoteSigner {
  return {
    publicKey: suite.publicKey(secretKey),
    sign: async (message) => suite.sign(secretKey, message),
  };
}
