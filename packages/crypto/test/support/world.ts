import { utf8 } from "../../src/bytes.js";
import { capsuleContext, headerDigest } from "../../src/capsule.js";
import type { Curve } from "../../src/curve/curve.js";
import { encodeScalar } from "../../src/curve/encoding.js";
import { SCALAR_ORDER } from "../../src/curve/order.js";
import { ed25519PublicKey } from "../../src/ed25519.js";
import type { FragmentContext } from "../../src/fragment.js";
import type { GrantTerms } from "../../src/grant-terms.js";
import { hashToScalar, sha256 } from "../../src/hash.js";
import { accountId, grantId, recordId, typeIdentity, typeLabel, userIdentity } from "../../src/identity.js";
import { type CryptoPool, InlineCryptoPool } from "../../src/pool.js";
import { type AccessRequest, requestId } from "../../src/request.js";
import { x25519PublicKey } from "../../src/x25519.js";

/** 32 deterministic bytes, different for every label. */
export const seed = (label: string): Uint8Array => sha256(utf8(`test seed ${label}`));
/** A deterministic scalar as 32 bytes. */
export const scalar = (label: string): Uint8Array => encodeScalar(hashToScalar("TEST", utf8(label)));

/** A shared key made by one trusted dealer: enough for tests of what is done with shares. */
export interface SharedKey {
  readonly secret: Uint8Array;
  /** Shares of members 1..n, at positions 0..n−1. */
  readonly shares: readonly Uint8Array[];
}

export function shareKey(label: string, members: number, threshold: number): SharedKey {
  const coefficients = Array.from({ length: threshold }, (_, i) =>
    hashToScalar("TEST", utf8(`${label} ${i}`)),
  );
  const at = (x: bigint): Uint8Array =>
    encodeScalar(coefficients.reduceRight((sum, coefficient) => (sum * x + coefficient) % SCALAR_ORDER, 0n));
  return { secret: at(0n), shares: Array.from({ length: members }, (_, i) => at(BigInt(i + 1))) };
}

const secretOf = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);

/** A record sealed by the world's author. */
export interface SealedRecord {
  readonly recordId: Uint8Array;
  readonly capsule: Uint8Array;
  readonly context: Uint8Array;
  readonly commitment: Uint8Array;
  readonly key: Uint8Array;
}

/**
 * An alliance of one owner, one author, one clinician, n key centres and n proxies, where `makes` does what produces
 * bytes and `reads` what consumes them: two different backends prove that they are interchangeable.
 */
export class World {
  readonly chain = seed("chain");
  readonly ownerSign = ed25519PublicKey(seed("owner"));
  readonly author = ed25519PublicKey(seed("author"));
  readonly pid = accountId(this.chain, this.ownerSign);
  readonly uid = accountId(this.chain, ed25519PublicKey(seed("clinician")));
  readonly salt = seed("salt");
  readonly factor = scalar("owner factor");
  readonly recipientSecret = seed("recipient x25519");
  readonly generation = { keyNo: 4, shareEpoch: 2 };
  readonly makes: CryptoPool;
  readonly reads: CryptoPool;
  readonly kgc: SharedKey;
  readonly proxies: SharedKey;
  /** P, 96 bytes. */
  readonly groupKey: Uint8Array;
  /** Z, 48 bytes. */
  readonly proxyKey: Uint8Array;

  constructor(
    private readonly maker: Curve,
    reader: Curve,
    readonly members = 4,
    readonly threshold = 3,
  ) {
    this.makes = new InlineCryptoPool(maker);
    this.reads = new InlineCryptoPool(reader);
    this.kgc = shareKey("kgc", members, threshold);
    this.proxies = shareKey("proxies", members, threshold);
    this.groupKey = this.publicG2(this.kgc.secret);
    this.proxyKey = this.publicG1(this.proxies.secret);
  }

  publicG1(secret: Uint8Array): Uint8Array {
    return this.maker.g1.toBytes(this.maker.g1.multiplyGenerator(secretOf(secret)));
  }

  publicG2(secret: Uint8Array): Uint8Array {
    return this.maker.g2.toBytes(this.maker.g2.multiplyGenerator(secretOf(secret)));
  }

  identity(version = 1): Uint8Array {
    return typeIdentity({ pid: this.pid, type: utf8("laboratory"), version });
  }

  ownerContext() {
    const { chain, pid, groupKey } = this;
    return { chain, kgcKeyNo: 1, ownerKeyNo: 1, pid, signKey: this.ownerSign, groupKey };
  }

  /** Registers the owner factor and returns Pi as the reader checked it. */
  async register(): Promise<Uint8Array> {
    const context = this.ownerContext();
    const proof = { random: seed("owner proof") };
    const message = await this.makes.run("registerOwner", { context, factor: this.factor, proof });
    return (await this.reads.run("checkOwnerRegistration", { context, message })).ownerKey;
  }

  /** Sealed partial keys of all key centres for an identity. */
  async sealedParts(identity: Uint8Array) {
    const transportKey = await this.reads.run("transportPublicKey", { transportSecret: scalar("transport") });
    return Promise.all(
      this.kgc.shares.map(async (share, i) => ({
        index: i + 1,
        verificationKey: this.publicG2(share),
        sealed: await this.makes.run("sealPartial", {
          share,
          identity,
          transportKey,
          blinding: { random: seed(`blinding ${i}`) },
        }),
      })),
    );
  }

