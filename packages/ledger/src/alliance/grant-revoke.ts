import { equalBytes } from "@consilium/crypto";
import { GrantRevoke, TransactionKind } from "@consilium/protocol";
import * as queries from "../queries.js";
import { ensure, type Rule, refuse } from "../rules.js";
import { keyOf, prefixes } from "../state/keys.js";
import { GrantEntry } from "../state/values.js";

/** The owner takes a grant back; from this height on nothing opens under it, not even later in the same block. */
export const grantRevoke: Rule<GrantRevoke, GrantEntry> = {
  kind: TransactionKind.grantRevoke,
  payload: GrantRevoke,
  sender: "anyone",

  async check({ payload, state, transaction }) {
    const grant = queries.grant(state, payload.grantId);
    if (grant === undefined) refuse("GRANT_UNKNOWN");
    ensure(equalBytes(grant.owner, transaction.sender), "GRANT_NOT_OWNER");
    ensure(grant.revokedHeight === 0, "GRANT_REVOKED");
    return grant;
  },

  async apply({ state, block, emit }, grant) {
    const revoked = { ...grant, revokedHeight: block.height, revokedAtMs: block.timestampMs };
    state.putValue(keyOf(prefixes.grant, grant.grantId), GrantEntry, revoked);
    const { grantId, owner, recipient } = grant;
    emit({ type: "grant-revoked", grantId, owner, recipient });
    return "OK";
  },
};
