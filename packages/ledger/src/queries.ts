/**
 * What services, the API and clients read from the state of either chain. Pure functions; lists come newest first and
 * in pages. Ids and keys are 32 bytes; node ids are Ed25519 public keys.
 */
import { type DkgState, decodeDkgState, u32 } from "@consilium/crypto";
import type { StateReader } from "@consilium/protocol";
import { committeeKey, dealingKeyKey, heightKey, keyOf, ownerKeyKey, prefixes } from "./state/keys.js";
import { listLength, type Page, readCounter, readList, readValue } from "./state/read.js";
import * as values from "./state/values.js";

const NONE = new Uint8Array(0);

export const account = (state: StateReader, id: Uint8Array): values.Account | undefined =>
  readValue(state, keyOf(prefixes.account, id), values.Account);

/** Accounts that a member enrolled. */
export const accountsOfMember = (state: StateReader, nodeKey: Uint8Array, page?: Page): values.Account[] =>
  readList(state, prefixes.accountsOfMember, nodeKey, page).flatMap((id) => account(state, id) ?? []);

/** Pi of one of an owner's keys, 96 bytes; key number 0 is P, for an owner that is or was custodial. */
export const ownerKey = (
  state: StateReader,
  id: Uint8Array,
  kgcKeyNo: number,
  ownerKeyNo: number,
): Uint8Array | undefined => readValue(state, ownerKeyKey(id, kgcKeyNo, ownerKeyNo), values.OwnerKey)?.pi;

/** Whether an owner closed a label. */
export const labelClosed = (state: StateReader, owner: Uint8Array, label: Uint8Array): boolean =>
  state.get(keyOf(prefixes.labelClosed, owner, label)) !== undefined;

/** The counters an account's next transaction, record id and grant id take. */
export interface NextNonces {
  readonly envelope: number;
  readonly record: number;
  readonly grant: number;
}

export const nextNonces = (state: StateReader, id: Uint8Array): NextNonces => ({
  envelope: readCounter(state, keyOf(prefixes.envelopeNonce, id)),
  record: readCounter(state, keyOf(prefixes.recordNonce, id)),
  grant: readCounter(state, keyOf(prefixes.grantNonce, id)),
});

/** The dealing key EK (48 bytes) that a node registered for a purpose; its proof was checked then. */
export const dealingKey = (
  state: StateReader,
  purpose: number,
  nodeKey: Uint8Array,
): Uint8Array | undefined => state.get(dealingKeyKey(purpose, nodeKey));

/** One generation of a purpose's committee, whether it serves or not. */
export const committee = (
  state: StateReader,
  purpose: number,
  keyNo: number,
  shareEpoch: number,
): values.Committee | undefined =>
  readValue(state, committeeKey(purpose, keyNo, shareEpoch), values.Committee);

/** Which generation of a purpose serves now, and which before. */
export const serving = (state: StateReader, purpose: number): values.Serving | undefined =>
  readValue(state, keyOf(prefixes.serving, Uint8Array.of(purpose)), values.Serving);

/** The committee that serves a purpose now: members, verification keys, threshold, generation, public key. */
export function activeCommittee(state: StateReader, purpose: number): values.Committee | undefined {
  const now = serving(state, purpose);
  return now && committee(state, purpose, now.keyNo, now.shareEpoch);
}

/** Where the public key of a key number stands. */
export const publicKeyKey = (purpose: number, keyNo: number): Uint8Array =>
  keyOf(prefixes.committee, Uint8Array.of(purpose), u32(keyNo));

/** P or Z of a key number that serves or served: the same for all its generations. */
export const publicKeyOf = (state: StateReader, purpose: number, keyNo: number): Uint8Array | undefined =>
  state.get(publicKeyKey(purpose, keyNo));

/** A run by its session id. */
export const ceremony = (state: StateReader, sessionId: Uint8Array): values.CeremonyRun | undefined =>
  readValue(state, keyOf(prefixes.ceremony, sessionId), values.CeremonyRun);

/** The state machine of a run with all its deals, also long after it ended: what a member works on (CS01 §13.3). */
export function ceremonyState(state: StateReader, sessionId: Uint8Array): DkgState | undefined {
  const bytes = state.get(keyOf(prefixes.ceremonyState, sessionId));
  return bytes && decodeDkgState(bytes);
}

/** The runs of a purpose, newest first. */
export const ceremonies = (state: StateReader, purpose: number, page?: Page): values.CeremonyRun[] =>
  readList(state, prefixes.ceremonies, Uint8Array.of(purpose), page).flatMap(
    (id) => ceremony(state, id) ?? [],
  );

/** The newest run of a purpose, open or ended. */
export const lastCeremony = (state: StateReader, purpose: number): values.CeremonyRun | undefined =>
  ceremonies(state, purpose, { limit: 1 })[0];

