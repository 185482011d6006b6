/** What an owner does: collect keys, leave catalogues, read requests, grant, revoke, look back, open own records. */
import {
  ConsiliumError,
  codeOf,
  ed25519Sign,
  fromHex,
  type GrantTerms,
  grantId,
  grantSigningBytes,
  toHex,
} from "@consilium/crypto";
import {
  AccessRequestNote,
  decodeStrict,
  GrantCreate,
  GrantRevoke,
  LabelClose,
  sentenceOf,
  TransactionKind,
} from "@consilium/protocol";
import { type AccountView, type GrantView, type RecordView, routes } from "../api/contract.js";
import type { HttpApi } from "../api/http-api.js";
import { readProxies } from "../chain/network.js";
import type { FinalTransaction } from "../chain/sender.js";
import { RECORD_TYPES } from "../fhir/catalogue.js";
import type { LightClient } from "../light/light-client.js";
import { type ClientPorts, randomScalar } from "../ports.js";
import type { TypeKey } from "../wallet/content.js";
import type { Wallet } from "../wallet/wallet.js";
import { makeCatalogue } from "./catalogue-message.js";
import type { ChainFacts } from "./chain-facts.js";
import { type EnrolInput, enrol } from "./enrol.js";
import { readEnrolledKeyCentre } from "./enrolled-key-centre.js";
import { fetchPayload } from "./fetch-payload.js";
import { encodeScope, purposeOf } from "./purpose.js";
import { indexedRecord } from "./record-facts.js";
import { openFrom } from "./sealed-box.js";
import { openSession, type Session } from "./session.js";
import {
  type CollectedTypes,
  collectTypeKeys,
  labelOf,
  newestTypeKey,
  typeIdentityOf,
  typeOfLabel,
} from "./type-keys.js";

/** An access/request as the owner reads it; `code` says why one cannot be read. */
export type InboxEntry = {
  readonly id: string;
  readonly requester: string;
  readonly memberName: string;
  readonly height: number;
  readonly timeMs: number;
} & ({ readonly type: string; readonly purpose: string; readonly note: string } | { readonly code: string });

export interface GrantSummary {
  readonly grantId: string;
  readonly owner: string;
  readonly recipient: string;
  /** Plain type, or null when the wallet does not know the label. */
  readonly type: string | null;
  readonly purpose: string;
  readonly notBeforeMs: number;
  readonly expiryMs: number;
  readonly state: "active" | "expired" | "revoked";
  readonly height: number;
}

export interface AuditEntry {
  readonly requestId: string;
  readonly grantId: string;
  readonly recipient: string;
  readonly memberName: string;
  readonly type: string | null;
  readonly purpose: string;
  readonly recordIds: readonly string[];
  readonly height: number;
  readonly timeMs: number;
}

export interface GrantRequest {
  /** Account id of the recipient. */
  readonly recipient: string;
  readonly type: string;
  /** PurposeOfUse code, as TREAT. */
  readonly purpose: string;
  readonly durationMs: number;
}

export class OwnerClient {
  private constructor(readonly session: Session) {}

  /** Enrols an owner with an own owner factor, or goes on with an enrolment that was cut off. */
  static async enrol(input: Omit<EnrolInput, "role">): Promise<OwnerClient> {
    return new OwnerClient(await enrol({ ...input, role: "owner" }));
  }

  /** Opens the wallet of an enrolled owner. Throws `WRONG_CHAIN`, `WALLET_ROLE`. */
  static async open(
    api: HttpApi,
    ports: ClientPorts,
    wallet: Wallet,
    light?: LightClient,
  ): Promise<OwnerClient> {
    if (wallet.content.role !== "owner")
      throw new ConsiliumError("WALLET_ROLE", "This is a recipient's wallet; give an owner's.");
    return new OwnerClient(await openSession(api, ports, wallet, light));
  }

  get account(): string {
    return this.session.wallet.content.account;
  }

  /** Collects the keys of all types of the catalogue (or of those named) that the wallet lacks. */
  collectTypes(types: readonly string[] = RECORD_TYPES): Promise<CollectedTypes> {
    return collectTypeKeys(this.session, types);
  }

