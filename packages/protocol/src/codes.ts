/**
 * Stable codes that a ledger gives a transaction, with the sentence for each. Codes are part of consensus: they are
 * stored with the transaction's result, so a code's meaning never changes and its name is never reused.
 * Codes of Consilium CS01 §17 keep their names; the others are the ledger's own.
 */
export const ledgerCodes = {
  OK: "The transaction took effect.",

  // The envelope. A transaction with one of these is not includable.
  BAD_ENCODING: "Encode the transaction and its payload exactly as the schema of its kind says.",
  TX_TOO_LARGE: "Make the transaction smaller: it is over the limit for one transaction.",
  TX_WRONG_CHAIN: "Send the transaction to the chain that its envelope names.",
  TX_UNKNOWN_KIND: "Use a transaction kind that this version of the ledger knows.",
  TX_KIND_NOT_HERE: "Send this kind of transaction to the other kind of chain.",
  TX_EXPIRED: "Sign the transaction again with a later expiry height.",
  TX_EXPIRY_TOO_FAR: "Choose an expiry height closer to the present height.",
  TX_UNKNOWN_SENDER: "Register the sending account first, and wait until that is final.",
  TX_STALE_NONCE: "Use the account's next nonce: this one was used already.",
  TX_FUTURE_NONCE: "Send the account's transactions with the nonces before this one first.",
  TX_TOO_MANY: "Put fewer transactions or bytes into one block.",
  TX_NOT_ALLOWED: "Send this from an account whose role may: this sender may not.",
  SIG_INVALID: "Sign with the account's current key over exactly these bytes.",
  SIG_BAD_KEY: "Register an Ed25519 key of the prime-order group, as standard generators make them.",

  // A registration is not includable either unless a member answers for it.
  MEMBER_UNKNOWN: "Name a member of the alliance by its node id.",
  ATTESTATION_INVALID: "Let the enrolling member sign the attestation of exactly this identity.",

  // Decoding inside payloads (CS01 §2).
  BAD_LENGTH: "Give every field the length its format states.",
  BAD_POINT: "Encode the point canonically and compressed.",
  IDENTITY_POINT: "Send a point that is not infinity.",
  NOT_IN_SUBGROUP: "Send a point of the prime-order subgroup.",
  BAD_SCALAR: "Encode the scalar reduced: below the group order.",
  BAD_INDEX: "Use an index of the committee.",
  WRONG_KEY_GENERATION: "Name the key generation that is active now.",

  // Members, stake and elections.
  PROPOSAL_BAD_FIELDS: "Give exactly the fields that the action of the proposal calls for.",
  PROPOSAL_UNKNOWN: "Name an open proposal by its transaction id.",
  PROPOSAL_CLOSED: "The proposal has passed or lapsed; make a new one.",
  PROPOSAL_APPROVED: "This member has approved the proposal already.",
  PROPOSAL_TOO_MANY: "Approve or wait for the open proposals first.",
  MEMBER_EXISTS: "A member has this node key or vote key already.",
  MEMBER_TOO_MANY: "The alliance has as many members as the protocol allows.",
  MEMBER_LEFT: "The member has left the alliance.",
  STAKE_BAD_VOTES: "Name each candidate once, with a positive stake.",
  STAKE_OVERSPENT: "Spread no more than the member's own bonded stake.",
  CANDIDATE_UNKNOWN: "Name a registered candidate by its node id.",
  CANDIDATE_BAD_KEY: "Prove possession of a vote key that no other candidate registered.",
  CANDIDATE_BANNED: "The candidate is banned; only the members together can lift that.",
  CANDIDATE_RESIGNED: "The candidate has resigned; register again to stand for election.",
  EPOCH_NOT_PRESENT: "Name the present epoch.",
  EPOCH_REPEATED: "This was said for the present epoch already.",
  EVIDENCE_NO_CONTRADICTION: "Send two votes of one validator that no honest node signs both.",
  EVIDENCE_BAD_SIGNATURE: "Both votes must be signed by the validator they name.",
  EVIDENCE_TOO_OLD: "The votes lie before the window in which evidence counts.",
  EVIDENCE_UNKNOWN_EPOCH: "The votes are of an epoch that has not begun.",
  EVIDENCE_REPEATED: "The validator was convicted for this epoch already.",
  TX_QUOTA: "Send fewer transactions of this account into one block.",

  // Identities and labels.
  IDENTITY_EXISTS: "This account id is taken for ever; a new pseudonym needs a new key.",
  IDENTITY_BAD_ID: "The sender must be the account id derived from the key that is registered.",
  IDENTITY_BAD_ROLE: "Register as an owner or as a recipient.",
  IDENTITY_BAD_FIELDS: "Give the owner factor and key numbers that the role calls for.",
  KEY_CENTRE_NOT_READY: "Wait until the key centre serves a key, and name that key's number.",
  OWNER_BAD_POP: "Prove possession of the owner factor for exactly this chain, account and key.",
  OWNER_BAD_KEY: "Make X and Pi from one owner factor under the key centre's present key.",
  LABEL_CLOSED: "Seal under the newer version of this type: the label is closed.",

  // Ceremonies (CS01 §13).
  CEREMONY_BAD_PURPOSE: "Use purpose 1 (key centre) or 2 (proxy committee).",
  CEREMONY_NOT_MEMBER: "Only a node that belongs to this committee may send this.",
  CEREMONY_NOT_DUE: "No run can start now: one is open, its key is active, or it needs governance.",
  CEREMONY_NOT_ANNOUNCED: "Announce exactly the run that the state calls for.",
  CEREMONY_EK_MISSING: "Wait until every member of the committee registered its dealing key.",
  DKG_BAD_PARAMS: "A committee has 4 to 31 members and a threshold between f+1 and n-f.",
  DKG_BAD_EK: "Prove possession of the dealing key for exactly this chain, purpose and node.",
  DKG_WRONG_SID: "Use the session id of the run that is open.",
  DKG_WRONG_PHASE: "Send this message in the phase that accepts it.",
  DKG_UNKNOWN_SENDER: "Only the member named in the message may send it.",
  DKG_BAD_POK: "The joint proof of the deal does not hold.",
  DKG_BAD_LINK: "A reshare deal must share the dealer's old share.",
  DKG_DUPLICATE_DEAL: "The dealer's first valid deal is final.",
  DKG_NO_SUCH_DEAL: "Dispute a deal that was accepted in this run.",
  DKG_ALREADY_DISQUALIFIED: "This dealer is out of the run already.",
  DKG_SLASHED: "A member convicted of a false dispute takes no further part in this run.",
  DKG_WRONG_TRANSCRIPT: "Confirm the transcript of the run as it stands now.",
  DKG_BAD_CONFIRM: "The proof of the confirmation does not hold.",
  DKG_DUPLICATE_CONFIRM: "This member's confirmation is already counted.",
  DISPUTE_REJECTED: "The disputed share is right: the complainer is convicted.",
  DISPUTE_BAD_PROOF: "The dispute's proof does not hold: the complainer is convicted.",
  SWITCH_BAD_TEST: "The test answers do not verify under the new shares.",
  SWITCH_NOT_DUE: "Switch to a run that is active and does not serve yet.",

  // Anchors.
  ANCHOR_OTHER_CHAIN: "A member anchors one private chain, always the same.",
  ANCHOR_NOT_RISING: "Anchor a greater height than the last anchored one.",

  // Records (CS01 §8).
  RECORD_ID_USED: "Use the next record nonce: this record id was used, and an id is never given again.",
  RECORD_BAD_OWNER: "Seal under the current key of a live owner account.",
  RECORD_BAD_ID: "The record id must derive from the author's key and the record nonce.",
  RECORD_BAD_HEADER: "Give the header its exact format, with chunk digests that fit the length.",
  RECORD_BAD_LENGTH: "Give the length of the payload ciphertext; it cannot be shorter than an empty stream.",
  RECORD_BAD_CUSTODIAN: "Name a member of the alliance as the custodian.",

  // Requests, grants, accesses (CS01 §9, §10.1).
  REQUEST_BAD_OWNER: "Address a live owner account.",
  GRANT_NOT_OWNER: "Only the owner's own account may grant, with its own key and its next grant nonce.",
  GRANT_BAD_FLAG: "Wrap to the recipient's registered exchange key exactly when the grant names it.",
  GRANT_BAD_SCOPE: "Encode the scope as version 1 with a purpose.",
  GRANT_BAD_TERM: "A grant must start before it expires, and expire in the future.",
  GRANT_UNKNOWN_RECIPIENT: "Grant to a live account that is registered on this chain.",
  GRANT_UNKNOWN: "Name a grant that exists.",
  GRANT_REVOKED: "The grant was revoked already.",
  GRANT_INACTIVE: "The grant does not allow this now: it is not active, or not this sender's.",
  REQ_BAD_SIZE: "Ask for 1 to 256 records at once.",
  REQ_DUPLICATE_RECORD: "Name each record once.",
  REQ_LABEL: "Name records of the grant's owner, label and key only.",
  REQ_KEY_REUSED: "Make a fresh request key for every access.",
  REQ_BAD_KEY: "Use a canonical X25519 key that is not of low order.",
  REQ_BAD_SCOPE: "Repeat the grant's scope exactly.",
  REQ_BAD_ADDRESSEE: "Address all proxies (0) or the index of one of the active committee.",
  REQ_ID_USED: "Use another request nonce: this request id exists.",

  // What a proxy says when the state does not let it answer.
  REQ_UNKNOWN: "No finalized access with this request id is known here.",
  REQ_NOT_ADDRESSED: "The request is addressed to another proxy.",
} as const;

export type LedgerCode = keyof typeof ledgerCodes;

/** The sentence of a code; codes of other packages get a general one. */
export function sentenceOf(code: string): string {
  return (ledgerCodes as Readonly<Record<string, string>>)[code] ?? "The transaction was refused.";
}
