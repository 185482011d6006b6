import { SafetyReset, TransactionKind } from "@consilium/protocol";
import * as queries from "../queries.js";
import { ensure, type Rule } from "../rules.js";
import { keyOf, prefixes } from "../state/keys.js";

/**
 * A member's node lost the record of what its vote key signed. The key stays silent through this epoch, so that nothing
 * it signs later can contradict what it may have signed.
 */
export const safetyReset: Rule<SafetyReset> = {
  kind: TransactionKind.safetyReset,
  payload: SafetyReset,
  sender: "member",

  async check({ payload, state, sender, epoch }) {
    ensure(payload.epoch === epoch, "EPOCH_NOT_PRESENT");
    ensure(queries.safetyResetEpoch(state, sender!.member) !== epoch, "EPOCH_REPEATED");
  },

  async apply({ state, sender, epoch, emit }) {
    const node = sender!.member;
    state.putCounter(keyOf(prefixes.safetyReset, node), epoch);
    emit({ type: "safety-reset", node, epoch });
    return "OK";
  },
};
