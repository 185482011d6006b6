import { LabelClose, TransactionKind } from "@consilium/protocol";
import * as queries from "../queries.js";
import { ensure, type Rule } from "../rules.js";
import { keyOf, prefixes } from "../state/keys.js";

/** The owner closes a label: nodes refuse new records under it. This is how a raised type version is enforced. */
export const labelClose: Rule<LabelClose> = {
  kind: TransactionKind.labelClose,
  payload: LabelClose,
  sender: "owner",

  async check({ payload, state, transaction }) {
    ensure(!queries.labelClosed(state, transaction.sender, payload.label), "LABEL_CLOSED");
  },

  async apply({ payload, state, transaction, block, emit }) {
    const { label } = payload;
    const owner = transaction.sender;
    state.putCounter(keyOf(prefixes.labelClosed, owner, label), block.height);
    emit({ type: "label-closed", owner, label });
    return "OK";
  },
};
