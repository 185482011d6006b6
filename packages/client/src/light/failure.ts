import { ConsiliumError, type ErrorDetails } from "@consilium/crypto";

/**
 * What a light client says of an answer that it does not take:
 * - `LIGHT_BAD_PROOF`: a value, header or finalization that the chain's validators did not sign.
 * - `LIGHT_BAD_HANDOVER`: a change of validators that the set before it did not agree to, or a missing one.
 * - `LIGHT_STALE`: right once, but older than what this client has seen, or than it wants.
 * - `LIGHT_FORK`: two finalizations that contradict: more than a third of the validators signed both.
 * - `LIGHT_CHECKPOINT_OLD`, `LIGHT_CHECKPOINT_BAD`: the starting point cannot be relied on.
 * - `LIGHT_QUERY_TOO_LARGE`: the question touches too many keys; ask in pages.
 */
export const lightSentences = {
  LIGHT_BAD_PROOF:
    "The node sent something that the alliance's validators did not agree on; ask another node, and tell the alliance.",
  LIGHT_BAD_HANDOVER:
    "The node sent a change of validators that does not hold; ask another node, and tell the alliance.",
  LIGHT_STALE: "The node is behind what is known already; wait until it has caught up, or ask another node.",
  LIGHT_FORK:
    "The validators signed two histories that contradict: trust neither, keep both proofs, and tell the alliance's members.",
  LIGHT_CHECKPOINT_OLD:
    "The checkpoint is older than the time for which validators answer for their votes; get a newer one from somebody you trust.",
  LIGHT_CHECKPOINT_BAD: "The checkpoint or the stored state is damaged or of another chain; get a new one.",
  LIGHT_QUERY_TOO_LARGE: "This question touches too much state at once; ask for it in pages.",
} as const;

export type LightCode = keyof typeof lightSentences;

/** The error of a code; `reason` says in plain words what did not hold. */
export function lightFailure(code: LightCode, reason: string, details: ErrorDetails = {}): ConsiliumError {
  return new ConsiliumError(code, lightSentences[code], { reason, ...details });
}
