import type { Curve } from "./curve/curve.js";
import { codeOf } from "./errors.js";
import { checkSealedPartial, openSealedPartials, type SealedPart, transportPublicKey } from "./extraction.js";

/** A key centre's sealed partial key with the verification key to check it against. */
export interface ReceivedPart extends SealedPart {
  /** VKs_k, 96 bytes. */
  readonly verificationKey: Uint8Array;
}

/**
 * Combines and opens what the key centres sent (Consilium CS01 §7), optimistically: the lowest indices are combined
 * first and single parts are checked only when the result is wrong. Bad parts are reported and left out.
 * Throws `TOO_FEW_SHARES`, `DUPLICATE_INDEX`, decoding codes of the requester's own input, `EXTRACT_BAD_KEY`.
 */
export function collectIdentityKey(
  curve: Curve,
  input: {
    readonly parts: readonly ReceivedPart[];
    readonly threshold: number;
    readonly identity: Uint8Array;
    /** P, 96 bytes. */
    readonly groupKey: Uint8Array;
    readonly transportSecret: Uint8Array;
  },
): {
  readonly key: Uint8Array;
  readonly faults: readonly { readonly index: number; readonly code: string }[];
} {
  try {
    return { key: openSealedPartials(curve, input).key, faults: [] };
  } catch (error) {
    if (codeOf(error) === "INTERNAL" || input.parts.length < input.threshold) throw error;
  }
  const faults: { index: number; code: string }[] = [];
  const transportKey = transportPublicKey(curve, input);
  const good = input.parts.filter((part) => {
    try {
      checkSealedPartial(curve, { ...part, identity: input.identity, transportKey });
      return true;
    } catch (error) {
      if (codeOf(error) === "INTERNAL") throw error;
      faults.push({ index: part.index, code: codeOf(error) });
      return false;
    }
  });
  return { key: openSealedPartials(curve, { ...input, parts: good }).key, faults };
}
