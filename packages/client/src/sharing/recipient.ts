/** What a recipient does: collect the user key, ask for access, open grants, open records. */
import {
  ConsiliumError,
  ed25519Verify,
  fromHex,
  type GrantTerms,
  grantSigningBytes,
  parseIdentity,
  requestId as requestIdOf,
  toHex,
  userIdentity,
  utf8,
  x25519PublicKey,
} from "@consilium/crypto";
import { AccessOpen, AccessRequest, AccessRequestNote, TransactionKind } from "@consilium/protocol";
import type { GrantView, RecordView } from "../api/contract.js";
import type { HttpApi } from "../api/http-api.js";
import { type Committee, readKeyCentre, readProxies } from "../chain/network.js";
import type { FinalTransaction } from "../chain/sender.js";
import type { LightClient } from "../light/light-client.js";
import type { ClientPorts } from "../ports.js";
import type { OpenedGrantEntry } from "../wallet/content.js";
import type { Wallet } from "../wallet/wallet.js";
import { type EnrolInput, enrol } from "./enrol.js";
import { extractKey, type KeyCentreFault } from "./extraction.js";
import { fetchPayload } from "./fetch-payload.js";
import { type ProxyReport, type RecoverOptions, recoverKeys } from "./fragments.js";
import { type GrantSummary, grantSummary } from "./owner.js";
import { type IndexedRecord, indexedRecord } from "./record-facts.js";
import { sealTo } from "./sealed-box.js";
import { openSession, type Session } from "./session.js";

export interface AccessQuestion {
  /** Account id of the owner. */
  readonly owner: string;
  readonly type: string;
  /** PurposeOfUse code, as TREAT. */
  readonly purpose: string;
  readonly note?: string;
}

/** One record of an opening: its plaintext (a record container), or the code that says why there is none. */
export type OpenedRecord = { readonly recordId: string; readonly author: string } & (
  | { readonly bytes: Uint8Array }
  | { readonly code: string }
);

export interface OpenedRecords {
  readonly requestId: string;
  readonly type: string;
  /** Height at which the access was recorded, before anything was released. */
  readonly height: number;
  readonly records: readonly OpenedRecord[];
  readonly proxies: readonly ProxyReport[];
  readonly timings: { readonly finalMs: number; readonly fragmentsMs: number; readonly bodiesMs: number };
}

/** An access/open that is final. `requestSecret` opens its fragments; erase it after use and never reveal it. */
export interface FinalAccess extends FinalTransaction {
  readonly requestId: Uint8Array;
  readonly requestSecret: Uint8Array;
  readonly proxies: Committee;
}

export class RecipientClient {
  private constructor(readonly session: Session) {}

  /** Enrols a recipient, or goes on with an enrolment that was cut off. */
  static async enrol(input: Omit<EnrolInput, "role">): Promise<RecipientClient> {
    return new RecipientClient(await enrol({ ...input, role: "recipient" }));
  }

  /** Opens the wallet of an enrolled recipient. Throws `WRONG_CHAIN`, `WALLET_ROLE`. */
  static async open(
    api: HttpApi,
    ports: ClientPorts,
    wallet: Wallet,
    light?: LightClient,
  ): Promise<RecipientClient> {
    if (wallet.content.role !== "recipient") {
      throw new ConsiliumError("WALLET_ROLE", "This is an owner's wallet; give a recipient's.");
    }
    return new RecipientClient(await openSession(api, ports, wallet, light));
  }

  get account(): string {
    return this.session.wallet.content.account;
  }

  /** Collects the user key d_J from the key centre, unless the wallet holds it. Returns the nodes whose part was bad. */
  async collectUserKey(): Promise<readonly KeyCentreFault[]> {
    const { wallet, account, facts } = this.session;
    if (wallet.content.userKey !== null) return [];
    const { key, faults } = await extractKey(this.session, await readKeyCentre(facts), userIdentity(account));
    await wallet.update((content) => ({ ...content, userKey: toHex(key) }));
    key.fill(0);
    return faults;
  }

  /** Asks an owner for a type; only the owner can read what for. */
  async requestAccess(question: AccessQuestion): Promise<FinalTransaction> {
    const { facts, alliance, account, ports, sender } = this.session;
    const owner = await facts.account(question.owner);
    const plaintext = AccessRequestNote.serialize({
      type: utf8(question.type),
      purpose: utf8(question.purpose),
      note: utf8(question.note ?? ""),
    });
    const context = { tag: "ACCESS-REQUEST", parts: [alliance.chainId, fromHex(owner.account), account] };
    const sealed = sealTo(fromHex(owner.exchangeKey), context, plaintext, ports.random);
    const payload = AccessRequest.serialize({ owner: fromHex(owner.account), sealed });
    return sender.send(TransactionKind.accessRequest, payload);
  }

