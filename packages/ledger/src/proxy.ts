import { equalBytes } from "@consilium/crypto";
import {
  fault,
  ignore,
  Purpose,
  type StateReader,
  sentenceOf,
  type Verdict,
  valid,
} from "@consilium/protocol";
import * as queries from "./queries.js";
import {
  type AccessEntry,
  AccountStatus,
  type Committee,
  type GrantEntry,
  type RecordEntry,
  RecordStatus,
} from "./state/values.js";

/** Everything a proxy needs to answer, read from one finalized state. */
export interface AnswerableAccess {
  readonly access: AccessEntry;
  readonly grant: GrantEntry;
  /** In request order; the proxy still leaves out those whose capsule is not Valid. */
  readonly records: readonly RecordEntry[];
  readonly committee: Committee;
  /** The proxy's own index in the committee, from 1. */
  readonly index: number;
}

export interface ProxyContext {
  /** The proxy's node id. */
  readonly node: Uint8Array;
  /** The proxy's own clock: a proxy cut off from the chain must not serve what expired meanwhile. */
  readonly nowMs: number;
}

/**
 * Whether the finalized state lets a proxy use its share for an access (CS01 §10.1): it is finalized, its grant lives
 * still, its records stand under the grant's owner, label and key, and the generation serves or did until less than a
 * response window ago. The service adds what no state can tell: that its tip is fresh and that capsules are Valid.
 */
export function proxyMayAnswer(
  state: StateReader,
  requestId: Uint8Array,
  context: ProxyContext,
): Verdict<AnswerableAccess> {
  const access = queries.access(state, requestId);
  if (access === undefined) return ignore("REQ_UNKNOWN", sentenceOf("REQ_UNKNOWN"));
  const grant = queries.grant(state, access.grantId);
  if (grant === undefined || !grantLives(state, grant, context.nowMs)) return refusal("GRANT_INACTIVE");
  const records = access.recordIds.map((id) => queries.record(state, id));
  if (!records.every((each) => each !== undefined && recordFits(each, grant))) return refusal("REQ_LABEL");
  const committee = queries.committee(state, Purpose.proxy, access.keyNo, access.shareEpoch);
  if (committee === undefined || grant.zKeyNo !== access.keyNo || !generationServes(state, committee))
    return refusal("WRONG_KEY_GENERATION");
  const index = committee.members.findIndex((member) => equalBytes(member, context.node)) + 1;
  if (index === 0 || (access.addressee !== 0 && access.addressee !== index))
    return refusal("REQ_NOT_ADDRESSED");
  return valid({ access, grant, records: records as RecordEntry[], committee, index });
}

const refusal = (code: string): Verdict<never> => fault(code, sentenceOf(code));

/** Live at the tip's block time and at the proxy's own time, whichever is later; the recipient's account lives too. */
function grantLives(state: StateReader, grant: GrantEntry, nowMs: number): boolean {
  const blockTimeMs = queries.tip(state).timestampMs;
  return (
    grant.revokedHeight === 0 &&
    grant.notBeforeMs <= blockTimeMs &&
    Math.max(blockTimeMs, nowMs) < grant.expiryMs &&
    queries.account(state, grant.recipient)?.status === AccountStatus.live
  );
}

/** Whether a record may be opened under a grant: it lives, and has the grant's owner, label and key (`REQ_LABEL`). */
export function recordFits(record: RecordEntry, grant: GrantEntry): boolean {
  return (
    record.status === RecordStatus.live &&
    equalBytes(record.owner, grant.owner) &&
    equalBytes(record.label, grant.label) &&
    record.kgcKeyNo === grant.kgcKeyNo &&
    equalBytes(record.pi, grant.pi)
  );
}

function generationServes(state: StateReader, committee: Committee): boolean {
  if (committee.servingHeight === 0) return false;
  if (committee.replacedAtMs === 0) return true;
  const windowMs = queries.chainInfo(state)?.responseWindowMs ?? 0;
  return queries.tip(state).timestampMs - committee.replacedAtMs < windowMs;
}
