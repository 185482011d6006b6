import {
  accountId,
  ConsiliumError,
  ed25519PublicKey,
  ed25519Verify,
  fromHex,
  grantId,
  requestId as requestIdOf,
  toHex,
} from "@consilium/crypto";
import {
  AccessOpen,
  AccessRequest,
  attestationBytes,
  chainIdOf,
  GrantCreate,
  GrantRevoke,
  IdentityRegister,
  presets,
  SignedTransaction,
  TransactionKind,
  transactionIdOf,
  transactionSigningBytes,
} from "@consilium/protocol";
import type {
  AccessRequestView,
  AccessView,
  AccountView,
  GrantView,
  RecordView,
  TransactionView,
} from "../../src/index.js";
import type { QuickClock } from "./platform.js";
import { seededRandom } from "./random.js";

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

export const refuse = (code: string): never => {
  throw new ConsiliumError(code, "Refused by the test's node.");
};

/** The state of the stand-in's chain, and what transactions do to it. */
export class FakeChain {
  readonly random = seededRandom("alliance");
  readonly nodeSecret = this.random.bytes(32);
  readonly exchangeSecret = this.random.bytes(32);
  readonly node = toHex(ed25519PublicKey(this.nodeSecret));
  readonly genesis = this.#genesis();
  readonly chainId = chainIdOf(this.genesis);
  readonly accounts = new Map<string, Mutable<AccountView>>();
  readonly results = new Map<string, TransactionView>();
  readonly records: RecordView[] = [];
  readonly grants: Mutable<GrantView>[] = [];
  readonly requests: (AccessRequestView & { owner: string })[] = [];
  readonly accesses: (AccessView & { requestKey: Uint8Array })[] = [];
  readonly blobs = new Map<string, Uint8Array>();
  readonly headers = new Map<string, Uint8Array>();
  readonly catalogues = new Map<string, Uint8Array>();
  /** Paths of all calls that reached a handler. */
  readonly log: string[] = [];
  height = 1;
  nextRecordNonce = 0;

  /** What goes wrong, by choice of the test. */
  readonly faults = {
    /** Indices of proxies that lie, that are down, and of key-centre nodes that send a bad part. */
    lyingProxies: new Set<number>(),
    deadProxies: new Set<number>(),
    badKeyCentre: new Set<number>(),
    /** The next calls of a path answer with this status, or break the connection with 0. */
    failures: new Map<string, number[]>(),
    /** The next submissions are accepted, but the answer is lost. */
    lostSubmissions: 0,
    /** Submissions are accepted and then lost, as when a node restarts. */
    forgetsTransactions: false,
    flipChunk: false,
  };

  constructor(
    readonly clock: QuickClock,
    /** Z, hex. */
    readonly proxyKey: string,
  ) {}

  /** Finalizes a transaction at once. */
  submit(bytes: Uint8Array): { id: string } {
    const { transaction, signature } = SignedTransaction.deserialize(bytes);
    const id = toHex(transactionIdOf(transaction));
    if (this.results.has(id) || this.faults.forgetsTransactions) return { id };
    const sender = toHex(transaction.sender);
    const isNew = transaction.kind === TransactionKind.identityRegister;
    const key = isNew
      ? IdentityRegister.deserialize(transaction.payload).signKey
      : fromHex(this.accounts.get(sender)?.signKey ?? refuse("TX_UNKNOWN_SENDER"));
    if (!ed25519Verify(key, transactionSigningBytes(transaction), signature)) refuse("SIG_INVALID");
    if (transaction.nonce !== (this.accounts.get(sender)?.nextNonce ?? 0)) refuse("TX_STALE_NONCE");
    this.height++;
    const code = this.#apply(id, transaction.kind, sender, transaction.payload);
    const account = this.accounts.get(sender);
    if (account !== undefined) account.nextNonce = transaction.nonce + 1;
    this.results.set(id, { id, state: "final", height: this.height, timeMs: this.clock.nowMs(), code });
    if (this.faults.lostSubmissions > 0) {
      this.faults.lostSubmissions--;
      throw new TypeError("connection lost after the submission");
    }
    return { id };
  }

