import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { concat, equalBytesConstantTime, lp16, Reader, requireLength, u8, xorBytes } from "./bytes.js";
import type { Curve, G1Point, G2Point } from "./curve/curve.js";
import { decodeG1, decodeG2, decodeScalar, encodePoint } from "./curve/encoding.js";
import { reduceScalar } from "./curve/order.js";
import { ConsiliumError, codeOf } from "./errors.js";
import {
  type GrantBody,
  type GrantTerms,
  grantContext,
  hasRecipientKey,
  parseGrant,
  recipientIdentity,
} from "./grant-terms.js";
import { deriveKey, domain, hash, hashToScalar } from "./hash.js";
import { hpkeOpen, hpkeOpenWithSharedSecret, hpkeSeal } from "./hpke.js";
import { hashIdentity, typeLabel } from "./identity.js";

/** Making, opening and judging grants (Consilium CS01 §9). */

const NOTE_NONCE = new Uint8Array(12);

/** Fresh randomness of one grant; X2 and the HPKE secret are needed exactly when the recipient has an X25519 key. */
export interface GrantRandomness {
  /** 32 bytes. */
  readonly x1: Uint8Array;
  /** 32 bytes. */
  readonly sigma: Uint8Array;
  /** Scalar y, 32 bytes. */
  readonly y: Uint8Array;
  /** 32 bytes. */
  readonly x2?: Uint8Array;
  /** 32 bytes; independent of x1 and sigma, otherwise the key centres could derive it. */
  readonly hpkeEphemeralSecret?: Uint8Array;
}

/** What an owner needs to make a grant. */
export interface GrantInput {
  readonly terms: GrantTerms;
  /** P, 96 bytes. */
  readonly groupKey: Uint8Array;
  readonly identity: Uint8Array;
  readonly salt: Uint8Array;
  /** D = x·d_I, 48 bytes: secret. */
  readonly decryptionKey: Uint8Array;
  readonly randomness: GrantRandomness;
}

/** A grant as made. `wrapKey` (X) and `mask` (κ) are secret; only the context and the body leave the owner. */
export interface MadeGrant {
  readonly context: Uint8Array;
  readonly body: Uint8Array;
  readonly wrapKey: Uint8Array;
  readonly mask: bigint;
}

/** ν of the re-encryption check, bound to the grant. */
function wrapScalar(sigma: Uint8Array, x1: Uint8Array, context: Uint8Array): bigint {
  return hashToScalar("FO-NU", sigma, x1, context);
}

function sigmaPad(
  curve: Curve,
  pair: { readonly g1: G1Point; readonly g2: G2Point },
  c0: Uint8Array,
  context: Uint8Array,
): Uint8Array {
  const shared = curve.gtToBytes(curve.pairingProduct([pair]));
  const pad = hash("FO-H2", shared, c0, context);
  shared.fill(0);
  return pad;
}

/** C1: X1 wrapped under the recipient's identity (Fujisaki–Okamoto over Boneh–Franklin). */
function wrapForIdentity(
  curve: Curve,
  input: {
    readonly terms: GrantTerms;
    readonly groupKey: G2Point;
    readonly context: Uint8Array;
    readonly sigma: Uint8Array;
    readonly x1: Uint8Array;
  },
): Uint8Array {
  const { sigma, x1, context } = input;
  const nu = wrapScalar(sigma, x1, context);
  const c0 = encodePoint(curve.g2, curve.g2.multiplyGenerator(nu));
  const recipient = curve.g1.multiply(hashIdentity(curve, recipientIdentity(input.terms)), nu);
  const pad = sigmaPad(curve, { g1: recipient, g2: input.groupKey }, c0, context);
  return concat(c0, xorBytes(sigma, pad), xorBytes(x1, hash("FO-H4", sigma)));
}

/** info of the HPKE wrap. */
function hpkeInfo(context: Uint8Array): Uint8Array {
  return concat(domain("GRANT-X2"), context);
}

function noteCipher(wrapKey: Uint8Array, context: Uint8Array, wrapDigest: Uint8Array) {
  const key = deriveKey(wrapKey, domain("NOTE"), concat(context, wrapDigest), 32);
  return chacha20poly1305(key, NOTE_NONCE, context);
}

/** X and C_X of step 1 and 2. */
function makeWraps(
  curve: Curve,
  input: GrantInput,
  context: Uint8Array,
): { wrapKey: Uint8Array; wraps: Uint8Array } {
  const { terms, randomness } = input;
  const x1 = requireLength(randomness.x1, 32, "X1");
  const sigma = requireLength(randomness.sigma, 32, "sigma");
  const groupKey = decodeG2(curve, input.groupKey);
  const identityWrap = wrapForIdentity(curve, { terms, groupKey, context, sigma, x1 });
  if (!hasRecipientKey(terms)) return { wrapKey: x1.slice(), wraps: concat(u8(0), identityWrap) };
  const x2 = requireLength(randomness.x2 ?? new Uint8Array(), 32, "X2");
  const sealed = hpkeSeal({
    recipientKey: terms.recipientKey,
    ephemeralSecret: requireLength(randomness.hpkeEphemeralSecret ?? new Uint8Array(), 32, "HPKE secret"),
    info: hpkeInfo(context),
    aad: identityWrap,
    plaintext: x2,
  });
  sealed.sharedSecret.fill(0);
  return {
    wrapKey: xorBytes(x1, x2),
    wraps: concat(u8(1), identityWrap, sealed.enc, sealed.ciphertext),
  };
}

