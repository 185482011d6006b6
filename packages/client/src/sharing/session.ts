/** What every act of an enrolled person needs: node, wallet, alliance, and a sender of transactions. */
import { fromHex } from "@consilium/crypto";
import type { HttpApi } from "../api/http-api.js";
import { type Alliance, readAlliance } from "../chain/network.js";
import { TransactionSender } from "../chain/sender.js";
import type { ClientPorts } from "../ports.js";
import type { Wallet } from "../wallet/wallet.js";

export interface Session {
  /** Signs as the wallet's account. */
  readonly api: HttpApi;
  readonly ports: ClientPorts;
  readonly wallet: Wallet;
  readonly alliance: Alliance;
  readonly sender: TransactionSender;
  /** Account id as bytes. */
  readonly account: Uint8Array;
}

/** Opens a session with an API of any signer. Throws `WRONG_CHAIN` when the node serves another alliance than the wallet's. */
export async function openSession(api: HttpApi, ports: ClientPorts, wallet: Wallet): Promise<Session> {
  const { signer, content } = wallet;
  const alliance = await readAlliance(api, content.chainId);
  const signed = api.as(signer);
  const sender = new TransactionSender({ api: signed, ports, chainId: alliance.chainId, signer });
  return { api: signed, ports, wallet, alliance, sender, account: fromHex(content.account) };
}
