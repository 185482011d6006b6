/** Which run the state calls for. An announcement must say exactly this; whoever announces decides nothing. */
import { DKG_MEMBERS_MIN, DKG_MODE, type DkgParams, equalBytes } from "@consilium/crypto";
import {
  defaultThreshold,
  epochOfHeight,
  type LedgerCode,
  Purpose,
  type StateReader,
} from "@consilium/protocol";
import * as queries from "../../queries.js";
import type { CeremonyRun } from "../../state/values.js";

/** Attempts at a fresh key before governance has to decide. */
export const ceremonyAttemptsMax = 3;

const ZERO_32 = new Uint8Array(32);

export type CeremonyPlan =
  | { readonly due: true; readonly params: DkgParams }
  | { readonly due: false; readonly code: LedgerCode };

const notDue = (code: LedgerCode): CeremonyPlan => ({ due: false, code });

/**
 * The run that is due for a purpose, with its parameters if it were announced in a block of `height`: a fresh key while
 * none serves and no run is open, dealt from the block after. A reshare of a serving key will be planned here too.
 */
export function plannedCeremony(state: StateReader, purpose: number, height: number): CeremonyPlan {
  if (purpose !== Purpose.keyCentre && purpose !== Purpose.proxy) return notDue("CEREMONY_BAD_PURPOSE");
  if (queries.serving(state, purpose) !== undefined) return notDue("CEREMONY_NOT_DUE");
  const last = queries.lastCeremony(state, purpose);
  if (last !== undefined && !isRetry(last)) return notDue("CEREMONY_NOT_DUE");
  const nodes = last === undefined ? foundingNodes(state, purpose, height) : remainingNodes(last);
  if (nodes.length < DKG_MEMBERS_MIN) return notDue("DKG_BAD_PARAMS");
  const keys = nodes.map((node) => queries.dealingKey(state, purpose, node));
  if (keys.some((key) => key === undefined)) return notDue("CEREMONY_EK_MISSING");
  const chain = queries.chainInfo(state)!;
  const params: DkgParams = {
    chain: chain.chainId,
    purpose,
    mode: DKG_MODE.fresh,
    keyNo: 1,
    epoch: 1,
    attempt: (last?.attempt ?? 0) + 1,
    startHeight: height + 1,
    threshold: defaultThreshold(nodes.length),
    windowBlocks: chain.ceremonyWindowHeights,
    previousTranscript: ZERO_32,
    members: nodes.map((nodeId, index) => ({ nodeId, encryptionKey: keys[index]! })),
  };
  return { due: true, params };
}

const isRetry = (last: CeremonyRun): boolean => last.reason.length > 0 && last.attempt < ceremonyAttemptsMax;

/** The founding members hold the key centre's key, the epoch's validators the proxies'. */
function foundingNodes(state: StateReader, purpose: number, height: number): Uint8Array[] {
  if (purpose === Purpose.keyCentre) {
    return queries.members(state).flatMap((member) => (member.keyCentre === 1 ? [member.nodeKey] : []));
  }
  const { epochLengthHeights } = queries.chainInfo(state)!;
  return queries.validators(state, epochOfHeight(height, epochLengthHeights));
}

/** An aborted run's members without its offenders. */
function remainingNodes(last: CeremonyRun): Uint8Array[] {
  return last.members.filter((_, index) => !last.offenders.includes(index + 1));
}

/** Index of a node among the members of a run or committee, from 1; 0 when it is none. */
export const indexOfNode = (members: readonly Uint8Array[], node: Uint8Array): number =>
  members.findIndex((member) => equalBytes(member, node)) + 1;