  /** Grants received; the type is known once a grant was opened. */
  async grants(): Promise<GrantSummary[]> {
    const { grants, timeMs } = await this.session.facts.grants("recipient");
    const opened = this.session.wallet.content.openedGrants;
    return grants.map((grant) => {
      const type = opened.find(({ grantId }) => grantId === grant.grantId)?.type ?? null;
      return grantSummary(grant, type, timeMs);
    });
  }

  /**
   * Opens a grant and keeps what is inside in the wallet. Throws `GRANT_UNKNOWN` when it is not this account's,
   * `USER_KEY_MISSING`, and for a grant to refuse `SIG_INVALID` or the codes of CS01 §9.
   */
  async openGrant(grantId: string): Promise<OpenedGrantEntry> {
    const { wallet, facts } = this.session;
    const known = wallet.content.openedGrants.find((entry) => entry.grantId === grantId);
    if (known !== undefined) return known;
    const { grants } = await facts.grants("recipient");
    const view = grants.find((grant) => grant.grantId === grantId);
    if (view === undefined) {
      throw new ConsiliumError("GRANT_UNKNOWN", "This account has no such grant; ask the owner for one.", {
        grantId,
      });
    }
    const entry = await this.#openView(view);
    await wallet.update((content) => ({ ...content, openedGrants: [...content.openedGrants, entry] }));
    return entry;
  }

  /** Index entries that a grant covers. */
  async recordsOf(grant: OpenedGrantEntry): Promise<RecordView[]> {
    const records = await this.#recordsOfLabel(grant);
    return records.filter(({ status, pi }) => status === "live" && pi === grant.ownerKey);
  }

