import { type DkgParams, dkgOpen } from "@consilium/crypto";
import { CeremonyAnnounce, TransactionKind } from "@consilium/protocol";
import { ensure, type Rule, refuse } from "../../rules.js";
import { indexOfNode, plannedCeremony } from "./plan.js";
import { storeNewRun } from "./store.js";

/** Starts the run that the state calls for, from the block after; members, dealing keys and threshold freeze here. */
export const ceremonyAnnounce: Rule<CeremonyAnnounce, DkgParams> = {
  kind: TransactionKind.ceremonyAnnounce,
  payload: CeremonyAnnounce,
  sender: "member",

  async check({ payload, state, sender, block }) {
    const plan = plannedCeremony(state, payload.purpose, block.height);
    if (!plan.due) refuse(plan.code);
    const { params } = plan;
    const isThisRun =
      payload.mode === params.mode &&
      payload.keyNo === params.keyNo &&
      payload.shareEpoch === params.epoch &&
      payload.attempt === params.attempt;
    ensure(isThisRun, "CEREMONY_NOT_ANNOUNCED");
    const nodes = params.members.map(({ nodeId }) => nodeId);
    ensure(indexOfNode(nodes, sender!.member) > 0, "CEREMONY_NOT_MEMBER");
    return params;
  },

  async apply({ state, block, emit }, params) {
    const run = dkgOpen(params);
    storeNewRun(state, run, block.height);
    emit({ type: "ceremony-announced", purpose: params.purpose, sessionId: run.sid });
    return "OK";
  },
};
