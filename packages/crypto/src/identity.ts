import { concat, lp16, Reader, requireLength, type Uint64, u32, u64, utf8 } from "./bytes.js";
import type { Curve, G1Point } from "./curve/curve.js";
import { ConsiliumError } from "./errors.js";
import { hash } from "./hash.js";

/** Names, identities and labels of Consilium CS01 §5. All ids are 32 bytes. */

const FIELD_SIZE_BYTES_MAX = 128;
const ID_SIZE_BYTES = 32;
const KIND_TYPE = utf8("T");
const KIND_USER = utf8("U");
const KIND_EMERGENCY = utf8("E");
const HASH_TO_ID_DST = utf8("CONSILIUM-V01-CS01-ID-BLS12381G1_XMD:SHA-256_SSWU_RO_");

/** What a key identity says. `pid` and `uid` are account ids in practice; any 1..128 bytes in known answers. */
export type Identity =
  | { readonly kind: "type"; readonly pid: Uint8Array; readonly type: Uint8Array; readonly version: number }
  | { readonly kind: "user"; readonly uid: Uint8Array }
  | { readonly kind: "emergency"; readonly uid: Uint8Array; readonly gid: Uint8Array };

function badIdentity(sentence: string): ConsiliumError {
  return new ConsiliumError("BAD_IDENTITY", sentence);
}

function identityField(bytes: Uint8Array, field: string): Uint8Array {
  if (bytes.length < 1 || bytes.length > FIELD_SIZE_BYTES_MAX) {
    throw badIdentity(`Give 1 to ${FIELD_SIZE_BYTES_MAX} bytes for ${field}.`);
  }
  return lp16(bytes);
}

/** I = "T" ‖ lp16(pid) ‖ lp16(type) ‖ u32 version. Throws `BAD_IDENTITY`; the version counts from 1. */
export function typeIdentity(input: {
  readonly pid: Uint8Array;
  readonly type: Uint8Array;
  readonly version: number;
}): Uint8Array {
  const owner = identityField(input.pid, "pid");
  const type = identityField(input.type, "type");
  if (!Number.isInteger(input.version) || input.version < 1 || input.version > 0xffffffff) {
    throw badIdentity("Count type versions from 1.");
  }
  return concat(KIND_TYPE, owner, type, u32(input.version));
}

/** J = "U" ‖ lp16(uid). Throws `BAD_IDENTITY`. */
export function userIdentity(uid: Uint8Array): Uint8Array {
  return concat(KIND_USER, identityField(uid, "uid"));
}

/** E = "E" ‖ lp16(uid) ‖ gid: opens one emergency grant. Throws `BAD_IDENTITY`, `BAD_LENGTH`. */
export function emergencyIdentity(uid: Uint8Array, gid: Uint8Array): Uint8Array {
  return concat(KIND_EMERGENCY, identityField(uid, "uid"), requireLength(gid, ID_SIZE_BYTES, "gid"));
}

/** Parses bytes that must be exactly a T, U or E identity. Throws `BAD_IDENTITY` for anything else. */
export function parseIdentity(bytes: Uint8Array): Identity {
  try {
    const reader = new Reader(bytes);
    const identity = readIdentity(reader);
    reader.end("identity");
    return identity;
  } catch {
    throw badIdentity("Ask for a type, a user or an emergency identity, written exactly as CS01 §5 says.");
  }
}

function readIdentity(reader: Reader): Identity {
  const kind = reader.u8();
  const first = reader.lp16();
  identityField(first, "first field");
  if (kind === KIND_USER[0]) return { kind: "user", uid: first };
  if (kind === KIND_EMERGENCY[0]) return { kind: "emergency", uid: first, gid: reader.take(ID_SIZE_BYTES) };
  if (kind !== KIND_TYPE[0]) throw badIdentity("Unknown kind of identity.");
  const type = reader.lp16();
  identityField(type, "type");
  const version = reader.u32();
  if (version < 1) throw badIdentity("Count type versions from 1.");
  return { kind: "type", pid: first, type, version };
}

/** H_ID(id): the point of G1 that stands for an identity (§3.4). */
export function hashIdentity(curve: Curve, identity: Uint8Array): G1Point {
  return curve.hashToG1(identity, HASH_TO_ID_DST);
}

/** The account id H("ACCT", chain ‖ first Ed25519 key): pid and uid of that account for ever. */
export function accountId(chain: Uint8Array, firstKey: Uint8Array): Uint8Array {
  return hash("ACCT", chainId(chain), requireLength(firstKey, 32, "first Ed25519 key"));
}

/** The label of a type identity on the chain: H("LABEL", I ‖ salt). Throws `BAD_LENGTH` unless the salt has 32 bytes. */
export function typeLabel(identity: Uint8Array, salt: Uint8Array): Uint8Array {
  return hash("LABEL", identity, requireLength(salt, 32, "label salt"));
}

/** recordId = H("RID", chain ‖ author Ed25519 key ‖ u64 nonce). */
export function recordId(chain: Uint8Array, authorKey: Uint8Array, nonce: Uint64): Uint8Array {
  return hash("RID", chainId(chain), requireLength(authorKey, 32, "author key"), u64(nonce));
}

/** gid = H("GID", chain ‖ owner Ed25519 key ‖ u64 nonce). */
export function grantId(chain: Uint8Array, ownerKey: Uint8Array, nonce: Uint64): Uint8Array {
  return hash("GID", chainId(chain), requireLength(ownerKey, 32, "owner's Ed25519 key"), u64(nonce));
}

/** Returns the chain id when it has 32 bytes, otherwise throws `BAD_LENGTH`. */
export function chainId(chain: Uint8Array): Uint8Array {
  return requireLength(chain, ID_SIZE_BYTES, "chain id");
}

/** A generation of a distributed key: `shareEpoch` counts the reshares of key `keyNo` (§2). */
export interface KeyGeneration {
  readonly keyNo: number;
  readonly shareEpoch: number;
}

/** gen = u32 keyNo ‖ u32 shareEpoch. */
export function generationBytes(generation: KeyGeneration): Uint8Array {
  return concat(u32(generation.keyNo), u32(generation.shareEpoch));
}

/** Reads the 8 bytes of a key generation. */
export function readGeneration(reader: Reader): KeyGeneration {
  return { keyNo: reader.u32("keyNo"), shareEpoch: reader.u32("shareEpoch") };
}

/** True when two generations are the same key and the same reshare of it. */
export function sameGeneration(left: KeyGeneration, right: KeyGeneration): boolean {
  return left.keyNo === right.keyNo && left.shareEpoch === right.shareEpoch;
}
