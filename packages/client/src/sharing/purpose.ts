/** The scope of a grant: what for, in the fixed encoding that access/open repeats. */
import { ConsiliumError, utf8 } from "@consilium/crypto";
import { decodeStrict, GrantScope } from "@consilium/protocol";

export const SCOPE_VERSION = 1;

/** Purposes of HL7 v3 PurposeOfUse that the client offers; others of that code system are taken as well. */
export const PURPOSES = {
  TREAT: "treatment",
  ETREAT: "emergency treatment",
  CAREMGT: "care management",
  HRESCH: "healthcare research",
  HPAYMT: "healthcare payment",
  HQUALIMP: "quality improvement",
} as const;

/** SSZ of the scope. Throws `GRANT_BAD_SCOPE` unless the purpose is 1 to 64 capital letters, as its codes are. */
export function encodeScope(purpose: string): Uint8Array {
  if (!/^[A-Z]{1,64}$/.test(purpose)) {
    throw new ConsiliumError("GRANT_BAD_SCOPE", "Name a purpose by its PurposeOfUse code, as TREAT.");
  }
  return GrantScope.serialize({ version: SCOPE_VERSION, flags: 0, purpose: utf8(purpose) });
}

/** The purpose in a scope; empty when it is not one of ours. */
export function purposeOf(scope: Uint8Array): string {
  try {
    return new TextDecoder().decode(decodeStrict(GrantScope, scope, "scope").purpose);
  } catch {
    return "";
  }
}
