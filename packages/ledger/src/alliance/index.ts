import type { VoteVerifier } from "@consilium/consensus";
import { ConsiliumError, type CryptoPool } from "@consilium/crypto";
import { ChainKind, type Genesis } from "@consilium/protocol";
import type { Application } from "../application.js";
import { endEpoch } from "../elections/epoch-end.js";
import { countFacts } from "../elections/facts.js";
import { type BlockStart, Ledger } from "../ledger.js";
import { ruleOf, ruleTable } from "../rules.js";
import type { SignatureCheck } from "../verified-signatures.js";
import { accessOpen } from "./access-open.js";
import { accessRequest } from "./access-request.js";
import { candidateReady } from "./candidate-ready.js";
import { candidateRegister } from "./candidate-register.js";
import { candidateResign } from "./candidate-resign.js";
import { advanceCeremonies } from "./ceremony/advance.js";
import { ceremonyAnnounce } from "./ceremony/announce.js";
import { ceremonyEk } from "./ceremony/ek.js";
import { ceremonyConfirm, ceremonyDeal, ceremonyDispute } from "./ceremony/message.js";
import { ceremonySwitch } from "./ceremony/switch.js";
import { chainAnchor } from "./chain-anchor.js";
import { removeDeadGrants } from "./dead-grants.js";
import { evidenceConsensus } from "./evidence-consensus.js";
import { grantCreate } from "./grant-create.js";
import { grantRevoke } from "./grant-revoke.js";
import { identityRegister } from "./identity-register.js";
import { labelClose } from "./label-close.js";
import { memberApprove } from "./member-approve.js";
import { memberPropose } from "./member-propose.js";
import { recordIndex } from "./record-index.js";
import { safetyReset } from "./safety-reset.js";
import { stakeVote } from "./stake-vote.js";

/** Every kind of the alliance chain. */
const rules = ruleTable(
  ruleOf(memberPropose),
  ruleOf(memberApprove),
  ruleOf(stakeVote),
  ruleOf(candidateRegister),
  ruleOf(candidateReady),
  ruleOf(candidateResign),
  ruleOf(safetyReset),
  ruleOf(evidenceConsensus),
  ruleOf(identityRegister),
  ruleOf(labelClose),
  ruleOf(ceremonyEk),
  ruleOf(ceremonyAnnounce),
  ruleOf(ceremonyDeal),
  ruleOf(ceremonyDispute),
  ruleOf(ceremonyConfirm),
  ruleOf(ceremonySwitch),
  ruleOf(chainAnchor),
  ruleOf(recordIndex),
  ruleOf(accessRequest),
  ruleOf(grantCreate),
  ruleOf(grantRevoke),
  ruleOf(accessOpen),
);

/** What the alliance ledger takes from outside instead of doing itself. */
export interface AllianceLedgerOptions {
  /** Verifies the votes of evidence. Without it evidence/consensus cannot be judged, and its blocks not be applied. */
  readonly verifier?: VoteVerifier;
  /** Ed25519 checks; the crypto package's own when absent. */
  readonly ed25519?: SignatureCheck;
}

/**
 * The alliance ledger: members and elections, identities, key ceremonies, the security index, consents and accesses.
 * @throws ConsiliumError `LEDGER_WRONG_GENESIS` for the genesis of another kind of chain.
 */
export function createAllianceLedger(
  genesis: Genesis,
  pool: CryptoPool,
  options: AllianceLedgerOptions = {},
): Application {
  if (genesis.kind !== ChainKind.alliance) {
    throw new ConsiliumError("LEDGER_WRONG_GENESIS", "Start an alliance ledger from an alliance's genesis.");
  }
  return new Ledger({ genesis, pool, rules, startBlock, endEpoch, ...options });
}

async function startBlock(start: BlockStart): Promise<void> {
  countFacts(start);
  removeDeadGrants(start);
  await advanceCeremonies(start);
}
