import { concat, isAllZero, lp16, lp32, Reader, requireLength, type Uint64, u32, u64 } from "./bytes.js";
import type { Curve, G1Point, G2Point } from "./curve/curve.js";
import { decodeG1, decodeG2 } from "./curve/encoding.js";
import { ConsiliumError } from "./errors.js";
import { domain, hash } from "./hash.js";
import { chainId, emergencyIdentity, userIdentity } from "./identity.js";

/** The public side of a grant (Consilium CS01 §9): terms, body layout and the checks every node makes. */

/** The public fields of a grant. */
export interface GrantTerms {
  readonly chain: Uint8Array;
  readonly gid: Uint8Array;
  readonly label: Uint8Array;
  readonly kgcKeyNo: number;
  /** Pi, 96 bytes. */
  readonly ownerKey: Uint8Array;
  readonly proxyKeyNo: number;
  /** Z, 48 bytes. */
  readonly proxyKey: Uint8Array;
  readonly uid: Uint8Array;
  /** The recipient's registered X25519 key, or 32 zero bytes when it has none. */
  readonly recipientKey: Uint8Array;
  /** Unix milliseconds, as is `expiryMs`; compared with the timestamp of the block. */
  readonly notBeforeMs: Uint64;
  readonly expiryMs: Uint64;
  readonly scope: Uint8Array;
  /** True for an emergency grant (a flag in its scope): the emergency identity stands where the user identity would. */
  readonly emergency?: boolean;
}

/** gctx: 32 bytes over all terms. Throws `BAD_LENGTH`, `BAD_ENCODING`. */
export function grantContext(terms: GrantTerms): Uint8Array {
  return hash(
    "GCTX",
    chainId(terms.chain),
    requireLength(terms.gid, 32, "grant id"),
    requireLength(terms.label, 32, "label"),
    u32(terms.kgcKeyNo),
    requireLength(terms.ownerKey, 96, "owner key"),
    u32(terms.proxyKeyNo),
    requireLength(terms.proxyKey, 48, "proxy key"),
    lp16(terms.uid),
    requireLength(terms.recipientKey, 32, "recipient key"),
    u64(terms.notBeforeMs),
    u64(terms.expiryMs),
    lp32(terms.scope),
  );
}

/** J, or E for an emergency grant: the identity whose key opens the grant. */
export function recipientIdentity(terms: GrantTerms): Uint8Array {
  return terms.emergency === true ? emergencyIdentity(terms.uid, terms.gid) : userIdentity(terms.uid);
}

/** True when the terms ask for the second wrap: the recipient has a registered X25519 key. */
export function hasRecipientKey(terms: GrantTerms): boolean {
  return !isAllZero(terms.recipientKey);
}

/** C1 = C0(96) ‖ masked σ(32) ‖ masked X1(32). */
export interface IdentityWrap {
  readonly c0: Uint8Array;
  readonly maskedSigma: Uint8Array;
  readonly maskedX1: Uint8Array;
}

/** A grant body, decoded. */
export interface GrantBody {
  readonly maskedKey: G1Point;
  readonly y2: G2Point;
  readonly c0: G2Point;
  readonly maskedKeyBytes: Uint8Array;
  readonly y2Bytes: Uint8Array;
  /** 1 when the HPKE wrap is there, else 0. */
  readonly flag: number;
  /** C_X: flag ‖ C1 ‖ (C2). */
  readonly wraps: Uint8Array;
  /** C1, 160 bytes, and its parts. */
  readonly identityWrapBytes: Uint8Array;
  readonly identityWrap: IdentityWrap;
  /** C2 when the flag is 1. */
  readonly hpkeWrap?: { readonly enc: Uint8Array; readonly ciphertext: Uint8Array };
  readonly note: Uint8Array;
}

/**
 * Parses M ‖ Y2 ‖ C_X ‖ lp16(note) and makes the node checks that need the terms alone: layout (`BAD_LENGTH`,
 * `BAD_ENCODING`), decoding of M, Y2 and C0, and the flag (`GRANT_BAD_FLAG`; it stops a downgrade to one wrap).
 */
export function parseGrant(
  curve: Curve,
  input: { readonly terms: GrantTerms; readonly body: Uint8Array },
): GrantBody {
  const layout = readLayout(input.body);
  const maskedKey = decodeG1(curve, layout.maskedKeyBytes);
  const y2 = decodeG2(curve, layout.y2Bytes);
  const c0 = decodeG2(curve, layout.identityWrap.c0);
  if ((layout.flag === 1) !== hasRecipientKey(input.terms)) {
    throw new ConsiliumError(
      "GRANT_BAD_FLAG",
      "Seal to the recipient's X25519 key exactly when one is registered.",
    );
  }
  return { ...layout, maskedKey, y2, c0 };
}

function readLayout(body: Uint8Array): Omit<GrantBody, "maskedKey" | "y2" | "c0"> {
  const reader = new Reader(body);
  const maskedKeyBytes = reader.take(48, "M");
  const y2Bytes = reader.take(96, "Y2");
  const flag = reader.u8("flag");
  if (flag > 1) throw new ConsiliumError("BAD_ENCODING", "The wrap flag is 0 or 1.", { flag });
  const identityWrapBytes = reader.take(160, "C1");
  const hpkeWrap =
    flag === 1 ? { enc: reader.take(32, "enc"), ciphertext: reader.take(48, "C2") } : undefined;
  const note = reader.lp16("note");
  reader.end("grant body");
  const parts = new Reader(identityWrapBytes);
  const identityWrap = { c0: parts.take(96), maskedSigma: parts.take(32), maskedX1: parts.take(32) };
  const wraps = body.slice(144, 144 + (flag === 1 ? 241 : 161));
  const layout = { maskedKeyBytes, y2Bytes, flag, wraps, identityWrapBytes, identityWrap, note };
  return hpkeWrap === undefined ? layout : { ...layout, hpkeWrap };
}

/** What the owner signs: DOM ‖ "GRANT" ‖ gctx ‖ body. */
export function grantSigningBytes(terms: GrantTerms, body: Uint8Array): Uint8Array {
  return concat(domain("GRANT"), grantContext(terms), body);
}
