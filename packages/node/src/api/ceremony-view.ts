import { type CeremonyView, memberName } from "@consilium/client";
import { toHex } from "@consilium/crypto";
import { purposeNames } from "@consilium/driver";
import { type CeremonyRun, queries } from "@consilium/ledger";
import type { Purpose, StateReader } from "@consilium/protocol";

/** A run of a ceremony as the HTTP contract shows it; pure. */
export function ceremonyRunView(state: StateReader, run: CeremonyRun): CeremonyView {
  const detail = queries.ceremonyState(state, run.sessionId);
  const convicted = (indices: readonly number[], code: string) => indices.map((index) => ({ index, code }));
  return {
    purpose: purposeNames[run.purpose as Purpose],
    sessionId: toHex(run.sessionId),
    keyNo: run.keyNo,
    shareEpoch: run.shareEpoch,
    attempt: run.attempt,
    state: run.switched === 1 ? "SERVING" : ascii(run.phase),
    startHeight: run.startHeight,
    members: run.members.map((node, place) => ({
      index: place + 1,
      node: toHex(node),
      name: memberName(state, node),
    })),
    threshold: run.threshold,
    deals: detail?.deals.map(({ dealer }) => dealer) ?? [],
    confirms: detail?.confirms.map(({ member }) => member) ?? [],
    offenders: [
      ...convicted(detail?.slashedDealers ?? [], "DISPUTE_UPHELD"),
      ...convicted(detail?.slashedMembers ?? [], "DISPUTE_REJECTED"),
    ],
    abortCode: run.reason.length === 0 ? null : ascii(run.reason),
  };
}

const ascii = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
