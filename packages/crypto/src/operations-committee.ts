import type { Curve } from "./curve/curve.js";
import { type DkgConfirmInput, dkgMakeConfirm } from "./dkg/confirm.js";
import { type DkgDealSecrets, dkgMakeDeal } from "./dkg/deal.js";
import { dkgMakeDispute } from "./dkg/dispute.js";
import { type DkgKeyOwner, dkgCheckEncryptionKey, dkgMakeEncryptionKey } from "./dkg/encryption-key.js";
import type { DkgParams } from "./dkg/params.js";
import { type DkgMessage, type DkgStep, dkgAdvance, dkgApply } from "./dkg/run.js";
import { dkgFinalShare, dkgWrongShares } from "./dkg/share.js";
import type { DkgState } from "./dkg/state.js";
import { type DkgTestShare, dkgCheckSwitch, dkgCheckTestShare, dkgMakeTestShare } from "./dkg/switch.js";
import type { DkgDeal } from "./dkg/transcript.js";
import type { NonceSource } from "./proofs.js";
import { createCurveVoteSuite } from "./vote-suite.js";
import { voteCheckPossession, votePossessionProof } from "./votes.js";

/** What a member needs to work on its own part of a run. */
export interface DkgMemberInput {
  readonly state: DkgState;
  /** j, from 1. */
  readonly member: number;
  /** e_j, 32 bytes: secret. */
  readonly encryptionSecret: Uint8Array;
}

/**
 * Curve work of committee members as pure functions `(curve, input) => output`. Inputs and outputs hold bytes, numbers,
 * strings, arrays and null alone, so that they can cross to a worker thread; all randomness is an input.
 */
export const committeeOperations = {
  /** §4: the 48-byte key of a secret of 32 bytes. Throws `BAD_SCALAR`. */
  votePublicKey: (curve: Curve, input: { readonly secretKey: Uint8Array }): Uint8Array =>
    createCurveVoteSuite(curve).publicKey(input.secretKey),
  /** §4, at registration. */
  votePossessionProof: (curve: Curve, input: { readonly secretKey: Uint8Array }): Uint8Array =>
    votePossessionProof(curve, input.secretKey),
  voteCheckPossession: (
    curve: Curve,
    input: { readonly publicKey: Uint8Array; readonly proof: Uint8Array },
  ): boolean => voteCheckPossession(curve, input.publicKey, input.proof),

  /** §13.1: the 112-byte registration of an encryption key. */
  dkgMakeEncryptionKey: (
    curve: Curve,
    input: { readonly owner: DkgKeyOwner; readonly secret: Uint8Array; readonly nonce: NonceSource },
  ): Uint8Array => dkgMakeEncryptionKey(curve, input.owner, input.secret, input.nonce),
  dkgCheckEncryptionKey: (
    curve: Curve,
    input: { readonly owner: DkgKeyOwner; readonly message: Uint8Array },
  ): Uint8Array => dkgCheckEncryptionKey(curve, input.owner, input.message),

  /** §13.2, at a dealer; the result is stored before it is sent. */
  dkgMakeDeal: (
    curve: Curve,
    input: { readonly params: DkgParams; readonly dealer: number; readonly secrets: DkgDealSecrets },
  ): Uint8Array => dkgMakeDeal(curve, input.params, input.dealer, input.secrets),
  /** §13.2, at a member: the deals it has to dispute. */
  dkgWrongShares: (curve: Curve, input: DkgMemberInput): DkgDeal[] =>
    dkgWrongShares(curve, input.state, input.member, input.encryptionSecret),
  dkgMakeDispute: (
    curve: Curve,
    input: DkgMemberInput & { readonly deal: Uint8Array; readonly nonce: NonceSource },
  ): Uint8Array =>
    dkgMakeDispute(curve, input.state.params, input.deal, input.member, input.encryptionSecret, input.nonce),
  /** §13.3: s_j, secret. */
  dkgFinalShare: (curve: Curve, input: DkgMemberInput): Uint8Array =>
    dkgFinalShare(curve, input.state, input.member, input.encryptionSecret),
  dkgMakeConfirm: (
    curve: Curve,
    input: { readonly params: DkgParams; readonly confirm: DkgConfirmInput },
  ): Uint8Array => dkgMakeConfirm(curve, input.params, input.confirm),

  /** §13.3, at every node. */
  dkgAdvance: (curve: Curve, input: { readonly state: DkgState; readonly height: number }): DkgState =>
    dkgAdvance(curve, input.state, input.height),
  dkgApply: (curve: Curve, input: { readonly state: DkgState; readonly message: DkgMessage }): DkgStep =>
    dkgApply(curve, input.state, input.message),

  /** §13.4, "Switch". */
  dkgMakeTestShare: (
    curve: Curve,
    input: {
      readonly state: DkgState;
      readonly member: number;
      readonly share: Uint8Array;
      readonly nonce: NonceSource;
    },
  ): DkgTestShare => dkgMakeTestShare(curve, input.state, input),
  dkgCheckTestShare: (
    curve: Curve,
    input: { readonly state: DkgState; readonly testShare: DkgTestShare },
  ): void => dkgCheckTestShare(curve, input.state, input.testShare),
  dkgCheckSwitch: (curve: Curve, input: { readonly state: DkgState; readonly body: Uint8Array }): void =>
    dkgCheckSwitch(curve, input.state, input.body),
};
