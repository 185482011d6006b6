import {
  type AccessRequest,
  encodeScalar,
  type FragmentContext,
  fromHex,
  type GrantTerms,
  headerDigest,
  type RecordFacts,
  toHex,
} from "../src/index.js";
import type { KatInput } from "./ops-committee.js";

/** How known-answer files spell the structures of the public interface. */

/** Bytes of a hexadecimal field. */
export const bytes = fromHex;
/** Hexadecimal of bytes. */
export const hex = toHex;
/** Hexadecimal of a scalar. */
export const scalarHex = (value: bigint): string => toHex(encodeScalar(value));
/** Bytes of a list of hexadecimal fields. */
export const bytesOf = (values: readonly string[]): Uint8Array[] => values.map(fromHex);

/** `meta`: the facts of a record that its capsule is bound to. */
export function recordFacts(meta: KatInput): RecordFacts {
  return {
    chain: bytes(meta.chain),
    recordId: bytes(meta.record_id),
    author: bytes(meta.author),
    label: bytes(meta.label),
    kgcKeyNo: meta.kgc_key_no,
    ownerKey: bytes(meta.owner_key),
    headerDigest: headerDigest(bytes(meta.hdr)),
    payloadSizeBytes: meta.payload_len,
    payloadDigest: bytes(meta.payload_digest),
  };
}

/** `grant`: the terms of a grant. */
export function grantTerms(grant: KatInput): GrantTerms {
  return {
    chain: bytes(grant.chain),
    gid: bytes(grant.gid),
    label: bytes(grant.label),
    kgcKeyNo: grant.kgc_key_no,
    ownerKey: bytes(grant.owner_key),
    proxyKeyNo: grant.z_key_no,
    proxyKey: bytes(grant.Z),
    uid: bytes(grant.uid),
    recipientKey: bytes(grant.recipient_x25519),
    notBeforeMs: grant.not_before,
    expiryMs: grant.expiry,
    scope: bytes(grant.scope),
  };
}

/** `ctx` of fragment files. */
export function fragmentContext(ctx: KatInput): FragmentContext {
  return {
    chain: bytes(ctx.chain),
    requestId: bytes(ctx.req_id),
    generation: { keyNo: ctx.key_no, shareEpoch: ctx.epoch },
    index: ctx.k,
    verificationKey: bytes(ctx.vk),
  };
}

/** `request`: the fields of an access request. */
export function accessRequest(request: KatInput): AccessRequest {
  return {
    chain: bytes(request.chain),
    gid: bytes(request.gid),
    uid: bytes(request.uid),
    addressee: request.addressee,
    generation: { keyNo: request.key_no, shareEpoch: request.epoch },
    requestKey: bytes(request.pk_req),
    nonce: request.nonce,
    recordIds: bytesOf(request.records),
  };
}