/**
 * Makes a grant (§9 steps 1 to 5). Constant size, whoever the proxies are.
 * Throws `GRANT_LABEL` when label, identity and salt do not fit, decoding codes, `HPKE_BAD_KEY`.
 */
export function makeGrant(curve: Curve, input: GrantInput): MadeGrant {
  const { terms, identity, salt } = input;
  requireLabel(terms, identity, salt);
  const context = grantContext(terms);
  const proxyKey = decodeG1(curve, terms.proxyKey);
  const decryptionKey = decodeG1(curve, input.decryptionKey);
  const y = decodeScalar(input.randomness.y);
  const { wrapKey, wraps } = makeWraps(curve, input, context);
  const wrapDigest = hash("CX", wraps);
  const mask = hashToScalar("KAPPA", wrapKey, context, wrapDigest);
  const note = noteCipher(wrapKey, context, wrapDigest).encrypt(concat(salt, identity));
  const y2 = encodePoint(curve.g2, curve.g2.multiplyGenerator(y));
  const masking = curve.g1.add(curve.g1.multiply(proxyKey, y), curve.g1.multiplyGenerator(mask));
  const maskedKey = encodePoint(curve.g1, curve.g1.add(decryptionKey, masking));
  return { context, body: concat(maskedKey, y2, wraps, lp16(note)), wrapKey, mask };
}

function requireLabel(terms: GrantTerms, identity: Uint8Array, salt: Uint8Array): void {
  if (!equalBytesConstantTime(typeLabel(identity, salt), terms.label)) {
    throw new ConsiliumError(
      "GRANT_LABEL",
      "The label is not that of this identity and salt; refuse the grant.",
    );
  }
}

/** What a recipient learns from a grant and keeps. All of it is secret but Y2. */
export interface OpenedGrant {
  readonly identity: Uint8Array;
  readonly salt: Uint8Array;
  /** M' = D + y·Z, 48 bytes. */
  readonly unmaskedKey: Uint8Array;
  /** Y2, 96 bytes. */
  readonly y2: Uint8Array;
  /** For a judge, see {@link judgeGrant}. */
  readonly sigma: Uint8Array;
  readonly x1: Uint8Array;
  /** KEM output of C2, when the flag is 1. */
  readonly sharedSecret?: Uint8Array;
}

/** What a recipient needs to open a grant. */
export interface GrantOpenInput {
  readonly terms: GrantTerms;
  readonly body: Uint8Array;
  /** d_J (or d_E), 48 bytes: secret. */
  readonly userKey: Uint8Array;
  /** X25519 secret; needed when the flag is 1. */
  readonly recipientSecret?: Uint8Array;
}

/**
 * Opens a grant (§9 Open). Any failure means: refuse the grant and ask the owner for a new one.
 * Throws the codes of {@link parseGrant}, `GRANT_BAD_WRAP`, `HPKE_OPEN_FAILED`, `HPKE_BAD_KEY`, `GRANT_BAD_NOTE`,
 * `GRANT_LABEL`, `GRANT_BAD_EQUATION`, in this order.
 */
export function openGrant(curve: Curve, input: GrantOpenInput): OpenedGrant {
  const body = parseGrant(curve, input);
  const context = grantContext(input.terms);
  const userKey = decodeG1(curve, input.userKey);
  const { c0, maskedSigma, maskedX1 } = body.identityWrap;
  const sigma = xorBytes(maskedSigma, sigmaPad(curve, { g1: userKey, g2: body.c0 }, c0, context));
  const x1 = xorBytes(maskedX1, hash("FO-H4", sigma));
  const recomputed = curve.g2.multiplyGenerator(wrapScalar(sigma, x1, context));
  if (!curve.g2.equals(recomputed, body.c0)) {
    throw new ConsiliumError(
      "GRANT_BAD_WRAP",
      "This grant is not wrapped for this key; ask the owner for a new one.",
    );
  }
  if (body.hpkeWrap === undefined) return { ...openRest(curve, input.terms, body, x1.slice()), sigma, x1 };
  const opened = hpkeOpen({
    recipientSecret: input.recipientSecret ?? new Uint8Array(),
    ...body.hpkeWrap,
    info: hpkeInfo(context),
    aad: body.identityWrapBytes,
  });
  const rest = openRest(curve, input.terms, body, xorBytes(x1, opened.plaintext));
  opened.plaintext.fill(0);
  return { ...rest, sigma, x1, sharedSecret: opened.sharedSecret };
}