  #apply(id: string, kind: number, sender: string, payload: Uint8Array): string | null {
    if (kind === TransactionKind.identityRegister)
      return this.#register(sender, IdentityRegister.deserialize(payload));
    if (kind === TransactionKind.grantCreate) return this.#grant(sender, GrantCreate.deserialize(payload));
    if (kind === TransactionKind.grantRevoke) {
      const { grantId: gid } = GrantRevoke.deserialize(payload);
      const grant = this.grants.find((each) => each.grantId === toHex(gid));
      if (grant !== undefined) grant.revokedHeight = this.height;
      return grant === undefined ? "GRANT_UNKNOWN" : null;
    }
    if (kind === TransactionKind.accessRequest) {
      const { owner, sealed } = AccessRequest.deserialize(payload);
      const where = { height: this.height, timeMs: this.clock.nowMs() };
      const names = { requester: sender, member: this.node, memberName: "Hospital 1" };
      this.requests.push({ id, owner: toHex(owner), sealed: toHex(sealed), ...names, ...where });
      return null;
    }
    if (kind === TransactionKind.accessOpen) return this.#open(sender, AccessOpen.deserialize(payload));
    return "TX_UNKNOWN_KIND";
  }

  #register(sender: string, identity: IdentityRegister): string | null {
    if (toHex(accountId(this.chainId, identity.signKey)) !== sender) return "IDENTITY_BAD_ID";
    if (!ed25519Verify(identity.member, attestationBytes(this.chainId, identity), identity.attestation)) {
      return "ATTESTATION_INVALID";
    }
    const isOwner = identity.ownerKeyNo > 0;
    this.accounts.set(sender, {
      account: sender,
      role: isOwner ? "owner" : "recipient",
      signKey: toHex(identity.signKey),
      exchangeKey: toHex(identity.exchangeKey),
      member: toHex(identity.member),
      kgcKeyNo: identity.kgcKeyNo,
      ownerKeyNo: identity.ownerKeyNo,
      pi: isOwner ? toHex(identity.ownerFactor.slice(48, 144)) : null,
      nextNonce: 0,
      nextGrantNonce: 0,
      registeredHeight: this.height,
    });
    return null;
  }

  #grant(sender: string, grant: GrantCreate): string | null {
    const owner = this.accounts.get(sender)!;
    owner.nextGrantNonce = grant.grantNonce + 1;
    this.grants.push({
      grantId: toHex(grantId(this.chainId, fromHex(owner.signKey), grant.grantNonce)),
      ...{
        owner: sender,
        ownerSignKey: owner.signKey,
        recipient: toHex(grant.recipient),
        label: toHex(grant.label),
      },
      ...{ kgcKeyNo: grant.kgcKeyNo, ownerKeyNo: grant.ownerKeyNo, pi: owner.pi!, zKeyNo: grant.zKeyNo },
      z: this.proxyKey,
      recipientExchangeKey: toHex(grant.recipientExchangeKey),
      ...{ notBeforeMs: grant.notBeforeMs, expiryMs: grant.expiryMs, scope: toHex(grant.scope) },
      ...{ body: toHex(grant.body), signature: toHex(grant.signature) },
      ...{ height: this.height, timeMs: this.clock.nowMs(), revokedHeight: null },
    });
    return null;
  }

  #open(sender: string, open: AccessOpen): string | null {
    const grant = this.grants.find((each) => each.grantId === toHex(open.grantId));
    if (grant === undefined || grant.recipient !== sender || grant.revokedHeight !== null)
      return "GRANT_INACTIVE";
    const views = open.recordIds.map((id) => this.records.find((each) => each.recordId === toHex(id))!);
    if (views.some(({ label }) => label !== grant.label)) return "REQ_LABEL";
    const { keyNo, shareEpoch, ...rest } = open;
    const generation = { keyNo, shareEpoch };
    const id = requestIdOf({
      chain: this.chainId,
      gid: open.grantId,
      uid: fromHex(sender),
      generation,
      ...rest,
    });
    this.accesses.push({
      ...{
        requestId: toHex(id),
        grantId: grant.grantId,
        recipient: sender,
        member: this.node,
        memberName: "Hospital 1",
      },
      ...{ label: grant.label, scope: toHex(open.scope), recordIds: open.recordIds.map(toHex) },
      ...{ height: this.height, timeMs: this.clock.nowMs(), requestKey: open.requestKey },
    });
    return null;
  }

  #genesis() {
    return {
      ...{ version: 1, kind: 1, name: new Uint8Array(), timeMs: 0, parameters: presets.devnet, seats: 4 },
      ...{ members: [], keyCentre: [], allianceChainId: new Uint8Array(32) },
    };
  }
}
