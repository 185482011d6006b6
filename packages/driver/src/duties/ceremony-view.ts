import { type DkgState, dkgQualified, equalBytes, toHex } from "@consilium/crypto";
import { type CeremonyRun, plannedCeremony, queries } from "@consilium/ledger";
import { Purpose, type StateReader } from "@consilium/protocol";
import type { CeremonyPhase, CeremonyRunView, CeremonyView } from "./ceremony-duty.js";

/** The nodes that hold a purpose's key: the founding members, or the elected validators. */
function holders(state: StateReader, purpose: Purpose): Uint8Array[] {
  if (purpose === Purpose.keyCentre) {
    return queries.members(state).flatMap((member) => (member.keyCentre === 1 ? [member.nodeKey] : []));
  }
  return queries.validators(state, queries.presentEpoch(state));
}

/** Reduces the finalized state of one purpose to what {@link decideCeremony} needs, as seen by one node. */
export function ceremonyView(state: StateReader, purpose: Purpose, nodeKey: Uint8Array): CeremonyView {
  const { height } = queries.tip(state);
  const nodes = holders(state, purpose);
  const seat = nodes.findIndex((node) => equalBytes(node, nodeKey));
  const key = queries.dealingKey(state, purpose, nodeKey);
  const run = queries.lastCeremony(state, purpose);
  return {
    purpose,
    height,
    seat: seat < 0 ? undefined : seat,
    seatCount: nodes.length,
    registeredDealingKey: key && toHex(key),
    announceDue: plannedCeremony(state, purpose, height + 1).due,
    run: run && runView(state, run, nodeKey),
  };
}

function runView(state: StateReader, run: CeremonyRun, nodeKey: Uint8Array): CeremonyRunView | undefined {
  const detail: DkgState | undefined = queries.ceremonyState(state, run.sessionId);
  if (detail === undefined) return undefined;
  const place = run.members.findIndex((member) => equalBytes(member, nodeKey));
  const own = run.dealingKeys[place];
  const qualified = dkgQualified(detail);
  return {
    sessionId: toHex(run.sessionId),
    phase: detail.phase as CeremonyPhase,
    ownIndex: place < 0 ? undefined : place + 1,
    memberCount: run.members.length,
    ownDealingKey: own && toHex(own),
    deals: detail.deals.map(({ dealer }) => dealer),
    disqualified: detail.deals.map(({ dealer }) => dealer).filter((dealer) => !qualified.includes(dealer)),
    slashed: detail.slashedMembers,
    confirmed: detail.confirms.map(({ member }) => member),
    switched: run.switched === 1,
    oldSharesMayGo: windowIsPast(state, run),
  };
}

/** Whether a run serves, and has for a response window of block time. */
function windowIsPast(state: StateReader, run: CeremonyRun): boolean {
  const committee = queries.committee(state, run.purpose, run.keyNo, run.shareEpoch);
  if (committee === undefined || committee.servingHeight === 0) return false;
  const windowMs = queries.chainInfo(state)?.responseWindowMs ?? 0;
  return queries.tip(state).timestampMs - committee.servingSinceMs >= windowMs;
}

/** Whether a ceremony has something to do: blocks should then be made at full pace, because its windows are heights. */
export function ceremonyHasWork(state: StateReader): boolean {
  return [Purpose.keyCentre, Purpose.proxy].some((purpose) => {
    const run = queries.lastCeremony(state, purpose);
    const isUnfinished =
      run !== undefined && (run.endedHeight === 0 || (run.reason.length === 0 && run.switched === 0));
    return isUnfinished || plannedCeremony(state, purpose, queries.tip(state).height + 1).due;
  });
}