  /** d_I from the key centres. */
  async extract(identity: Uint8Array): Promise<Uint8Array> {
    const { key, faults } = await this.reads.run("collectIdentityKey", {
      parts: await this.sealedParts(identity),
      threshold: this.threshold,
      identity,
      groupKey: this.groupKey,
      transportSecret: scalar("transport"),
    });
    if (faults.length > 0) throw new Error("an honest key centre was blamed");
    return key;
  }

  /** D = x·d_I. */
  async decryptionKey(version = 1): Promise<Uint8Array> {
    const typeKey = await this.extract(this.identity(version));
    return this.makes.run("ownerDecryptionKey", { typeKey, factor: this.factor });
  }

  recordFacts(nonce: number, ownerKey: Uint8Array, version = 1) {
    return {
      chain: this.chain,
      recordId: recordId(this.chain, this.author, nonce),
      author: this.author,
      label: typeLabel(this.identity(version), this.salt),
      kgcKeyNo: 1,
      ownerKey,
      headerDigest: headerDigest(utf8(`header ${nonce}`)),
      payloadSizeBytes: 1000 + nonce,
      payloadDigest: seed(`payload ${nonce}`),
    };
  }

  /** Seals one record of the owner, as its author does. */
  async seal(nonce: number, ownerKey: Uint8Array, version = 1): Promise<SealedRecord> {
    const randomness = scalar(`r ${nonce} ${version}`);
    const identity = this.identity(version);
    const { key, commitment } = await this.makes.run("encapsulateKey", { identity, ownerKey, randomness });
    const facts = this.recordFacts(nonce, ownerKey, version);
    const context = capsuleContext(facts, commitment);
    const capsule = await this.makes.run("sealCapsule", { randomness, context });
    return { recordId: facts.recordId, capsule, context, commitment, key };
  }

  grantTerms(ownerKey: Uint8Array, changes: Partial<GrantTerms> = {}): GrantTerms {
    return {
      chain: this.chain,
      gid: grantId(this.chain, this.ownerSign, 1),
      label: typeLabel(this.identity(), this.salt),
      kgcKeyNo: 1,
      ownerKey,
      proxyKeyNo: this.generation.keyNo,
      proxyKey: this.proxyKey,
      uid: this.uid,
      recipientKey: x25519PublicKey(this.recipientSecret),
      notBeforeMs: 1_000,
      expiryMs: 9_000,
      scope: utf8("read"),
      ...changes,
    };
  }

  /** The body of a grant. */
  async grant(terms: GrantTerms, label = "grant"): Promise<Uint8Array> {
    const { body } = await this.makes.run("makeGrant", {
      terms,
      groupKey: this.groupKey,
      identity: this.identity(),
      salt: this.salt,
      decryptionKey: await this.decryptionKey(),
      randomness: {
        x1: seed(`${label} x1`),
        sigma: seed(`${label} sigma`),
        y: scalar(`${label} y`),
        x2: seed(`${label} x2`),
        hpkeEphemeralSecret: seed(`${label} hpke`),
      },
    });
    return body;
  }

  /** What the clinician keeps of an opened grant. */
  async openGrant(terms: GrantTerms, body: Uint8Array) {
    const userKey = await this.extract(userIdentity(this.uid));
    const { recipientSecret } = this;
    const opened = await this.reads.run("openGrant", { terms, body, userKey, recipientSecret });
    return { ...opened, ownerKey: terms.ownerKey };
  }

  request(records: readonly SealedRecord[], changes: Partial<AccessRequest> = {}): AccessRequest {
    return {
      chain: this.chain,
      gid: grantId(this.chain, this.ownerSign, 1),
      uid: this.uid,
      addressee: 0,
      generation: this.generation,
      requestKey: x25519PublicKey(seed("request")),
      nonce: 1,
      recordIds: records.map((record) => record.recordId),
      ...changes,
    };
  }

  fragmentContext(request: AccessRequest, index: number): FragmentContext {
    return {
      chain: this.chain,
      requestId: requestId(request),
      generation: request.generation,
      index,
      verificationKey: this.publicG1(this.proxies.shares[index - 1]!),
    };
  }

  nodeSecret(index: number): Uint8Array {
    return seed(`node ${index}`);
  }

  nodeKey(index: number): Uint8Array {
    return ed25519PublicKey(this.nodeSecret(index));
  }

  /** Proxy k's sealed answer. */
  async respond(request: AccessRequest, records: readonly SealedRecord[], index: number) {
    return this.makes.run("respondToRequest", {
      context: this.fragmentContext(request, index),
      share: this.proxies.shares[index - 1]!,
      records,
      requestKey: request.requestKey,
      proof: { random: seed(`dleq ${index}`) },
      ephemeralSecret: seed(`ephemeral ${index} ${request.nonce}`),
      signingSecret: this.nodeSecret(index),
    });
  }

  /** Sealed answers of the given proxies, as the recipient holds them. */
  async collect(request: AccessRequest, records: readonly SealedRecord[], indices: readonly number[]) {
    return Promise.all(
      indices.map(async (index) => ({
        index,
        nodeKey: this.nodeKey(index),
        verificationKey: this.fragmentContext(request, index).verificationKey,
        sealed: (await this.respond(request, records, index)).sealed,
      })),
    );
  }
}

/** Proxies 1..count. */
export const firstIndices = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