  async #recordsOfLabel({ owner, label }: OpenedGrantEntry): Promise<readonly RecordView[]> {
    return this.session.facts.records(owner, label);
  }

  /**
   * Opens records under a grant: the access is final on the chain first, then fragments come from the proxies, then
   * the ciphertexts from their custodians. Named record ids are asked for as they are; without them all that the grant
   * covers. Throws the chain's code of a refused access, `REQ_BAD_SIZE` for more than 256 records (name some of them),
   * `NO_RECORDS`, `TOO_FEW_SHARES`.
   */
  async openRecords(
    grantId: string,
    options: RecoverOptions & { readonly recordIds?: readonly string[] } = {},
  ): Promise<OpenedRecords> {
    const { clock } = this.session.ports;
    const grant = await this.openGrant(grantId);
    const records = await this.#select(grant, options.recordIds);
    const startMs = clock.nowMs();
    const recordIds = records.map(({ view }) => view.recordId);
    const access = await this.submitAccess({ grantId, scope: grant.scope, recordIds });
    const finalAtMs = clock.nowMs();
    const { keys, proxies } = await this.#recover(grant, records, access, options);
    const recoveredAtMs = clock.nowMs();
    const opened: OpenedRecord[] = [];
    for (const [index, record] of records.entries()) {
      opened.push(await this.#openOne(record, keys[index]!, access.requestId));
    }
    return {
      requestId: toHex(access.requestId),
      type: grant.type,
      height: access.height,
      records: opened,
      proxies,
      timings: {
        finalMs: finalAtMs - startMs,
        fragmentsMs: recoveredAtMs - finalAtMs,
        bodiesMs: clock.nowMs() - recoveredAtMs,
      },
    };
  }

  /**
   * Submits access/open and waits until it is final; nothing is checked here, the chain decides.
   * Throws its code: `GRANT_INACTIVE`, `GRANT_UNKNOWN`, `REQ_LABEL` and so on.
   */
  async submitAccess(access: {
    readonly grantId: string;
    /** SSZ of the grant's scope, hex. */
    readonly scope: string;
    readonly recordIds: readonly string[];
  }): Promise<FinalAccess> {
    const { alliance, account, ports, sender, facts } = this.session;
    const proxies = await readProxies(facts);
    const requestSecret = ports.random.bytes(32);
    const recordIds = access.recordIds.map(fromHex);
    const fields = {
      generation: proxies.generation,
      addressee: 0,
      requestKey: x25519PublicKey(requestSecret),
      // The request key is fresh each time, so the id is unique whatever the nonce; the time tells openings apart.
      nonce: ports.clock.nowMs(),
    };
    const gid = fromHex(access.grantId);
    const requestId = requestIdOf({ chain: alliance.chainId, gid, uid: account, recordIds, ...fields });
    const { generation, ...rest } = fields;
    const payload = AccessOpen.serialize({
      grantId: gid,
      scope: fromHex(access.scope),
      recordIds,
      ...generation,
      ...rest,
    });
    try {
      const final = await sender.send(TransactionKind.accessOpen, payload);
      return { ...final, requestId, requestSecret, proxies };
    } catch (error) {
      requestSecret.fill(0);
      throw error;
    }
  }

  async #openView(view: GrantView): Promise<OpenedGrantEntry> {
    const { wallet, ports } = this.session;
    if (wallet.content.userKey === null) {
      throw new ConsiliumError("USER_KEY_MISSING", "Collect the user key from the key centre first.");
    }
    const terms = this.#termsOf(view);
    const body = fromHex(view.body);
    if (!ed25519Verify(fromHex(view.ownerSignKey), grantSigningBytes(terms, body), fromHex(view.signature))) {
      throw new ConsiliumError(
        "SIG_INVALID",
        "The grant is not signed by its owner; ask the owner for a new one.",
      );
    }
    const userKey = fromHex(wallet.content.userKey);
    const recipientSecret = fromHex(wallet.content.exchangeSecret);
    const opened = await ports.pool.run("openGrant", { terms, body, userKey, recipientSecret });
    userKey.fill(0);
    recipientSecret.fill(0);
    for (const secret of [opened.sigma, opened.x1, opened.sharedSecret]) secret?.fill(0);
    const { type, version } = typeInside(opened.identity, view.owner);
    return {
      ...{ grantId: view.grantId, owner: view.owner, label: view.label, scope: view.scope, type, version },
      identity: toHex(opened.identity),
      unmaskedKey: toHex(opened.unmaskedKey),
      y2: toHex(opened.y2),
      ownerKey: view.pi,
      proxyKeyNo: view.zKeyNo,
    };
  }

  #termsOf(view: GrantView): GrantTerms {
    return {
      chain: this.session.alliance.chainId,
      gid: fromHex(view.grantId),
      label: fromHex(view.label),
      kgcKeyNo: view.kgcKeyNo,
      ownerKey: fromHex(view.pi),
      proxyKeyNo: view.zKeyNo,
      proxyKey: fromHex(view.z),
      uid: fromHex(view.recipient),
      recipientKey: fromHex(view.recipientExchangeKey),
      notBeforeMs: view.notBeforeMs,
      expiryMs: view.expiryMs,
      scope: fromHex(view.scope),
    };
  }

  async #select(grant: OpenedGrantEntry, recordIds?: readonly string[]): Promise<IndexedRecord[]> {
    const { alliance } = this.session;
    const views =
      recordIds === undefined
        ? await this.recordsOf(grant)
        : pick(await this.#recordsOfLabel(grant), recordIds);
    if (views.length === 0) {
      throw new ConsiliumError("NO_RECORDS", "The owner has no record of this type yet.", {
        type: grant.type,
      });
    }
    return views.map((view) => indexedRecord(alliance.chainId, view));
  }

  /** Erases the request secret whatever happens. */
  async #recover(
    grant: OpenedGrantEntry,
    records: readonly IndexedRecord[],
    access: FinalAccess,
    options: RecoverOptions,
  ) {
    const { generation, threshold } = access.proxies;
    const unmaskedKey = fromHex(grant.unmaskedKey);
    try {
      const base = {
        chain: this.session.alliance.chainId,
        requestId: access.requestId,
        generation,
        threshold,
        requestSecret: access.requestSecret,
        grant: {
          unmaskedKey,
          y2: fromHex(grant.y2),
          identity: fromHex(grant.identity),
          ownerKey: fromHex(grant.ownerKey),
        },
        records: records.map(({ capsule, context, commitment }) => ({ capsule, context, commitment })),
      };
      return await recoverKeys(this.session, access.proxies, base, options);
    } finally {
      access.requestSecret.fill(0);
      unmaskedKey.fill(0);
    }
  }

  async #openOne(
    record: IndexedRecord,
    recovered: { readonly key: Uint8Array } | { readonly code: string },
    requestId: Uint8Array,
  ): Promise<OpenedRecord> {
    const { recordId, author } = record.view;
    if ("code" in recovered) return { recordId, author, code: recovered.code };
    try {
      return { recordId, author, bytes: await fetchPayload(this.session, record, recovered.key, requestId) };
    } catch (error) {
      if (!(error instanceof ConsiliumError)) throw error;
      return { recordId, author, code: error.code };
    } finally {
      recovered.key.fill(0);
    }
  }
}

function pick(records: readonly RecordView[], recordIds: readonly string[]): RecordView[] {
  return recordIds.map((id) => {
    const found = records.find(({ recordId }) => recordId === id);
    if (found !== undefined) return found;
    throw new ConsiliumError("RECORD_UNKNOWN", "The grant's type has no record with this id.", {
      recordId: id,
    });
  });
}

/** The type inside a grant's note, which must be one of the grant's own owner. */
function typeInside(identity: Uint8Array, owner: string): { type: string; version: number } {
  const parsed = parseIdentity(identity);
  if (parsed.kind === "type" && toHex(parsed.pid) === owner) {
    return { type: new TextDecoder().decode(parsed.type), version: parsed.version };
  }
  throw new ConsiliumError("GRANT_LABEL", "The grant is for a type of somebody else; refuse it.");
}
