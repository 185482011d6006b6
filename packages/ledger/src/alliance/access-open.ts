import { equalBytes, requestId, x25519CheckKey } from "@consilium/crypto";
import { AccessOpen, Purpose, type StateReader, TransactionKind } from "@consilium/protocol";
import { recordFits } from "../proxy.js";
import * as queries from "../queries.js";
import { ensure, type Rule, type RuleContext, refuse } from "../rules.js";
import { keyOf, prefixes } from "../state/keys.js";
import { AccessEntry, AccountStatus, type GrantEntry } from "../state/values.js";
import { EMERGENCY_FLAG, readScope } from "./grant-create.js";

interface Found {
  readonly id: Uint8Array;
  readonly grant: GrantEntry;
}

/**
 * The audit record of an access (CS01 §10.1). Nothing is released before it is final, so what it says about who asks
 * for what, why and when is complete by construction.
 */
export const accessOpen: Rule<AccessOpen, Found> = {
  kind: TransactionKind.accessOpen,
  payload: AccessOpen,
  sender: "anyone",

  async check(context) {
    const { payload, state, transaction } = context;
    const id = idOf(context);
    const grant = liveGrant(context);
    ensure(equalBytes(payload.scope, grant.scope), "REQ_BAD_SCOPE");
    const records = payload.recordIds.map((recordId) => queries.record(state, recordId));
    ensure(
      records.every((record) => record !== undefined && recordFits(record, grant)),
      "REQ_LABEL",
    );
    ensure(grant.zKeyNo === payload.keyNo, "WRONG_KEY_GENERATION");
    x25519CheckKey(payload.requestKey);
    checkGeneration(state, payload);
    const recipientLives = queries.account(state, grant.recipient)?.status === AccountStatus.live;
    ensure(recipientLives && (readScope(grant.scope).flags & EMERGENCY_FLAG) === 0, "GRANT_INACTIVE");
    const used = keyOf(prefixes.requestKeyUsed, transaction.sender, payload.requestKey);
    ensure(state.get(used) === undefined, "REQ_KEY_REUSED");
    ensure(queries.access(state, id) === undefined, "REQ_ID_USED");
    return { id, grant };
  },

  async apply({ payload, state, transaction, id: transactionId, block, emit }, { id, grant }) {
    const { owner, recipient, label, grantId } = grant;
    const { nonce: _nonce, ...fields } = payload;
    const { height, timestampMs } = block;
    state.putValue(keyOf(prefixes.access, id), AccessEntry, {
      ...fields,
      requestId: id,
      transactionId,
      owner,
      recipient,
      label,
      height,
      timestampMs,
    });
    state.putCounter(keyOf(prefixes.requestKeyUsed, transaction.sender, payload.requestKey), height);
    state.append(prefixes.accessesOfOwner, owner, id);
    state.append(prefixes.accessesOfRecipient, recipient, id);
    emit({ type: "access-opened", requestId: id, grantId, owner, recipient });
    return "OK";
  },
};

/** reqId; the size and distinctness of the list come with it (`REQ_BAD_SIZE`, `REQ_DUPLICATE_RECORD`). */
function idOf({ payload, transaction, chain }: RuleContext<AccessOpen>): Uint8Array {
  return requestId({
    chain: chain.chainId,
    gid: payload.grantId,
    uid: transaction.sender,
    addressee: payload.addressee,
    generation: { keyNo: payload.keyNo, shareEpoch: payload.shareEpoch },
    requestKey: payload.requestKey,
    nonce: payload.nonce,
    recordIds: payload.recordIds,
  });
}

function liveGrant({ payload, state, transaction, block }: RuleContext<AccessOpen>): GrantEntry {
  const grant = queries.grant(state, payload.grantId);
  if (grant === undefined) return refuse("GRANT_INACTIVE");
  const isInTerm = grant.notBeforeMs <= block.timestampMs && block.timestampMs < grant.expiryMs;
  const isItsRecipient = equalBytes(grant.recipient, transaction.sender);
  ensure(isInTerm && grant.revokedHeight === 0 && isItsRecipient, "GRANT_INACTIVE");
  return grant;
}

function checkGeneration(state: StateReader, payload: AccessOpen): void {
  const active = queries.activeCommittee(state, Purpose.proxy);
  const isActive = active?.keyNo === payload.keyNo && active.shareEpoch === payload.shareEpoch;
  if (active === undefined || !isActive) refuse("WRONG_KEY_GENERATION");
  ensure(payload.addressee <= active.members.length, "REQ_BAD_ADDRESSEE");
}
