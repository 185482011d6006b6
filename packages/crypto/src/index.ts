/**
 * What other packages use. Nothing here hands out a curve: curve work goes through `CryptoPool`, votes through
 * `VoteSuite`. What works on a curve in hand is in `@consilium/crypto/curve`, for tests and this package's own tools.
 */
export type {
  FragmentFault,
  LeftOut,
  ReceivedFragment,
  RecoveredKey,
  RecoverInput,
  RespondInput,
  SealedAnswer,
  SharedRecord,
} from "./access.js";
export * from "./aead.js";
export type { BlameEvidence } from "./blame.js";
export * from "./bytes.js";
export {
  CAPSULE_SIZE_BYTES,
  capsuleContext,
  confirmPayloadKey,
  type DecodedCapsule,
  type EncapsulationInput,
  headerDigest,
  type OwnerOpenInput,
  type PayloadKey,
  type RecordFacts,
} from "./capsule.js";
export { decodeScalar, encodeScalar, SCALAR_SIZE_BYTES } from "./curve/encoding.js";
export type { CurveBackend, CurveOptions } from "./curve/load-curve.js";
export * from "./curve/order.js";
export type { DkgConfirmInput } from "./dkg/confirm.js";
export {
  type DecodedDeal,
  type DkgDealSecrets,
  evaluatePolynomial,
  memberOf,
  unsealShare,
} from "./dkg/deal.js";
export type { DisputeVerdict } from "./dkg/dispute.js";
export {
  DKG_ENCRYPTION_KEY_MESSAGE_SIZE_BYTES,
  DKG_ENCRYPTION_KEY_SIZE_BYTES,
  type DkgKeyOwner,
} from "./dkg/encryption-key.js";
export * from "./dkg/messages.js";
export {
  type BasePoint,
  checkDkgParams,
  DKG_MEMBERS_MAX,
  DKG_MEMBERS_MIN,
  DKG_MODE,
  DKG_PURPOSE,
  type DkgMember,
  type DkgOldCommittee,
  type DkgParams,
  type DkgPurpose,
  dkgBaseSizeBytes,
  dkgDealers,
  dkgDealsMin,
  dkgFaultsMax,
  dkgMemberIds,
  dkgSid,
  dkgWindowBlocksMin,
  isIndexOf,
  runPrefix,
} from "./dkg/params.js";
export { type DkgMessage, type DkgSlash, type DkgStep, dkgOpen } from "./dkg/run.js";
export * from "./dkg/secrets.js";
export * from "./dkg/state.js";
export { type DkgTestShare, dkgMakeSwitch, dkgTestShareSizeBytes } from "./dkg/switch.js";
export * from "./dkg/table.js";
export { type DkgDeal, type DkgOutcome, type DkgResult, dealWeights } from "./dkg/transcript.js";
export * from "./ed25519.js";
export * from "./errors.js";
export { SEALED_PARTIAL_SIZE_BYTES, type SealedPart } from "./extraction.js";
export * from "./extraction-messages.js";
export type { ReceivedPart } from "./extraction-open.js";
export {
  type FragmentAnswer,
  type FragmentContext,
  type FragmentStatement,
  fragmentHead,
  fragmentSizeBytes,
  splitFragment,
} from "./fragment.js";
export * from "./fragment-seal.js";
export type {
  BlameVerdict,
  GrantAccusation,
  GrantInput,
  GrantOpenInput,
  GrantRandomness,
  MadeGrant,
  OpenedGrant,
} from "./grant.js";
export {
  type GrantBody,
  type GrantTerms,
  grantContext,
  grantSigningBytes,
  hasRecipientKey,
  type IdentityWrap,
  recipientIdentity,
} from "./grant-terms.js";
export * from "./hash.js";
export * from "./hpke.js";
export {
  accountId,
  chainId,
  emergencyIdentity,
  generationBytes,
  grantId,
  type Identity,
  type KeyGeneration,
  parseIdentity,
  readGeneration,
  recordId,
  sameGeneration,
  typeIdentity,
  typeLabel,
  userIdentity,
} from "./identity.js";
export * from "./keystore.js";
export * from "./lagrange.js";
export type { OperationInput, OperationName, OperationOutput, Operations } from "./operations.js";
export type { DkgMemberInput } from "./operations-committee.js";
export { OWNER_REGISTRATION_SIZE_BYTES, type OwnerContext, type OwnerRegistration } from "./owner-factor.js";
export * from "./payload.js";
export * from "./payload-format.js";
export { type CryptoPool, createCryptoPool } from "./pool.js";
export {
  type DleqStatement,
  type NonceSource,
  PROOF_SIZE_BYTES,
  parseProof,
  resolveNonce,
  type SchnorrStatement,
} from "./proofs.js";
export type { DecodedRecoveryGrant, PlainPart, RecoveryGrant } from "./recover.js";
export * from "./request.js";
export {
  decodeVoteSecret,
  requireSignatures,
  requireVoteWeights,
  type SignedVote,
  VOTE_KEY_SIZE_BYTES,
  VOTE_SIGNATURE_SIZE_BYTES,
  VOTE_WEIGHT_SIZE_BYTES,
  VoteKeyCache,
  type VoteSuite,
} from "./vote-suite.js";
export * from "./vote-suite-curve.js";
export {
  checkVoteCertificate,
  decodeVoteBitmap,
  encodeVoteBitmap,
  makeVoteCertificate,
  VOTE_KINDS,
  type VoteCertificate,
  type VoteContent,
  type VoteKind,
  voteMessage,
} from "./votes.js";
export * from "./x25519.js";
