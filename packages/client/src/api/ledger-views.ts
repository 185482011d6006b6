import { toHex } from "@consilium/crypto";
import {
  type AccessEntry,
  type AccessRequestEntry,
  type Account,
  type Committee,
  type GrantEntry,
  queries,
  type RecordEntry,
  RecordStatus,
} from "@consilium/ledger";
import { Purpose, Role, type StateReader } from "@consilium/protocol";
import type * as views from "./views.js";

/**
 * Views of ledger entries as the HTTP contract shows them: what a node answers from its state, and what a light client
 * makes of state that it has proven. Pure.
 */

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export const memberName = (state: StateReader, nodeKey: Uint8Array): string => {
  const member = queries.memberOf(state, nodeKey);
  return member === undefined ? "" : text(member.name);
};

const purposeNames = { [Purpose.keyCentre]: "key-centre", [Purpose.proxy]: "proxy" } as const;
const roleNames = { [Role.member]: "member", [Role.owner]: "owner", [Role.recipient]: "recipient" } as const;
const statusNames = {
  [RecordStatus.live]: "live",
  [RecordStatus.superseded]: "superseded",
  [RecordStatus.erased]: "erased",
} as const;

export function committeeView(state: StateReader, committee: Committee): views.CommitteeView {
  return {
    purpose: purposeNames[committee.purpose as Purpose],
    keyNo: committee.keyNo,
    shareEpoch: committee.shareEpoch,
    threshold: committee.threshold,
    publicKey: toHex(committee.publicKey),
    members: committee.members.map((node, place) => ({
      index: place + 1,
      node: toHex(node),
      name: memberName(state, node),
      verificationKey: toHex(committee.verificationKeys[place]!),
    })),
    sinceHeight: committee.servingHeight,
  };
}

export function accountView(state: StateReader, account: Account, nextNonce: number): views.AccountView {
  const { kgcKeyNo, ownerKeyNo } = account;
  const pi =
    account.role === Role.owner ? queries.ownerKey(state, account.id, kgcKeyNo, ownerKeyNo) : undefined;
  return {
    account: toHex(account.id),
    role: roleNames[account.role as Role],
    signKey: toHex(account.signKey),
    exchangeKey: toHex(account.exchangeKey),
    member: toHex(account.member),
    kgcKeyNo,
    ownerKeyNo,
    pi: pi === undefined ? null : toHex(pi),
    nextNonce,
    nextGrantNonce: queries.nextNonces(state, account.id).grant,
    registeredHeight: account.registeredHeight,
  };
}

export const recordView = (record: RecordEntry): views.RecordView => ({
  recordId: toHex(record.recordId),
  status: statusNames[record.status as 1 | 2 | 3],
  author: toHex(record.author),
  owner: toHex(record.owner),
  label: toHex(record.label),
  kgcKeyNo: record.kgcKeyNo,
  ownerKeyNo: record.ownerKeyNo,
  pi: toHex(record.pi),
  headerDigest: toHex(record.headerDigest),
  lengthBytes: record.lengthBytes,
  digest: toHex(record.digest),
  commitment: toHex(record.commitment),
  capsule: toHex(record.capsule),
  custodian: toHex(record.custodian),
  privateHeight: record.privateHeight,
  dateBucket: record.dateBucket,
  height: record.height,
  timeMs: record.timestampMs,
});

export const grantView = (grant: GrantEntry): views.GrantView => ({
  grantId: toHex(grant.grantId),
  owner: toHex(grant.owner),
  ownerSignKey: toHex(grant.ownerSignKey),
  recipient: toHex(grant.recipient),
  label: toHex(grant.label),
  kgcKeyNo: grant.kgcKeyNo,
  ownerKeyNo: grant.ownerKeyNo,
  pi: toHex(grant.pi),
  zKeyNo: grant.zKeyNo,
  z: toHex(grant.z),
  recipientExchangeKey: toHex(grant.recipientExchangeKey),
  notBeforeMs: grant.notBeforeMs,
  expiryMs: grant.expiryMs,
  scope: toHex(grant.scope),
  body: toHex(grant.body),
  signature: toHex(grant.signature),
  height: grant.height,
  timeMs: grant.timestampMs,
  revokedHeight: grant.revokedHeight === 0 ? null : grant.revokedHeight,
});

/** The member that vouches for a user, by node id and name. */
function voucher(
  state: StateReader,
  accountId: Uint8Array,
): { readonly member: string; readonly memberName: string } {
  const account = queries.account(state, accountId);
  if (account === undefined) return { member: "", memberName: "" };
  return { member: toHex(account.member), memberName: memberName(state, account.member) };
}

export const requestView = (state: StateReader, entry: AccessRequestEntry): views.AccessRequestView => ({
  id: toHex(entry.id),
  requester: toHex(entry.recipient),
  ...voucher(state, entry.recipient),
  sealed: toHex(entry.sealed),
  height: entry.height,
  timeMs: entry.timestampMs,
});

export const accessView = (state: StateReader, access: AccessEntry): views.AccessView => ({
  requestId: toHex(access.requestId),
  grantId: toHex(access.grantId),
  recipient: toHex(access.recipient),
  ...voucher(state, access.recipient),
  label: toHex(access.label),
  scope: toHex(access.scope),
  recordIds: access.recordIds.map(toHex),
  height: access.height,
  timeMs: access.timestampMs,
});
