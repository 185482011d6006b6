import {
  capsuleContext,
  type GrantTerms,
  grantId,
  grantSigningBytes,
  headerDigest,
  recordId,
  sha256,
  typeIdentity,
  typeLabel,
  utf8,
} from "@consilium/crypto";
import {
  combinePartials,
  encapsulateKey,
  extractPartial,
  makeGrant,
  ownerDecryptionKey,
  registerOwner,
  sealCapsule,
} from "@consilium/crypto/curve";
import {
  AccessOpen,
  AccessRequest,
  attestationBytes,
  GrantCreate,
  GrantRevoke,
  GrantScope,
  IdentityRegister,
  LabelClose,
  Purpose,
  RecordIndex,
  Role,
  TransactionKind,
} from "@consilium/protocol";
import { queries } from "../../src/index.js";
import { Actor, type EnvelopeOverrides } from "./actors.js";
import { CeremonyActors } from "./ceremony.js";
import { TestChain } from "./chain.js";

/** A scope for treatment, without flags. */
export const treatment = GrantScope.serialize({ version: 1, flags: 0, purpose: utf8("TREAT") });

/** A user of a chain, with what its wallet would hold. */
export class Person extends Actor {
  readonly id: Uint8Array;
  readonly factor: Uint8Array;
  readonly type = utf8("laboratory");
  readonly salt = sha256(utf8(`salt of ${this.name}`));

  constructor(
    readonly chain: TestChain,
    name: string,
    readonly role: Role,
    readonly hospital: Actor,
    /** Custodial owners have no factor. */
    readonly custodial = false,
  ) {
    super(name);
    this.id = this.account(chain.id);
    this.factor = this.random.scalar();
  }

  get identity(): Uint8Array {
    return typeIdentity({ pid: this.id, type: this.type, version: 1 });
  }

  get label(): Uint8Array {
    return typeLabel(this.identity, this.salt);
  }

  registration(overrides: Partial<IdentityRegister> = {}): IdentityRegister {
    const identity = {
      signKey: this.key,
      exchangeKey: this.exchangeKey,
      role: this.role as number,
      member: this.hospital.key,
      ...overrides,
    };
    const isOwner = this.role === Role.owner;
    return {
      ...identity,
      attestation: this.hospital.sign(attestationBytes(this.chain.id, identity)),
      kgcKeyNo: isOwner ? 1 : 0,
      ownerKeyNo: isOwner && !this.custodial ? 1 : 0,
      ownerFactor: isOwner && !this.custodial ? this.factorMessage() : new Uint8Array(0),
      ...overrides,
    };
  }

  factorMessage(pid = this.id): Uint8Array {
    const context = {
      chain: this.chain.id,
      kgcKeyNo: 1,
      ownerKeyNo: 1,
      pid,
      signKey: this.key,
      groupKey: queries.publicKeyOf(this.chain.state, Purpose.keyCentre, 1)!,
    };
    const proof = { random: this.random.bytes(32) };
    return registerOwner(this.chain.curve, { context, factor: this.factor, proof });
  }

  register(overrides: Partial<IdentityRegister> = {}, envelope: EnvelopeOverrides = {}): Uint8Array {
    const payload = this.registration(overrides);
    return this.send(TransactionKind.identityRegister, IdentityRegister, payload, envelope);
  }

  send<Value>(
    kind: number,
    type: { serialize(value: Value): Uint8Array },
    payload: Value,
    envelope: EnvelopeOverrides = {},
  ): Uint8Array {
    return this.transaction(this.chain.id, kind, type, payload, envelope);
  }

  closeLabel(label = this.label): Uint8Array {
    return this.send(TransactionKind.labelClose, LabelClose, { label });
  }

  request(owner: Uint8Array): Uint8Array {
    const payload = { owner, sealed: this.random.bytes(120) };
    return this.send(TransactionKind.accessRequest, AccessRequest, payload);
  }

  revoke(gid: Uint8Array): Uint8Array {
    return this.send(TransactionKind.grantRevoke, GrantRevoke, { grantId: gid });
  }

