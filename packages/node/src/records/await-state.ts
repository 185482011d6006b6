import { codeOf } from "@consilium/crypto";
import type { Chain } from "@consilium/driver";
import type { StateReader } from "@consilium/protocol";

const WAIT_MS = 3_000;

/**
 * Waits a moment until the finalized state shows something: a client may ask this node for what has just become final at
 * another. Comes back without it after {@link WAIT_MS}; the caller then refuses with its own code.
 */
export async function awaitState(chain: Chain, isThere: (state: StateReader) => boolean): Promise<void> {
  try {
    await chain.waitFor(() => (isThere(chain.state()) ? true : undefined), { timeoutMs: WAIT_MS });
  } catch (error) {
    if (codeOf(error) !== "WAIT_TIMEOUT") throw error;
  }
}
