/** What every act of an enrolled person needs: node, wallet, alliance, and a sender of transactions. */
import { ConsiliumError, equalBytes, fromHex, toHex } from "@consilium/crypto";
import type { HttpApi } from "../api/http-api.js";
import { type Alliance, readAlliance } from "../chain/network.js";
import { TransactionSender } from "../chain/sender.js";
import type { LightClient } from "../light/light-client.js";
import type { ClientPorts } from "../ports.js";
import type { Wallet } from "../wallet/wallet.js";
import { type ChainFacts, nodeFacts, provenFacts } from "./chain-facts.js";

export interface Session {
  /** Signs as the wallet's account. */
  readonly api: HttpApi;
  readonly ports: ClientPorts;
  readonly wallet: Wallet;
  readonly alliance: Alliance;
  readonly sender: TransactionSender;
  /** What this session decides by: proven when it has a light client. */
  readonly facts: ChainFacts;
  /** Account id as bytes. */
  readonly account: Uint8Array;
}

/**
 * Opens a session with an API of any signer. With a light client nothing that the session decides by is taken on the
 * node's word. Throws `WRONG_CHAIN` when the node, or the light client, is of another alliance than the wallet.
 */
export async function openSession(
  api: HttpApi,
  ports: ClientPorts,
  wallet: Wallet,
  light?: LightClient,
): Promise<Session> {
  const { signer, content } = wallet;
  const alliance = await readAlliance(api, content.chainId);
  if (light !== undefined && !equalBytes(light.checkpoint.chainId, alliance.chainId)) {
    throw new ConsiliumError("WRONG_CHAIN", "The trusted genesis or checkpoint is of another alliance.", {
      expected: content.chainId,
      found: toHex(light.checkpoint.chainId),
    });
  }
  const signed = api.as(signer);
  const said = nodeFacts(signed);
  const facts = light === undefined ? said : provenFacts(said, light, signer);
  const sender = new TransactionSender({ api: signed, ports, chainId: alliance.chainId, signer });
  return { api: signed, ports, wallet, alliance, sender, facts, account: fromHex(content.account) };
}