  /** Leaves the sealed type catalogue with a hospital, over that hospital's own API. Returns its number. */
  async leaveCatalogue(hospital: string, hospitalApi: HttpApi = this.session.api): Promise<number> {
    const { wallet, alliance, account, ports, facts } = this.session;
    const hospitalKey = fromHex(await facts.exchangeKeyOf(hospital));
    const number = wallet.content.nextCatalogueNumber;
    await wallet.update((content) => ({ ...content, nextCatalogueNumber: number + 1 }));
    const message = await makeCatalogue({
      address: { chainId: alliance.chainId, owner: account, hospital: fromHex(hospital), number },
      entries: wallet.content.typeKeys.map(({ type, version, salt }) => ({
        type,
        version,
        salt: fromHex(salt),
      })),
      hospitalKey,
      signer: wallet.signer,
      random: ports.random,
    });
    const api = hospitalApi.as(wallet.signer);
    await api.call(routes.putCatalogue, {}, { catalogue: toHex(message) });
    return number;
  }

  /** Requests for access, oldest first. */
  async inbox(): Promise<InboxEntry[]> {
    const { requests } = await this.session.api.call(routes.requests, {});
    return requests.map(({ id, requester, memberName, height, timeMs, sealed }) => {
      const head = { id, requester, memberName, height, timeMs };
      try {
        return { ...head, ...this.#readNote(requester, fromHex(sealed)) };
      } catch (error) {
        return { ...head, code: codeOf(error) };
      }
    });
  }

  /** Grants one type to one recipient, for one purpose and time. Returns once it is final. */
  async grant(
    request: GrantRequest,
  ): Promise<FinalTransaction & { readonly grantId: string; readonly expiryMs: number }> {
    const { facts, sender } = this.session;
    const key = newestTypeKey(this.session, request.type);
    if (key.decryptionKey === null) {
      throw new ConsiliumError("TYPE_KEY_MISSING", "Collect the key of this type first.", {
        type: request.type,
      });
    }
    const recipient = await findRecipient(facts, request.recipient);
    const { terms, nonce, ownerKeyNo } = await this.#terms(request, key, recipient);
    const body = await this.#makeBody(terms, key);
    const secret = fromHex(this.session.wallet.content.signSecret);
    const signature = ed25519Sign(secret, grantSigningBytes(terms, body));
    secret.fill(0);
    const payload = GrantCreate.serialize({
      grantNonce: nonce,
      label: terms.label,
      kgcKeyNo: terms.kgcKeyNo,
      ownerKeyNo,
      zKeyNo: terms.proxyKeyNo,
      recipient: terms.uid,
      recipientExchangeKey: terms.recipientKey,
      notBeforeMs: Number(terms.notBeforeMs),
      expiryMs: Number(terms.expiryMs),
      scope: terms.scope,
      body,
      signature,
    });
    const final = await sender.send(TransactionKind.grantCreate, payload);
    return { ...final, grantId: toHex(terms.gid), expiryMs: Number(terms.expiryMs) };
  }

  /** Revokes a grant; from the returned height on no proxy answers under it. */
  revoke(grant: string): Promise<FinalTransaction> {
    return this.session.sender.send(
      TransactionKind.grantRevoke,
      GrantRevoke.serialize({ grantId: fromHex(grant) }),
    );
  }

  /** Closes the label of a type's newest version: no new records under it. */
  closeType(type: string): Promise<FinalTransaction> {
    const label = fromHex(labelOf(this.session.account, newestTypeKey(this.session, type)));
    return this.session.sender.send(TransactionKind.labelClose, LabelClose.serialize({ label }));
  }

  /** All grants ever given. */
  async grants(): Promise<GrantSummary[]> {
    const { grants, timeMs } = await this.session.facts.grants("owner");
    return grants.map((grant) =>
      grantSummary(grant, typeOfLabel(this.session, grant.label)?.type ?? null, timeMs),
    );
  }

  /** Who opened what, why and when. */
  async audit(): Promise<AuditEntry[]> {
    const accesses = await this.session.facts.accesses();
    return accesses.map(
      ({ requestId, grantId: grant, recipient, memberName, label, scope, recordIds, height, timeMs }) => {
        const type = typeOfLabel(this.session, label)?.type ?? null;
        return {
          ...{ requestId, grantId: grant, recipient, memberName, recordIds, height, timeMs },
          type,
          purpose: purposeOf(fromHex(scope)),
        };
      },
    );
  }

  /** The owner's own index entries with their plain types. */
  async records(): Promise<(RecordView & { readonly type: string | null })[]> {
    const records = await this.session.facts.records(this.account);
    return records.map((record) => ({
      ...record,
      type: typeOfLabel(this.session, record.label)?.type ?? null,
    }));
  }

  /** Opens an own record: its plaintext (a record container). Throws `CAPSULE_INVALID`, `KEY_COMMITMENT`, `TYPE_UNKNOWN`, `PAYLOAD_DIGEST`. */
  async openRecord(view: RecordView): Promise<Uint8Array> {
    const { alliance, ports, account } = this.session;
    const typeKey = typeOfLabel(this.session, view.label);
    if (typeKey === undefined || typeKey.decryptionKey === null) {
      throw new ConsiliumError("TYPE_UNKNOWN", "The wallet has no key for this record's type.", {
        label: view.label,
      });
    }
    const record = indexedRecord(alliance.chainId, view);
    const decryptionKey = fromHex(typeKey.decryptionKey);
    const identity = typeIdentityOf(account, typeKey);
    const key = await ports.pool.run("openCapsuleAsOwner", { ...record, identity, decryptionKey });
    decryptionKey.fill(0);
    try {
      return await fetchPayload(this.session, record, key);
    } finally {
      key.fill(0);
    }
  }

  #readNote(requester: string, sealed: Uint8Array): { type: string; purpose: string; note: string } {
    const { wallet, alliance, account } = this.session;
    const secret = fromHex(wallet.content.exchangeSecret);
    const context = { tag: "ACCESS-REQUEST", parts: [alliance.chainId, account, fromHex(requester)] };
    const plaintext = openFrom(secret, context, sealed);
    secret.fill(0);
    const { type, purpose, note } = decodeStrict(AccessRequestNote, plaintext, "request");
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { type: text(type), purpose: text(purpose), note: text(note) };
  }

