import { concat, recordId } from "@consilium/crypto";
import { RecordIndex, Role, TransactionKind } from "@consilium/protocol";
import * as queries from "../queries.js";
import { ensure, type Rule, refuse } from "../rules.js";
import { keyOf, prefixes } from "../state/keys.js";
import { AccountStatus, RecordEntry, RecordStatus } from "../state/values.js";

/** Head and one empty chunk: no stream of CS01 §11.1 is shorter. */
export const cipherStreamBytesMin = 22 + 16;

interface Found {
  readonly id: Uint8Array;
  readonly pi: Uint8Array;
}

/**
 * An index entry, signed by the record's author (CS01 §8). Only lengths are checked here, so that indexing costs no
 * pairing: a capsule that is not valid opens for nobody, and proxies refuse it.
 */
export const recordIndex: Rule<RecordIndex, Found> = {
  kind: TransactionKind.recordIndex,
  payload: RecordIndex,
  sender: "member",

  async check({ payload, state, sender, chain }) {
    const id = recordId(chain.chainId, sender!.signKey, payload.recordNonce);
    ensure(queries.record(state, id) === undefined, "RECORD_ID_USED");
    const { owner, label, kgcKeyNo, ownerKeyNo } = payload;
    const account = queries.account(state, owner);
    const pi = queries.ownerKey(state, owner, kgcKeyNo, ownerKeyNo);
    if (account === undefined || pi === undefined) refuse("RECORD_BAD_OWNER");
    const isLive = account.role === Role.owner && account.status === AccountStatus.live;
    const isCurrent = account.kgcKeyNo === kgcKeyNo && account.ownerKeyNo === ownerKeyNo;
    ensure(isLive && isCurrent, "RECORD_BAD_OWNER");
    ensure(!queries.labelClosed(state, owner, label), "LABEL_CLOSED");
    ensure(payload.lengthBytes >= cipherStreamBytesMin, "RECORD_BAD_LENGTH");
    ensure(queries.isMember(state, payload.custodian), "RECORD_BAD_CUSTODIAN");
    return { id, pi };
  },

  async apply({ payload, state, sender, transaction, block, emit }, { id, pi }) {
    const { recordNonce, ...fields } = payload;
    state.putValue(keyOf(prefixes.record, id), RecordEntry, {
      ...fields,
      recordId: id,
      status: RecordStatus.live,
      author: sender!.signKey,
      pi,
      height: block.height,
      timestampMs: block.timestampMs,
    });
    const { owner, label, custodian } = payload;
    state.append(prefixes.recordsOfOwner, owner, id);
    state.append(prefixes.recordsOfLabel, concat(owner, label), id);
    const { record: nextNonce } = queries.nextNonces(state, transaction.sender);
    if (recordNonce >= nextNonce) {
      state.putCounter(keyOf(prefixes.recordNonce, transaction.sender), recordNonce + 1);
    }
    emit({ type: "record-indexed", recordId: id, owner, custodian });
    return "OK";
  },
};
