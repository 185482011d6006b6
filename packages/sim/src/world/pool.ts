import { createHash } from "node:crypto";
import { ConsiliumError, type CryptoPool, equalBytes } from "@consilium/crypto";

/** A stand-in for the proof that somebody holds a vote key's secret: 96 bytes that depend on the key. */
export function standInPossession(publicKey: Uint8Array): Uint8Array {
  const short = createHash("sha256").update("possession").update(publicKey).digest();
  return new Uint8Array(Buffer.concat([short, short, short]));
}

/** Curve work of ceremonies and grants is not simulated: nothing here sends such transactions. */
export const simulatedPool: CryptoPool = {
  run: async (name, input) => {
    if (name !== "voteCheckPossession")
      throw new ConsiliumError("SIM_NO_CURVE", `The simulator does no curve work (${name}).`);
    const { publicKey, proof } = input as { readonly publicKey: Uint8Array; readonly proof: Uint8Array };
    return equalBytes(standInPossession(publicKey), proof) as never;
  },
};
