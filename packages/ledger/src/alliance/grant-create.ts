import { codeOf, equalBytes, type GrantTerms, grantId, grantSigningBytes } from "@consilium/crypto";
import { decodeStrict, GrantCreate, GrantScope, Purpose, Role, TransactionKind } from "@consilium/protocol";
import * as queries from "../queries.js";
import { ensure, type Rule, type RuleContext, refuse } from "../rules.js";
import { keyOf, prefixes } from "../state/keys.js";
import { AccountStatus, GrantEntry } from "../state/values.js";
import { noteExpiry } from "./dead-grants.js";

/** Bit 0 of a scope's flags: the grant is for an emergency. */
export const EMERGENCY_FLAG = 1;

/** Decodes a scope. @throws ConsiliumError `GRANT_BAD_SCOPE`. */
export function readScope(scope: Uint8Array): GrantScope {
  try {
    const decoded = decodeStrict(GrantScope, scope, "scope");
    if (decoded.version === 1 && decoded.flags <= EMERGENCY_FLAG && decoded.purpose.length > 0)
      return decoded;
  } catch (error) {
    if (codeOf(error) !== "BAD_ENCODING") throw error;
  }
  return refuse("GRANT_BAD_SCOPE");
}

/**
 * Live consent: the owner's own account grants one label to one recipient, checked by every node as CS01 §9 says. The
 * masked key's equation is not checked, because its mask is secret; a grant that does not hold opens for nobody.
 */
export const grantCreate: Rule<GrantCreate, GrantTerms> = {
  kind: TransactionKind.grantCreate,
  payload: GrantCreate,
  sender: "anyone",

  async check(context) {
    const { payload, pool, sender, verify } = context;
    const terms = termsOf(context);
    const signed = grantSigningBytes(terms, payload.body);
    ensure(verify(sender!.signKey, signed, payload.signature), "SIG_INVALID");
    await pool.run("checkGrant", { terms, body: payload.body });
    checkRecipientKey(context);
    checkTerm(context);
    return terms;
  },

  async apply({ payload, state, sender, block, emit }, terms) {
    const { id: owner, signKey } = sender!;
    const { grantNonce, ...fields } = payload;
    const { recipient } = payload;
    state.putValue(keyOf(prefixes.grant, terms.gid), GrantEntry, {
      ...fields,
      grantId: terms.gid,
      owner,
      ownerSignKey: signKey,
      pi: terms.ownerKey,
      z: terms.proxyKey,
      height: block.height,
      timestampMs: block.timestampMs,
      revokedHeight: 0,
      revokedAtMs: 0,
    });
    state.append(prefixes.grantsOfOwner, owner, terms.gid);
    state.append(prefixes.grantsOfRecipient, recipient, terms.gid);
    noteExpiry(state, terms.gid, payload.expiryMs);
    state.putCounter(keyOf(prefixes.grantNonce, owner), grantNonce + 1);
    emit({ type: "grant-created", grantId: terms.gid, owner, recipient });
    return "OK";
  },
};

/** The grant's public fields, those of the state filled in from the state: what is not the owner's is refused here. */
function termsOf({ payload, state, sender, chain }: RuleContext<GrantCreate>): GrantTerms {
  const { id: owner, role, signKey } = sender!;
  const ownerKey = queries.ownerKey(state, owner, payload.kgcKeyNo, payload.ownerKeyNo);
  if (role !== Role.owner || ownerKey === undefined) refuse("GRANT_NOT_OWNER");
  ensure(payload.grantNonce >= queries.nextNonces(state, owner).grant, "GRANT_NOT_OWNER");
  const recipient = queries.account(state, payload.recipient);
  const isKnown = recipient?.status === AccountStatus.live && recipient.role !== Role.member;
  if (recipient === undefined || !isKnown) refuse("GRANT_UNKNOWN_RECIPIENT");
  const proxies = queries.activeCommittee(state, Purpose.proxy);
  if (proxies === undefined || proxies.keyNo !== payload.zKeyNo) refuse("WRONG_KEY_GENERATION");
  const scope = readScope(payload.scope);
  return {
    chain: chain.chainId,
    gid: grantId(chain.chainId, signKey, payload.grantNonce),
    label: payload.label,
    kgcKeyNo: payload.kgcKeyNo,
    ownerKey,
    proxyKeyNo: payload.zKeyNo,
    proxyKey: proxies.publicKey,
    uid: payload.recipient,
    recipientKey: payload.recipientExchangeKey,
    notBeforeMs: payload.notBeforeMs,
    expiryMs: payload.expiryMs,
    scope: payload.scope,
    emergency: (scope.flags & EMERGENCY_FLAG) !== 0,
  };
}

/** Every account has an exchange key, so a grant without it, or with another, is a downgrade. */
function checkRecipientKey({ payload, state }: RuleContext<GrantCreate>): void {
  const registered = queries.account(state, payload.recipient)!.exchangeKey;
  ensure(equalBytes(payload.recipientExchangeKey, registered), "GRANT_BAD_FLAG");
}

function checkTerm({ payload, block }: RuleContext<GrantCreate>): void {
  const { notBeforeMs, expiryMs } = payload;
  ensure(notBeforeMs < expiryMs && block.timestampMs < expiryMs, "GRANT_BAD_TERM");
}
