/** Enrolling a person: keys in a new wallet first, then the member's attestation, then the account on the chain. */
import {
  accountId,
  ConsiliumError,
  codeOf,
  ed25519PublicKey,
  fromHex,
  OWNER_REGISTRATION_SIZE_BYTES,
  PROOF_SIZE_BYTES,
  toHex,
  x25519PublicKey,
} from "@consilium/crypto";
import { IdentityRegister, Role, TransactionKind } from "@consilium/protocol";
import { type AnswerOf, type BodyOf, routes } from "../api/contract.js";
import type { HttpApi } from "../api/http-api.js";
import { type Committee, readAlliance, readKeyCentre } from "../chain/network.js";
import type { LightClient } from "../light/light-client.js";
import { type ClientPorts, randomScalar } from "../ports.js";
import { WALLET_VERSION, type WalletContent } from "../wallet/content.js";
import { Wallet, type WalletOptions } from "../wallet/wallet.js";
import { openSession, type Session } from "./session.js";

/** Asks the member's staff to vouch for a person; normally {@link HospitalClient.attest} of that member. */
export type Attest = (person: BodyOf<typeof routes.attest>) => Promise<AnswerOf<typeof routes.attest>>;

export interface EnrolInput {
  readonly api: HttpApi;
  readonly ports: ClientPorts;
  readonly wallet: WalletOptions;
  readonly role: "owner" | "recipient";
  readonly attest: Attest;
  /** Proves what the session decides by. */
  readonly light?: LightClient;
}

/**
 * Enrols a person and returns the session of the new account, final on the chain. Run again with the wallet of an
 * attempt that was cut off, it goes on with the same keys.
 * Throws `KEY_CENTRE_NOT_READY`, `WALLET_ROLE` for the wallet of another role, wallet and chain codes.
 */
export async function enrol(input: EnrolInput): Promise<Session> {
  const wallet = await openOrCreate(input);
  const session = await openSession(input.api, input.ports, wallet, input.light);
  if (!(await isRegistered(session))) await register(session, input.attest);
  return session;
}

async function openOrCreate(input: EnrolInput): Promise<Wallet> {
  if ((await input.wallet.storage.read()) !== undefined) {
    const wallet = await Wallet.open(input.wallet);
    if (wallet.content.role === input.role) return wallet;
    throw new ConsiliumError(
      "WALLET_ROLE",
      "This wallet belongs to another role; choose another place for a new one.",
    );
  }
  const expected = input.light && toHex(input.light.checkpoint.chainId);
  const { chainId } = await readAlliance(input.api, expected);
  return Wallet.create(input.wallet, newContent(input, chainId));
}

function newContent({ ports, role }: EnrolInput, chainId: Uint8Array): WalletContent {
  const signSecret = ports.random.bytes(32);
  const exchangeSecret = ports.random.bytes(32);
  const signKey = ed25519PublicKey(signSecret);
  return {
    version: WALLET_VERSION,
    role,
    chainId: toHex(chainId),
    account: toHex(accountId(chainId, signKey)),
    signSecret: toHex(signSecret),
    signKey: toHex(signKey),
    exchangeSecret: toHex(exchangeSecret),
    exchangeKey: toHex(x25519PublicKey(exchangeSecret)),
    member: "00".repeat(32),
    ownerFactors: [],
    typeKeys: [],
    userKey: null,
    openedGrants: [],
    nextGrantNonce: 0,
    nextCatalogueNumber: 1,
  };
}

async function isRegistered(session: Session): Promise<boolean> {
  try {
    await session.api.call(routes.account, { account: session.wallet.content.account });
    return true;
  } catch (error) {
    if (codeOf(error) === "UNKNOWN_ACCOUNT") return false;
    throw error;
  }
}

async function register(session: Session, attest: Attest): Promise<void> {
  const { wallet } = session;
  const { role, signKey, exchangeKey } = wallet.content;
  const attested = await attest({ role, signKey, exchangeKey });
  await wallet.update((content) => ({ ...content, member: attested.member }));
  const keyCentre = role === "owner" ? await readKeyCentre(session.facts) : undefined;
  const factor = keyCentre === undefined ? undefined : await makeFactor(session, keyCentre);
  const payload = IdentityRegister.serialize({
    signKey: fromHex(signKey),
    exchangeKey: fromHex(exchangeKey),
    role: role === "owner" ? Role.owner : Role.recipient,
    member: fromHex(attested.member),
    attestation: fromHex(attested.attestation),
    kgcKeyNo: keyCentre?.generation.keyNo ?? 0,
    ownerKeyNo: factor === undefined ? 0 : 1,
    ownerFactor: factor ?? new Uint8Array(0),
  });
  await session.sender.send(TransactionKind.identityRegister, payload);
}

/**
 * The registration of the owner factor, which is in the wallet before anything depends on it. A second attempt takes
 * the factor of the first: the first one's transaction may still become final.
 */
async function makeFactor(session: Session, keyCentre: Committee): Promise<Uint8Array> {
  const { ports, wallet, alliance, account } = session;
  const { keyNo: kgcKeyNo } = keyCentre.generation;
  const known = wallet.content.ownerFactors.find((each) => each.kgcKeyNo === kgcKeyNo);
  const factor = known === undefined ? randomScalar(ports.random) : fromHex(known.factor);
  const context = {
    chain: alliance.chainId,
    kgcKeyNo,
    ownerKeyNo: 1,
    pid: account,
    signKey: fromHex(wallet.content.signKey),
    groupKey: keyCentre.publicKey,
  };
  const proof = { random: ports.random.bytes(32) };
  const message = await ports.pool.run("registerOwner", { context, factor, proof });
  const ownerKey = toHex(message.slice(48, OWNER_REGISTRATION_SIZE_BYTES - PROOF_SIZE_BYTES));
  const entry = { ownerKeyNo: 1, kgcKeyNo, factor: toHex(factor), ownerKey };
  factor.fill(0);
  if (known === undefined) {
    await wallet.update((content) => ({ ...content, ownerFactors: [...content.ownerFactors, entry] }));
  }
  return message;
}