  /** d_I from a quorum of the key centre, and D from it, as the owner's wallet does. */
  private decryptionKey(centre: CeremonyActors): Uint8Array {
    const { curve, state } = this.chain;
    const { publicKey, threshold } = queries.activeCommittee(state, Purpose.keyCentre)!;
    const { identity } = this;
    const parts = [1, 2, 3].map((index) => ({
      index,
      partial: extractPartial(curve, { share: centre.share(index), identity }),
    }));
    const typeKey = combinePartials(curve, { parts, threshold, identity, groupKey: publicKey });
    return this.custodial ? typeKey : ownerDecryptionKey(curve, { typeKey, factor: this.factor });
  }

  /** A grant's payload as the owner's wallet makes it; overrides of public fields are signed too. */
  grant(
    world: World,
    recipient: Person,
    overrides: Partial<Omit<GrantCreate, "body" | "signature">> = {},
  ): GrantCreate {
    const { chain } = this;
    const fields = {
      grantNonce: queries.nextNonces(chain.state, this.id).grant,
      label: this.label,
      kgcKeyNo: 1,
      ownerKeyNo: this.custodial ? 0 : 1,
      zKeyNo: 1,
      recipient: recipient.id,
      recipientExchangeKey: recipient.exchangeKey,
      notBeforeMs: chain.timeMs,
      expiryMs: chain.timeMs + 3_600_000,
      scope: treatment,
      ...overrides,
    };
    const terms = this.termsOf(fields);
    const { body } = makeGrant(chain.curve, {
      terms: { ...terms, label: this.label },
      groupKey: queries.publicKeyOf(chain.state, Purpose.keyCentre, 1)!,
      identity: this.identity,
      salt: this.salt,
      decryptionKey: this.decryptionKey(world.centre),
      randomness: {
        x1: this.random.bytes(32),
        sigma: this.random.bytes(32),
        y: this.random.scalar(),
        x2: this.random.bytes(32),
        hpkeEphemeralSecret: this.random.bytes(32),
      },
    });
    return { ...fields, body, signature: this.sign(grantSigningBytes(terms, body)) };
  }

  private termsOf(fields: Omit<GrantCreate, "body" | "signature">): GrantTerms {
    const { state, id: chain } = this.chain;
    const owner = queries.ownerKey(state, this.id, fields.kgcKeyNo, fields.ownerKeyNo);
    return {
      chain,
      gid: grantId(chain, this.key, fields.grantNonce),
      label: fields.label,
      kgcKeyNo: fields.kgcKeyNo,
      ownerKey: owner ?? queries.publicKeyOf(state, Purpose.keyCentre, 1)!,
      proxyKeyNo: fields.zKeyNo,
      proxyKey: queries.publicKeyOf(state, Purpose.proxy, 1)!,
      uid: fields.recipient,
      recipientKey: fields.recipientExchangeKey,
      notBeforeMs: fields.notBeforeMs,
      expiryMs: fields.expiryMs,
      scope: fields.scope,
    };
  }

  sendGrant(payload: GrantCreate): Uint8Array {
    return this.send(TransactionKind.grantCreate, GrantCreate, payload);
  }

  /** An access to records under a grant, with a fresh request key. */
  open(gid: Uint8Array, recordIds: Uint8Array[], overrides: Partial<AccessOpen> = {}): Uint8Array {
    const requestKey = new Actor(`request ${this.name} ${this.requests++}`).exchangeKey;
    return this.send(TransactionKind.accessOpen, AccessOpen, {
      grantId: gid,
      scope: treatment,
      keyNo: 1,
      shareEpoch: 1,
      addressee: 0,
      requestKey,
      nonce: 0,
      recordIds,
      ...overrides,
    });
  }

  private requests = 0;
}

