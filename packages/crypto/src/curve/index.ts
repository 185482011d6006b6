/** The curve level of this package (`@consilium/crypto/curve`): for tests and tools, never for another package's sources. */
export { recoverRecords, respondFalselyForDemonstration, respondToRequest } from "../access.js";
export { judgeChallengeBlame, judgeOpenedBlame } from "../blame.js";
export {
  checkCapsule,
  decodeCapsule,
  deriveCapsuleKey,
  encapsulateKey,
  encapsulationSecret,
  hashCapsuleContext,
  openCapsuleAsOwner,
  openValidCapsuleAsOwner,
  sealCapsule,
} from "../capsule.js";
export { checkConfirm, dkgMakeConfirm } from "../dkg/confirm.js";
export {
  checkDealProof,
  decodeDeal,
  dkgMakeDeal,
  dkgOpenShare,
  evaluateCommitment,
  openSealedShare,
  sharedPointOf,
} from "../dkg/deal.js";
export { dkgMakeDispute, judgeDispute } from "../dkg/dispute.js";
export { dkgCheckEncryptionKey, dkgMakeEncryptionKey } from "../dkg/encryption-key.js";
export { dkgBaseGroup } from "../dkg/params.js";
export { dkgAdvance, dkgApply } from "../dkg/run.js";
export { dkgFinalShare, dkgWrongShares } from "../dkg/share.js";
export { dkgCheckSwitch, dkgCheckTestShare, dkgMakeTestShare } from "../dkg/switch.js";
export { aggregateDeals } from "../dkg/transcript.js";
export {
  checkIdentityKey,
  checkPartial,
  checkSealedPartial,
  combinePartials,
  extractPartial,
  extractUnchecked,
  openSealedPartials,
  sealPartial,
  transportPublicKey,
} from "../extraction.js";
export { collectIdentityKey } from "../extraction-open.js";
export {
  answerDecoded,
  answerFragment,
  fragmentStatement,
  verifyDecoded,
  verifyFragment,
} from "../fragment.js";
export { judgeGrant, makeGrant, openGrant } from "../grant.js";
export { parseGrant } from "../grant-terms.js";
export { hashIdentity } from "../identity.js";
export { operations } from "../operations.js";
export { committeeOperations } from "../operations-committee.js";
export { sharingOperations } from "../operations-sharing.js";
export { checkOwnerRegistration, ownerDecryptionKey, registerOwner } from "../owner-factor.js";
export { InlineCryptoPool } from "../pool.js";
export { proveDleq, proveSchnorr, verifyDleq, verifySchnorr } from "../proofs.js";
export {
  combineFragments,
  combinePoints,
  decodeRecoveryGrant,
  recoverFromPoints,
  recoverKey,
} from "../recover.js";
export { createCurveVoteSuite } from "../vote-suite.js";
export { voteCheckPossession, votePossessionProof } from "../votes.js";
export * from "./curve.js";
export {
  decodeG1,
  decodeG2,
  decodePoint,
  decodePointOnCurve,
  encodePoint,
  type PointDecoder,
} from "./encoding.js";
export * from "./load-curve.js";
export * from "./mcl-curve.js";
export * from "./noble-curve.js";
