import { ConsiliumError, type CryptoPool } from "@consilium/crypto";

/** Curve work of ceremonies and grants is not simulated: nothing here sends such transactions. */
export const idlePool: CryptoPool = {
  run: async (name) => {
    throw new ConsiliumError("SIM_NO_CURVE", `The simulator does no curve work (${name}).`);
  },
};
