import { httpLightSource, LightClient, verifiedAccount } from "@consilium/client";
import { inlineVoteVerifier } from "@consilium/consensus";
import { fromHex, loadCurveVoteSuite } from "@consilium/crypto";
import type { Genesis } from "@consilium/protocol";
import type { RunNode } from "../cluster/cluster.js";
import { apiPorts } from "../cluster/node-client.js";
import type { LoadAccount } from "../load/account.js";
import { answered } from "./answered.js";
import type { Witness } from "./witness.js";

/** Accounts that are read with proofs from each node; each proof is checked on the portable curve, which takes time. */
const ACCOUNTS_PER_NODE = 3;
/** A node that has just restarted proves nothing before its next block, which an idle chain makes at its heartbeat. */
const PATIENCE_MS = 60_000;

/**
 * Reads the oldest accounts from each node as a client that trusts none: from the genesis over the hand-overs of all epochs to
 * a proof under a finalized header.
 * @returns how many accounts were proven.
 */
export async function readByProofs(
  nodes: readonly RunNode[],
  genesis: Genesis,
  accounts: readonly LoadAccount[],
  witness: Witness,
): Promise<number> {
  const verifier = inlineVoteVerifier(await loadCurveVoteSuite(), apiPorts.random);
  let proven = 0;
  for (const node of nodes) {
    await answered(node, witness, async () => {
      const client = await LightClient.open({
        trust: { genesis },
        sources: [httpLightSource(node.api, node.name)],
        verifier,
        clock: apiPorts.clock,
        patienceMs: PATIENCE_MS,
      });
      for (const account of accounts.slice(0, ACCOUNTS_PER_NODE)) {
        const { value } = await verifiedAccount(client, fromHex(account.id));
        if (value === undefined)
          witness.violated(
            "TRANSACTION_LOST",
            `${node.name} proves that registered account ${account.id} does not exist.`,
          );
        else proven += 1;
      }
    });
  }
  return proven;
}
