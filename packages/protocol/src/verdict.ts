/**
 * What a check of peer data says. `ignore` is bad luck (late, unknown parent, already seen): nobody is blamed.
 * `fault` is something no honest peer sends; `code` names it, and the peer that delivered it is charged.
 */
export type Verdict<Value = undefined> =
  | { readonly kind: "valid"; readonly value: Value }
  | { readonly kind: "ignore"; readonly code: string; readonly reason: string }
  | { readonly kind: "fault"; readonly code: string; readonly reason: string };

export const valid = <Value>(value: Value): Verdict<Value> => ({ kind: "valid", value });
export const ignore = (code: string, reason: string): Verdict<never> => ({ kind: "ignore", code, reason });
export const fault = (code: string, reason: string): Verdict<never> => ({ kind: "fault", code, reason });
