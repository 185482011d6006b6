/** The key centre's key under which a wallet enrolled: what a node says of it is not taken on trust. */
import {
  ConsiliumError,
  equalBytes,
  fromHex,
  OWNER_REGISTRATION_SIZE_BYTES,
  PROOF_SIZE_BYTES,
} from "@consilium/crypto";
import { type Committee, readKeyCentre } from "../chain/network.js";
import type { Session } from "./session.js";
import { ownerFactor } from "./type-keys.js";

/**
 * The key centre that serves now, if its key P is the one that the owner enrolled under: the wallet's Pi is x·P. A grant
 * is wrapped for the recipient under P, so a node that could put in a key of its own would open what it passes on.
 * Throws `KEY_CENTRE_NOT_READY`, `OWNER_FACTOR_MISSING`, `KEY_CENTRE_UNKNOWN`.
 */
export async function readEnrolledKeyCentre(session: Session, ownerKeyNo: number): Promise<Committee> {
  const { facts, ports, wallet, alliance, account } = session;
  const keyCentre = await readKeyCentre(facts);
  const { factor: factorHex, ownerKey, kgcKeyNo } = ownerFactor(session, ownerKeyNo);
  const context = {
    ...{ chain: alliance.chainId, kgcKeyNo, ownerKeyNo, pid: account },
    signKey: fromHex(wallet.content.signKey),
    groupKey: keyCentre.publicKey,
  };
  const factor = fromHex(factorHex);
  const proof = { random: ports.random.bytes(32) };
  const message = await ports.pool.run("registerOwner", { context, factor, proof });
  factor.fill(0);
  const derived = message.slice(48, OWNER_REGISTRATION_SIZE_BYTES - PROOF_SIZE_BYTES);
  if (equalBytes(derived, fromHex(ownerKey))) return keyCentre;
  throw new ConsiliumError(
    "KEY_CENTRE_UNKNOWN",
    "The node names another key of the key centre than the one this wallet enrolled under; ask another node, and tell the alliance.",
    { kgcKeyNo },
  );
}