/** The newest run of a purpose while it accepts messages. */
export function openCeremony(state: StateReader, purpose: number): values.CeremonyRun | undefined {
  const run = lastCeremony(state, purpose);
  return run !== undefined && run.endedHeight === 0 ? run : undefined;
}

/** The newest anchor of a member's private chain. */
export const anchorOfMember = (state: StateReader, nodeKey: Uint8Array): values.Anchor | undefined =>
  readValue(state, keyOf(prefixes.anchor, nodeKey), values.Anchor);

/** The anchored digest of one height of a member's private chain. */
export const anchoredDigest = (
  state: StateReader,
  nodeKey: Uint8Array,
  height: number,
): Uint8Array | undefined => state.get(heightKey(prefixes.anchorAtHeight, nodeKey, height));

export const record = (state: StateReader, recordId: Uint8Array): values.RecordEntry | undefined =>
  readValue(state, keyOf(prefixes.record, recordId), values.RecordEntry);

export const recordsOfOwner = (state: StateReader, owner: Uint8Array, page?: Page): values.RecordEntry[] =>
  readList(state, prefixes.recordsOfOwner, owner, page).flatMap((id) => record(state, id) ?? []);

export const recordsOfLabel = (
  state: StateReader,
  owner: Uint8Array,
  label: Uint8Array,
  page?: Page,
): values.RecordEntry[] =>
  readList(state, prefixes.recordsOfLabel, Uint8Array.of(...owner, ...label), page).flatMap(
    (id) => record(state, id) ?? [],
  );

export const request = (state: StateReader, id: Uint8Array): values.AccessRequestEntry | undefined =>
  readValue(state, keyOf(prefixes.request, id), values.AccessRequestEntry);

/** The owner's inbox. */
export const requestsOfOwner = (
  state: StateReader,
  owner: Uint8Array,
  page?: Page,
): values.AccessRequestEntry[] =>
  readList(state, prefixes.requestsOfOwner, owner, page).flatMap((id) => request(state, id) ?? []);

export const grant = (state: StateReader, grantId: Uint8Array): values.GrantEntry | undefined =>
  readValue(state, keyOf(prefixes.grant, grantId), values.GrantEntry);

export const grantsOfOwner = (state: StateReader, owner: Uint8Array, page?: Page): values.GrantEntry[] =>
  readList(state, prefixes.grantsOfOwner, owner, page).flatMap((id) => grant(state, id) ?? []);

export const grantsOfRecipient = (
  state: StateReader,
  recipient: Uint8Array,
  page?: Page,
): values.GrantEntry[] =>
  readList(state, prefixes.grantsOfRecipient, recipient, page).flatMap((id) => grant(state, id) ?? []);

/** A finalized access by its request id. */
export const access = (state: StateReader, requestId: Uint8Array): values.AccessEntry | undefined =>
  readValue(state, keyOf(prefixes.access, requestId), values.AccessEntry);

/** The owner's audit trail: who opened which records, for what purpose, when. */
export const accessesOfOwner = (state: StateReader, owner: Uint8Array, page?: Page): values.AccessEntry[] =>
  readList(state, prefixes.accessesOfOwner, owner, page).flatMap((id) => access(state, id) ?? []);

export const accessesOfRecipient = (
  state: StateReader,
  recipient: Uint8Array,
  page?: Page,
): values.AccessEntry[] =>
  readList(state, prefixes.accessesOfRecipient, recipient, page).flatMap((id) => access(state, id) ?? []);

/** What became of a transaction; undefined when it is unknown or past the retention of `results.ts`. */
export const transactionResult = (state: StateReader, id: Uint8Array): values.TransactionResult | undefined =>
  readValue(state, keyOf(prefixes.transactionResult, id), values.TransactionResult);

/** A record on a private chain, header included. */
export const recordPut = (state: StateReader, recordId: Uint8Array): values.RecordPutEntry | undefined =>
  readValue(state, keyOf(prefixes.recordPut, recordId), values.RecordPutEntry);

/** Records of a private chain. */
export const recordPuts = (state: StateReader, page?: Page): values.RecordPutEntry[] =>
  readList(state, prefixes.recordPuts, NONE, page).flatMap((id) => recordPut(state, id) ?? []);

export const recordPutCount = (state: StateReader): number => listLength(state, prefixes.recordPuts, NONE);

/** Root of the authenticated state as it stands in `state`: what the next block's header must carry. */
export const stateRoot = (state: StateReader): Uint8Array =>
  state.get(keyOf(prefixes.treeRoot)) ?? new Uint8Array(32);

export * from "./queries/chain.js";
export * from "./queries/delegates.js";
export * from "./queries/elections.js";
export type { Page } from "./state/read.js";
