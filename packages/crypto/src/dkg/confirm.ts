/** Confirms: a member shows that it holds its share, and announces its next encryption key (Consilium CS01 §13.2). */
import { concat } from "../bytes.js";
import type { Curve } from "../curve/curve.js";
import { decodePointOnCurve, decodeScalar, encodePoint } from "../curve/encoding.js";
import { ConsiliumError } from "../errors.js";
import { type NonceSource, proveSchnorr, verifySchnorr } from "../proofs.js";
import { memberOf } from "./deal.js";
import { dkgCheckEncryptionKey } from "./encryption-key.js";
import { type DkgConfirmMessage, encodeConfirm } from "./messages.js";
import { type DkgParams, dkgBaseGroup, dkgSid, runPrefix } from "./params.js";
import type { DkgResult } from "./transcript.js";

const TAG = "DKG-CONFIRM";

export interface DkgConfirmInput {
  /** j, from 1. */
  readonly member: number;
  /** th of the run as it stands. */
  readonly transcript: Uint8Array;
  /** s_j, 32 bytes. */
  readonly share: Uint8Array;
  /** Registration of the next encryption key, 112 bytes. */
  readonly nextEncryptionKey: Uint8Array;
  readonly nonce: NonceSource;
}

/** The confirm of member j, 244 bytes. Throws `BAD_LENGTH`, `BAD_SCALAR`. */
export function dkgMakeConfirm(curve: Curve, params: DkgParams, input: DkgConfirmInput): Uint8Array {
  const group = dkgBaseGroup(curve, params.purpose);
  const share = decodeScalar(input.share);
  const sid = dkgSid(params);
  const key = encodePoint(group, group.multiplyGenerator(share));
  const statement = { tag: TAG, prefix: confirmPrefix(sid, input, key), base: group.generator };
  const proof = proveSchnorr(group, statement, share, input.nonce);
  const { member, transcript, nextEncryptionKey } = input;
  return encodeConfirm(sid, { member, transcript, proof, nextEncryptionKey });
}

/**
 * Checks next key and proof of a confirm whose member and transcript were checked; returns the next EK, 48 bytes.
 * Throws `DKG_BAD_EK`, `DKG_BAD_CONFIRM`, the codes of CS01 §2.
 */
export function checkConfirm(
  curve: Curve,
  params: DkgParams,
  sid: Uint8Array,
  result: DkgResult,
  message: DkgConfirmMessage,
): Uint8Array {
  const { nodeId } = memberOf(params, message.member);
  const owner = { chain: params.chain, purpose: params.purpose, nodeId };
  const nextKey = dkgCheckEncryptionKey(curve, owner, message.nextEncryptionKey);
  const group = dkgBaseGroup(curve, params.purpose);
  const key = result.verificationKeys[message.member - 1]!;
  const statement = {
    tag: TAG,
    prefix: confirmPrefix(sid, message, key),
    base: group.generator,
    image: decodePointOnCurve(group, key),
  };
  if (verifySchnorr(group, statement, message.proof)) return nextKey;
  throw new ConsiliumError(
    "DKG_BAD_CONFIRM",
    "This confirm does not prove that its sender holds its share; rebuild it from the current transcript.",
    { member: message.member },
  );
}

function confirmPrefix(
  sid: Uint8Array,
  confirm: Pick<DkgConfirmMessage, "member" | "transcript" | "nextEncryptionKey">,
  key: Uint8Array,
): Uint8Array {
  return concat(runPrefix(sid, confirm.member), confirm.transcript, key, confirm.nextEncryptionKey);
}
