import { recoverRecords, respondFalselyForDemonstration, respondToRequest } from "./access.js";
import { judgeChallengeBlame, judgeOpenedBlame } from "./blame.js";
import { checkCapsule, encapsulateKey, openCapsuleAsOwner, sealCapsule } from "./capsule.js";
import type { Curve } from "./curve/curve.js";
import {
  checkIdentityKey,
  checkPartial,
  checkSealedPartial,
  sealPartial,
  transportPublicKey,
} from "./extraction.js";
import { collectIdentityKey } from "./extraction-open.js";
import { judgeGrant, makeGrant, openGrant } from "./grant.js";
import { type GrantTerms, parseGrant } from "./grant-terms.js";
import { checkOwnerRegistration, ownerDecryptionKey, registerOwner } from "./owner-factor.js";

/**
 * Curve work of owners, authors, recipients, key centres and proxies as pure functions `(curve, input) => output`.
 * Inputs and outputs hold bytes, numbers, strings and arrays alone, so that they can cross to a worker thread;
 * all randomness is an input.
 */
export const sharingOperations = {
  /** §6: the 208-byte registration of an owner factor. */
  registerOwner,
  checkOwnerRegistration,
  ownerDecryptionKey,

  /** §7: T = τ_u·g1. */
  transportPublicKey,
  /** §7, at a key centre, after the right to the identity was proven. */
  sealPartial,
  checkPartial,
  checkSealedPartial,
  checkIdentityKey,
  /** §7, at the requester: combine, open, and name the key centres whose part was bad. */
  collectIdentityKey,

  /** §8 steps 1 and 2, before the payload is sealed. */
  encapsulateKey,
  /** §8 steps 4 and 5, after it. */
  sealCapsule,
  /** Valid of §8. Throws `CAPSULE_INVALID`. */
  checkCapsule(curve: Curve, input: { readonly capsule: Uint8Array; readonly context: Uint8Array }): void {
    checkCapsule(curve, input);
  },
  openCapsuleAsOwner,

  /** §9, at the owner: the body to be signed. Secrets of the grant stay inside. */
  makeGrant(curve: Curve, input: Parameters<typeof makeGrant>[1]): { context: Uint8Array; body: Uint8Array } {
    const { context, body, wrapKey } = makeGrant(curve, input);
    wrapKey.fill(0);
    return { context, body };
  },
  /** §9, at every node: layout, points and flag. */
  checkGrant(
    curve: Curve,
    input: { readonly terms: GrantTerms; readonly body: Uint8Array },
  ): { maskedKey: Uint8Array; y2: Uint8Array; flag: number } {
    const { maskedKeyBytes, y2Bytes, flag } = parseGrant(curve, input);
    return { maskedKey: maskedKeyBytes, y2: y2Bytes, flag };
  },
  /** §9, at the recipient. */
  openGrant,
  judgeGrant,

  /** §10.2, at a proxy: Valid on each record, answer, seal, sign. */
  respondToRequest,
  /** Not of the protocol: the bad answer that demonstrations and tests of blame show. */
  respondFalselyForDemonstration,
  /** §10.3, at the recipient: open, combine, recover, and name the proxies whose fragment was bad. */
  recoverRecords,
  judgeOpenedBlame,
  judgeChallengeBlame,
};