/** A record's index entry as its author's client makes it: sealed for the owner's identity under the owner's key. */
export function indexEntry(
  chain: TestChain,
  author: Actor,
  owner: Person,
  recordNonce: number,
  overrides: Partial<RecordIndex> = {},
): RecordIndex {
  const ownerKeyNo = overrides.ownerKeyNo ?? (owner.custodial ? 0 : 1);
  const { state, curve } = chain;
  const group = queries.publicKeyOf(state, Purpose.keyCentre, 1)!;
  const ownerKey = queries.ownerKey(state, owner.id, 1, ownerKeyNo) ?? group;
  const randomness = author.random.scalar();
  const { commitment } = encapsulateKey(curve, { identity: owner.identity, ownerKey, randomness });
  const digest = author.random.bytes(32);
  const facts = {
    chain: chain.id,
    recordId: recordId(chain.id, author.key, recordNonce),
    author: author.key,
    label: owner.label,
    kgcKeyNo: 1,
    ownerKey,
    headerDigest: headerDigest(utf8("header")),
    payloadSizeBytes: 1_000,
    payloadDigest: digest,
  };
  const capsule = sealCapsule(curve, { randomness, context: capsuleContext(facts, commitment) });
  return {
    recordNonce,
    owner: owner.id,
    label: owner.label,
    kgcKeyNo: 1,
    ownerKeyNo,
    headerDigest: facts.headerDigest,
    lengthBytes: 1_000,
    digest,
    commitment,
    capsule,
    custodian: author.key,
    privateHeight: 3,
    dateBucket: 19_700,
    ...overrides,
  };
}

export const sendIndex = (chain: TestChain, author: Actor, entry: RecordIndex): Uint8Array =>
  author.transaction(chain.id, TransactionKind.recordIndex, RecordIndex, entry);

/** A chain with both committees serving and a few people enrolled. */
export interface World {
  readonly chain: TestChain;
  readonly centre: CeremonyActors;
  readonly proxies: CeremonyActors;
  readonly owner: Person;
  readonly otherOwner: Person;
  readonly custodialOwner: Person;
  readonly otherCustodialOwner: Person;
  readonly clinician: Person;
  readonly otherClinician: Person;
}

export async function makeWorld(): Promise<World> {
  const chain = await TestChain.start();
  const centre = new CeremonyActors(chain, Purpose.keyCentre);
  const proxies = new CeremonyActors(chain, Purpose.proxy);
  await centre.complete();
  await proxies.complete();
  const person = (name: string, role: Role, hospital: number, custodial = false): Person =>
    new Person(chain, name, role, chain.member(hospital), custodial);
  const world = {
    chain,
    centre,
    proxies,
    owner: person("synthetic owner", Role.owner, 0),
    otherOwner: person("synthetic other owner", Role.owner, 1),
    custodialOwner: person("synthetic custodial owner", Role.owner, 0, true),
    otherCustodialOwner: person("synthetic other custodial owner", Role.owner, 1, true),
    clinician: person("clinician", Role.recipient, 2),
    otherClinician: person("other clinician", Role.recipient, 3),
  };
  const people = Object.values(world).filter((each) => each instanceof Person);
  const { codes } = await chain.block(people.map((each) => each.register()));
  if (codes.some((code) => code !== "OK")) throw new Error(`not enrolled: ${codes.join(" ")}`);
  return world;
}

/** Indexes one record of an owner and returns its id. */
export async function addRecord(
  world: World,
  owner: Person,
  author = world.chain.member(0),
): Promise<Uint8Array> {
  const { chain } = world;
  const nonce = queries.nextNonces(chain.state, author.account(chain.id)).record;
  const code = await chain.send(sendIndex(chain, author, indexEntry(chain, author, owner, nonce)));
  if (code !== "OK") throw new Error(`not indexed: ${code}`);
  return recordId(chain.id, author.key, nonce);
}

/** Creates a grant and returns its id. */
export async function addGrant(
  world: World,
  owner: Person,
  recipient: Person,
  overrides: Partial<Omit<GrantCreate, "body" | "signature">> = {},
): Promise<Uint8Array> {
  const payload = owner.grant(world, recipient, overrides);
  const code = await world.chain.send(owner.sendGrant(payload));
  if (code !== "OK") throw new Error(`not granted: ${code}`);
  return grantId(world.chain.id, owner.key, payload.grantNonce);
}
