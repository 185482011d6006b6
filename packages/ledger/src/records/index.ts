import { ConsiliumError, type CryptoPool } from "@consilium/crypto";
import { ChainKind, type Genesis } from "@consilium/protocol";
import type { Application } from "../application.js";
import { Ledger } from "../ledger.js";
import { ruleOf, ruleTable } from "../rules.js";
import { recordPut } from "./record-put.js";

/**
 * The record chain of one member: its replicas agree on what was sealed, and anchor it on the alliance chain.
 * @throws ConsiliumError `LEDGER_WRONG_GENESIS` for the genesis of another kind of chain.
 */
export function createRecordLedger(genesis: Genesis, pool: CryptoPool): Application {
  if (genesis.kind !== ChainKind.private) {
    throw new ConsiliumError(
      "LEDGER_WRONG_GENESIS",
      "Start a record chain from the genesis of a private chain.",
    );
  }
  return new Ledger({ genesis, pool, rules: ruleTable(ruleOf(recordPut)) });
}