/** From X on: note, label, mask and equation. */
function openRest(
  curve: Curve,
  terms: GrantTerms,
  body: GrantBody,
  wrapKey: Uint8Array,
): Pick<OpenedGrant, "identity" | "salt" | "unmaskedKey" | "y2"> {
  const context = grantContext(terms);
  const wrapDigest = hash("CX", body.wraps);
  const { salt, identity } = openNote(body.note, wrapKey, context, wrapDigest);
  const mask = hashToScalar("KAPPA", wrapKey, context, wrapDigest);
  wrapKey.fill(0);
  requireLabel(terms, identity, salt);
  const unmasked = curve.g1.add(body.maskedKey, curve.g1.multiplyGenerator(reduceScalar(-mask)));
  const holds = curve.pairingProductIsOne([
    { g1: curve.g1.negate(unmasked), g2: curve.g2.generator },
    { g1: hashIdentity(curve, identity), g2: decodeG2(curve, terms.ownerKey) },
    { g1: decodeG1(curve, terms.proxyKey), g2: body.y2 },
  ]);
  if (!holds) {
    throw new ConsiliumError("GRANT_BAD_EQUATION", "The grant does not hold the key it claims; refuse it.");
  }
  return { identity, salt, unmaskedKey: encodePoint(curve.g1, unmasked), y2: body.y2Bytes };
}

function openNote(
  note: Uint8Array,
  wrapKey: Uint8Array,
  context: Uint8Array,
  wrapDigest: Uint8Array,
): { salt: Uint8Array; identity: Uint8Array } {
  try {
    const reader = new Reader(noteCipher(wrapKey, context, wrapDigest).decrypt(note));
    const salt = reader.take(32, "salt");
    return { salt, identity: reader.take(reader.remainingBytes) };
  } catch {
    throw new ConsiliumError("GRANT_BAD_NOTE", "The note of the grant does not open; refuse the grant.");
  }
}

/** What a judge may say of a grant or of a fragment (§9, §10.4). */
export type BlameVerdict = "BLAME_UPHELD" | "BLAME_REJECTED" | "BLAME_UNPROVEN";

/** What a recipient reveals to a judge, off chain and never in public: it shows the identity, the salt and often M'. */
export interface GrantAccusation {
  readonly terms: GrantTerms;
  /** P, 96 bytes. */
  readonly groupKey: Uint8Array;
  readonly body: Uint8Array;
  readonly sigma: Uint8Array;
  readonly x1: Uint8Array;
  /** KEM output of C2; revealed only if C2 opened under it. */
  readonly sharedSecret?: Uint8Array;
}

/**
 * Judges a grant from σ, X1 and the KEM output (§9): anyone recomputes C1 and opens C2, and a mismatch is
 * `BLAME_UNPROVEN`; then the rest of Open decides. Throws the codes of {@link parseGrant} for a body that is none.
 */
export function judgeGrant(curve: Curve, input: GrantAccusation): BlameVerdict {
  const body = parseGrant(curve, input);
  const context = grantContext(input.terms);
  const sigma = requireLength(input.sigma, 32, "sigma");
  const x1 = requireLength(input.x1, 32, "X1");
  const groupKey = decodeG2(curve, input.groupKey);
  // Malformed public terms are not the owner's fault: they end here with their own code.
  decodeG2(curve, input.terms.ownerKey);
  decodeG1(curve, input.terms.proxyKey);
  const recomputed = wrapForIdentity(curve, { terms: input.terms, groupKey, context, sigma, x1 });
  if (!equalBytesConstantTime(recomputed, body.identityWrapBytes)) return "BLAME_UNPROVEN";
  const wrapKey = revealedWrapKey(body, context, x1, input.sharedSecret);
  if (wrapKey === undefined) return "BLAME_UNPROVEN";
  try {
    openRest(curve, input.terms, body, wrapKey);
    return "BLAME_REJECTED";
  } catch (error) {
    if (codeOf(error) === "INTERNAL") throw error;
    return "BLAME_UPHELD";
  }
}

function revealedWrapKey(
  body: GrantBody,
  context: Uint8Array,
  x1: Uint8Array,
  sharedSecret: Uint8Array | undefined,
): Uint8Array | undefined {
  if (body.hpkeWrap === undefined) return x1.slice();
  if (sharedSecret === undefined) return undefined;
  try {
    const x2 = hpkeOpenWithSharedSecret({
      sharedSecret,
      info: hpkeInfo(context),
      aad: body.identityWrapBytes,
      ciphertext: body.hpkeWrap.ciphertext,
    });
    return xorBytes(x1, x2);
  } catch {
    return undefined;
  }
}
