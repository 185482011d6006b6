import { AccessRequest, Role, TransactionKind } from "@consilium/protocol";
import * as queries from "../queries.js";
import { ensure, type Rule } from "../rules.js";
import { keyOf, prefixes } from "../state/keys.js";
import { AccessRequestEntry, AccountStatus } from "../state/values.js";

/** A recipient asks an owner, sealed to the owner alone; it shows in the owner's inbox. */
export const accessRequest: Rule<AccessRequest> = {
  kind: TransactionKind.accessRequest,
  payload: AccessRequest,
  sender: "recipient",

  async check({ payload, state }) {
    const owner = queries.account(state, payload.owner);
    ensure(owner?.role === Role.owner && owner.status === AccountStatus.live, "REQUEST_BAD_OWNER");
  },

  async apply({ payload, state, transaction, id, block, emit }) {
    const { owner, sealed } = payload;
    const recipient = transaction.sender;
    const { height, timestampMs } = block;
    const entry = { id, owner, recipient, sealed, height, timestampMs };
    state.putValue(keyOf(prefixes.request, id), AccessRequestEntry, entry);
    state.append(prefixes.requestsOfOwner, owner, id);
    emit({ type: "access-requested", id, owner, recipient });
    return "OK";
  },
};
