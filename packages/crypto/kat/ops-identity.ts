import { decodeG1, decodeG2, hashCapsuleContext, hashIdentity } from "../src/curve/index.js";
import {
  capsuleContext,
  decodeScalar,
  grantContext,
  grantId,
  hash,
  hash128Bytes,
  hashToScalar,
  hedgedNonce,
  recordId,
  requestId,
  typeIdentity,
  typeLabel,
  userIdentity,
} from "../src/index.js";
import { accessRequest, bytes, grantTerms, hex, recordFacts, scalarHex } from "./fields.js";
import type { KatOperation } from "./ops-committee.js";

/** Known-answer operations of encodings, hashes, identities and ids. */
export const identityOperations: Readonly<Record<string, KatOperation>> = {
  scalar: (_, input) => ({ scalar: scalarHex(decodeScalar(bytes(input.bytes))) }),
  point_g1: (curve, input) => ({ point: hex(curve.g1.toBytes(decodeG1(curve, bytes(input.bytes)))) }),
  point_g2: (curve, input) => ({ point: hex(curve.g2.toBytes(decodeG2(curve, bytes(input.bytes)))) }),
  gt_encode(curve, { a, b }) {
    const g1 = curve.g1.multiplyGenerator(decodeScalar(bytes(a)));
    const g2 = curve.g2.multiplyGenerator(decodeScalar(bytes(b)));
    return { gt: hex(curve.gtToBytes(curve.pairingProduct([{ g1, g2 }]))) };
  },
  hash: (_, { tag, data }) => ({ out: hex(hash(tag, bytes(data))) }),
  hash128: (_, { tag, data }) => ({ out: hex(hash128Bytes(tag, bytes(data))) }),
  hash_to_scalar: (_, { tag, data }) => ({ out: scalarHex(hashToScalar(tag, bytes(data))) }),
  hash_id: (curve, { id }) => ({ point: hex(curve.g1.toBytes(hashIdentity(curve, bytes(id)))) }),
  hash_ctv: (curve, { ctx, U1, U2 }) => ({
    point: hex(curve.g1.toBytes(hashCapsuleContext(curve, bytes(ctx), bytes(U1), bytes(U2)))),
  }),
  nonce: (_, { label, secret, rnd, data }) => ({
    k: scalarHex(hedgedNonce(label, bytes(secret), bytes(rnd), bytes(data))),
  }),
  type_id: (_, { pid, type, ver }) => ({
    id: hex(typeIdentity({ pid: bytes(pid), type: bytes(type), version: ver })),
  }),
  user_id: (_, { uid }) => ({ id: hex(userIdentity(bytes(uid))) }),
  label: (_, { id, salt }) => ({ label: hex(typeLabel(bytes(id), bytes(salt))) }),
  record_id: (_, { chain, author, nonce }) => ({
    record_id: hex(recordId(bytes(chain), bytes(author), nonce)),
  }),
  grant_id: (_, { chain, owner_sign_key, nonce }) => ({
    gid: hex(grantId(bytes(chain), bytes(owner_sign_key), nonce)),
  }),
  request_id: (_, input) => ({ req_id: hex(requestId(accessRequest(input))) }),
  capsule_context: (_, { meta, com }) => ({ ctx: hex(capsuleContext(recordFacts(meta), bytes(com))) }),
  grant_context: (_, input) => ({ gctx: hex(grantContext(grantTerms(input))) }),
};
