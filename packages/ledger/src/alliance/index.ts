import { ConsiliumError, type CryptoPool } from "@consilium/crypto";
import { ChainKind, type Genesis } from "@consilium/protocol";
import type { Application } from "../application.js";
import { Ledger } from "../ledger.js";
import { ruleOf, ruleTable } from "../rules.js";
import { accessOpen } from "./access-open.js";
import { accessRequest } from "./access-request.js";
import { advanceCeremonies } from "./ceremony/advance.js";
import { ceremonyAnnounce } from "./ceremony/announce.js";
import { ceremonyEk } from "./ceremony/ek.js";
import { ceremonyConfirm, ceremonyDeal, ceremonyDispute } from "./ceremony/message.js";
import { ceremonySwitch } from "./ceremony/switch.js";
import { chainAnchor } from "./chain-anchor.js";
import { grantCreate } from "./grant-create.js";
import { grantRevoke } from "./grant-revoke.js";
import { identityRegister } from "./identity-register.js";
import { labelClose } from "./label-close.js";
import { recordIndex } from "./record-index.js";

/** Every kind of the alliance chain. */
const rules = ruleTable(
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

/**
 * The alliance ledger: identities, key ceremonies, the security index, consents and accesses.
 * @throws ConsiliumError `LEDGER_WRONG_GENESIS` for the genesis of another kind of chain.
 */
export function createAllianceLedger(genesis: Genesis, pool: CryptoPool): Application {
  if (genesis.kind !== ChainKind.alliance) {
    throw new ConsiliumError("LEDGER_WRONG_GENESIS", "Start an alliance ledger from an alliance's genesis.");
  }
  return new Ledger({ genesis, pool, rules, startBlock: advanceCeremonies });
}