  async #terms(request: GrantRequest, key: TypeKey, recipient: AccountView) {
    const { facts, alliance, account, wallet } = this.session;
    const [own, proxies, timeMs] = await Promise.all([
      facts.account(this.account),
      readProxies(facts),
      facts.timeMs(),
    ]);
    const nonce = Math.max(own.nextGrantNonce, wallet.content.nextGrantNonce);
    await wallet.update((content) => ({ ...content, nextGrantNonce: nonce + 1 }));
    const factor = wallet.content.ownerFactors.find((each) => each.ownerKeyNo === key.ownerKeyNo);
    if (factor === undefined)
      throw new ConsiliumError("OWNER_FACTOR_MISSING", "The wallet lacks the owner factor.");
    const terms: GrantTerms = {
      chain: alliance.chainId,
      gid: grantId(alliance.chainId, fromHex(wallet.content.signKey), nonce),
      label: fromHex(labelOf(account, key)),
      kgcKeyNo: factor.kgcKeyNo,
      ownerKey: fromHex(factor.ownerKey),
      proxyKeyNo: proxies.generation.keyNo,
      proxyKey: proxies.publicKey,
      uid: fromHex(request.recipient),
      recipientKey: fromHex(recipient.exchangeKey),
      // Blocks count: a grant that starts by this computer's clock would not yet be active when that runs ahead.
      notBeforeMs: timeMs,
      expiryMs: timeMs + request.durationMs,
      scope: encodeScope(request.purpose),
    };
    return { terms, nonce, ownerKeyNo: key.ownerKeyNo };
  }

  async #makeBody(terms: GrantTerms, key: TypeKey): Promise<Uint8Array> {
    const { ports, account } = this.session;
    const { publicKey: groupKey } = await readEnrolledKeyCentre(this.session, key.ownerKeyNo);
    const randomness = {
      x1: ports.random.bytes(32),
      x2: ports.random.bytes(32),
      sigma: ports.random.bytes(32),
      y: randomScalar(ports.random),
      hpkeEphemeralSecret: ports.random.bytes(32),
    };
    const decryptionKey = fromHex(key.decryptionKey ?? "");
    try {
      const identity = typeIdentityOf(account, key);
      const input = { terms, groupKey, identity, salt: fromHex(key.salt), decryptionKey, randomness };
      return (await ports.pool.run("makeGrant", input)).body;
    } finally {
      for (const secret of [decryptionKey, ...Object.values(randomness)]) secret.fill(0);
    }
  }
}

async function findRecipient(facts: ChainFacts, account: string): Promise<AccountView> {
  try {
    return await facts.account(account);
  } catch (error) {
    if (codeOf(error) !== "UNKNOWN_ACCOUNT") throw error;
    throw new ConsiliumError("GRANT_UNKNOWN_RECIPIENT", sentenceOf("GRANT_UNKNOWN_RECIPIENT"), { account });
  }
}

/** A grant in plain words; `timeMs` is the chain's time. */
export function grantSummary(grant: GrantView, type: string | null, timeMs: number): GrantSummary {
  const { grantId: id, owner, recipient, notBeforeMs, expiryMs, height } = grant;
  const state = grant.revokedHeight !== null ? "revoked" : timeMs >= expiryMs ? "expired" : "active";
  const purpose = purposeOf(fromHex(grant.scope));
  return { grantId: id, owner, recipient, type, purpose, notBeforeMs, expiryMs, state, height };
}
