/**
 * The reads that clients decide by, proven. Each names a thing of the ledger and says what the finalized state holds of
 * it, absence included. Ids are 32 bytes. Lists are whole: their lengths are part of the state, so a node can leave
 * nothing out and put nothing in.
 *
 * Records, grants, accesses and requests need `signer`: nodes tell of them only to whom they concern.
 */
import {
  type AccessEntry,
  type AccessRequestEntry,
  type Account,
  type Committee,
  type GrantEntry,
  type Member,
  queries,
  type RecordEntry,
} from "@consilium/ledger";
import type { Purpose } from "@consilium/protocol";
import type { LightClient, QueryOptions, Verified } from "./light-client.js";

/** Which part of a list, newest first; 100 entries when `limit` is absent. */
export interface Page {
  readonly skip?: number;
  readonly limit?: number;
}

type ReadOptions = QueryOptions & Page;

/** An index entry; undefined is proof that there is none. */
export const verifiedRecord = (
  light: LightClient,
  recordId: Uint8Array,
  options?: QueryOptions,
): Promise<Verified<RecordEntry | undefined>> =>
  light.query((state) => queries.record(state, recordId), options);

/** Everything indexed for an owner, newest first. */
export const verifiedRecordsOfOwner = (
  light: LightClient,
  owner: Uint8Array,
  options?: ReadOptions,
): Promise<Verified<readonly RecordEntry[]>> =>
  light.query((state) => queries.recordsOfOwner(state, owner, options), options);

/** Everything indexed under one label of an owner, newest first. */
export const verifiedRecordsOfLabel = (
  light: LightClient,
  owner: Uint8Array,
  label: Uint8Array,
  options?: ReadOptions,
): Promise<Verified<readonly RecordEntry[]>> =>
  light.query((state) => queries.recordsOfLabel(state, owner, label, options), {
    ...options,
    named: { owner, label },
  });

/** Where a grant stands at the block time of the proof; `absent` is proof that it was never made. */
export type GrantStanding =
  | { readonly state: "absent" }
  | { readonly state: "active" | "revoked" | "expired" | "not-yet"; readonly grant: GrantEntry };

export async function verifiedGrant(
  light: LightClient,
  grantId: Uint8Array,
  options?: QueryOptions,
): Promise<Verified<GrantStanding>> {
  const read = await light.query((state) => queries.grant(state, grantId), options);
  return { ...read, value: standingOf(read.value, read.timeMs) };
}

function standingOf(grant: GrantEntry | undefined, timeMs: number): GrantStanding {
  if (grant === undefined) return { state: "absent" };
  if (grant.revokedHeight > 0) return { state: "revoked", grant };
  if (timeMs >= grant.expiryMs) return { state: "expired", grant };
  return { state: timeMs < grant.notBeforeMs ? "not-yet" : "active", grant };
}

/** All grants that an owner gave, revoked and expired ones included, newest first. */
export const verifiedGrantsOfOwner = (
  light: LightClient,
  owner: Uint8Array,
  options?: ReadOptions,
): Promise<Verified<readonly GrantEntry[]>> =>
  light.query((state) => queries.grantsOfOwner(state, owner, options), options);

/** All grants that a recipient was given, newest first. */
export const verifiedGrantsOfRecipient = (
  light: LightClient,
  recipient: Uint8Array,
  options?: ReadOptions,
): Promise<Verified<readonly GrantEntry[]>> =>
  light.query((state) => queries.grantsOfRecipient(state, recipient, options), options);

/** The audit record of one access by its request id. */
export const verifiedAccess = (
  light: LightClient,
  requestId: Uint8Array,
  options?: QueryOptions,
): Promise<Verified<AccessEntry | undefined>> =>
  light.query((state) => queries.access(state, requestId), options);

/** Who opened an owner's records, newest first: a node cannot hide one. */
export const verifiedAccessesOfOwner = (
  light: LightClient,
  owner: Uint8Array,
  options?: ReadOptions,
): Promise<Verified<readonly AccessEntry[]>> =>
  light.query((state) => queries.accessesOfOwner(state, owner, options), options);

/** The owner's inbox, newest first. */
export const verifiedRequestsOfOwner = (
  light: LightClient,
  owner: Uint8Array,
  options?: ReadOptions,
): Promise<Verified<readonly AccessRequestEntry[]>> =>
  light.query((state) => queries.requestsOfOwner(state, owner, options), options);

/** An account with its present keys. */
export const verifiedAccount = (
  light: LightClient,
  account: Uint8Array,
  options?: QueryOptions,
): Promise<Verified<Account | undefined>> => light.query((state) => queries.account(state, account), options);

/** A member of the alliance by its node id. */
export const verifiedMember = (
  light: LightClient,
  nodeId: Uint8Array,
  options?: QueryOptions,
): Promise<Verified<Member | undefined>> => light.query((state) => queries.memberOf(state, nodeId), options);

/** The committee that serves a purpose: members, verification keys, threshold, public key. */
export const verifiedCommittee = (
  light: LightClient,
  purpose: Purpose,
  options?: QueryOptions,
): Promise<Verified<Committee | undefined>> =>
  light.query((state) => queries.activeCommittee(state, purpose), options);

/** Node ids of the validators of an epoch, in the order of their vote indices. */
export const verifiedValidators = (
  light: LightClient,
  epoch: number,
  options?: QueryOptions,
): Promise<Verified<readonly Uint8Array[]>> =>
  light.query((state) => queries.validators(state, epoch), options);
