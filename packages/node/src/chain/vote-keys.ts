import { createCurveVoteSuite, loadBlstVoteSuite, loadCurve, type VoteSuite } from "@consilium/crypto";
import type { VoteSigner } from "@consilium/driver";
import type { Log } from "@consilium/protocol";

/** Votes on the native library, or on the curve port where it has no binary. */
export async function loadVoteSuite(log: Log): Promise<VoteSuite> {
  try {
    return await loadBlstVoteSuite();
  } catch (error) {
    log.warn(
      { reason: String(error) },
      "native vote library not loaded; votes run on WebAssembly, several times slower",
    );
    return createCurveVoteSuite(await loadCurve());
  }
}

/** Signs with a secret key of 32 bytes, which the caller owns and zeroises once the chain has stopped. */
export function voteSignerOf(suite: VoteSuite, secretKey: Uint8Array): VoteSigner {
  return {
    publicKey: suite.publicKey(secretKey),
    sign: async (message) => suite.sign(secretKey, message),
  };
}
