import { ed25519CheckKey, x25519CheckKey } from "@consilium/crypto";
import { attestationBytes, IdentityRegister, Purpose, Role, TransactionKind } from "@consilium/protocol";
import * as queries from "../queries.js";
import { ensure, type Rule, type RuleContext, refuse } from "../rules.js";
import { keyOf, ownerKeyKey, prefixes } from "../state/keys.js";
import { Account, AccountStatus, OwnerKey } from "../state/values.js";

/** The owner key Pi that the account starts with; undefined for a recipient. */
type Found = Uint8Array | undefined;

/**
 * A new account, sent by itself and attested by the member that enrolled the person. The account id derives from the
 * key, so nobody can be registered twice and nobody else can take the name over.
 */
export const identityRegister: Rule<IdentityRegister, Found> = {
  kind: TransactionKind.identityRegister,
  payload: IdentityRegister,
  sender: "new",

  /** Only what a member answers for gets into blocks; anybody can make keys. */
  admit({ payload, state, chain, verify }) {
    const member = queries.memberOf(state, payload.member);
    ensure(member !== undefined, "MEMBER_UNKNOWN");
    ensure(member.leftHeight === 0, "MEMBER_LEFT");
    const attested = attestationBytes(chain.chainId, payload);
    ensure(verify(payload.member, attested, payload.attestation), "ATTESTATION_INVALID");
  },

  async check(context) {
    const { payload, state, transaction } = context;
    ensure(queries.account(state, transaction.sender) === undefined, "IDENTITY_EXISTS");
    ensure(payload.role === Role.owner || payload.role === Role.recipient, "IDENTITY_BAD_ROLE");
    ed25519CheckKey(payload.signKey);
    x25519CheckKey(payload.exchangeKey);
    return payload.role === Role.owner ? ownerKeyOf(context) : requireNoFactor(payload);
  },

  async apply({ payload, state, transaction, block, emit }, pi) {
    const id = transaction.sender;
    const { role, signKey, exchangeKey, member, kgcKeyNo, ownerKeyNo } = payload;
    state.putValue(keyOf(prefixes.account, id), Account, {
      id,
      role,
      status: AccountStatus.live,
      signKey,
      exchangeKey,
      member,
      registeredHeight: block.height,
      kgcKeyNo,
      ownerKeyNo,
    });
    state.append(prefixes.accountsOfMember, member, id);
    if (pi !== undefined) {
      state.putValue(ownerKeyKey(id, kgcKeyNo, ownerKeyNo), OwnerKey, { pi, height: block.height });
    }
    emit({ type: "identity-registered", account: id, member });
    return "OK";
  },
};

function requireNoFactor(payload: IdentityRegister): undefined {
  const none = payload.kgcKeyNo === 0 && payload.ownerKeyNo === 0 && payload.ownerFactor.length === 0;
  ensure(none, "IDENTITY_BAD_FIELDS");
}

/** Pi of a new owner: P itself when custodial, else from the factor's registration (CS01 §6). */
async function ownerKeyOf(context: RuleContext<IdentityRegister>): Promise<Uint8Array> {
  const { payload, state, transaction, chain, pool } = context;
  const { kgcKeyNo, ownerKeyNo, signKey, ownerFactor } = payload;
  const centre = queries.activeCommittee(state, Purpose.keyCentre);
  if (centre === undefined || centre.keyNo !== kgcKeyNo) refuse("KEY_CENTRE_NOT_READY");
  if (ownerKeyNo === 0) {
    ensure(ownerFactor.length === 0, "IDENTITY_BAD_FIELDS");
    return centre.publicKey;
  }
  ensure(ownerKeyNo === 1, "IDENTITY_BAD_FIELDS");
  const owner = { chain: chain.chainId, kgcKeyNo, ownerKeyNo, pid: transaction.sender, signKey };
  const registration = await pool.run("checkOwnerRegistration", {
    context: { ...owner, groupKey: centre.publicKey },
    message: ownerFactor,
  });
  return registration.ownerKey;
}
