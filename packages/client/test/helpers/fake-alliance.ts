/**
 * A stand-in for a hospital's node behind `fetch`, for tests of the SDK alone: real cryptography, real request
 * signatures, a chain that finalizes each transaction at once. What the chain must refuse is tested with the ledger and
 * with real nodes; this one refuses only what tests of the SDK ask for.
 */
import {
  accountId,
  ConsiliumError,
  type CryptoPool,
  concat,
  ed25519Sign,
  extractionAnswerBytes,
  extractionAnswerSigningBytes,
  fromHex,
  headerDigest,
  payloadPieceSizeBytes,
  recordId,
  sealFragment,
  toHex,
  verifyExtractionRequest,
  x25519PublicKey,
} from "@consilium/crypto";
import { answerFragment, type Curve, loadCurve } from "@consilium/crypto/curve";
import {
  attestationBytes,
  BodyChunkRequest,
  BodyChunkResponse,
  ExtractRequest,
  Genesis,
  RecordHeader,
  RecordPut,
} from "@consilium/protocol";
import {
  checkBody,
  indexedRecord,
  openCatalogue,
  parseCatalogue,
  ReplayGuard,
  type Route,
  requestTarget,
  routes,
  verifyRequest,
} from "../../src/index.js";
import { type DealtCommittee, dealCommittee } from "./committees.js";
import { FakeChain, refuse } from "./fake-chain.js";
import type { QuickClock } from "./platform.js";
import { seededRandom } from "./random.js";
export const BASE_URL = "http://node.test:8101";

interface Call {
  readonly parameters: Readonly<Record<string, string>>;
  /** JSON body of the call. */
  readonly body: Readonly<Record<string, never>>;
  readonly octets: Uint8Array;
  /** Key id of who signed. */
  readonly signer: string;
}
type Handler = (call: Call) => unknown | Promise<unknown>;

export class FakeAlliance extends FakeChain {
  private constructor(
    readonly curve: Curve,
    readonly pool: CryptoPool,
    clock: QuickClock,
    readonly keyCentre: DealtCommittee,
    readonly proxies: DealtCommittee,
  ) {
    super(clock, proxies.view.publicKey);
  }

  static async start(pool: CryptoPool, clock: QuickClock): Promise<FakeAlliance> {
    const curve = await loadCurve();
    const random = seededRandom("committees");
    const size = { count: 4, threshold: 3 };
    const keyCentre = dealCommittee(curve, random, "key-centre", size);
    return new FakeAlliance(curve, pool, clock, keyCentre, dealCommittee(curve, random, "proxy", size));
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const url = new URL(String(input));
    const failure = this.faults.failures.get(url.pathname)?.shift();
    if (failure === 0) throw new TypeError("connection refused");
    if (failure !== undefined) return refusalResponse(failure, "NOT_READY");
    const octets = init?.body === undefined ? new Uint8Array() : (init.body as Uint8Array);
    try {
      const { route, handler, parameters } = this.#match(String(init?.method), url);
      const headers = (init?.headers ?? {}) as Record<string, string>;
      const signer = await this.#authenticate(route, url, headers, octets);
      this.log.push(url.pathname);
      const body = route.requestBody === "json" ? JSON.parse(new TextDecoder().decode(octets)) : {};
      const answer = await handler({ parameters, body, octets, signer });
      if (answer instanceof Uint8Array) return new Response(answer as Uint8Array<ArrayBuffer>);
      return new Response(JSON.stringify(answer));
    } catch (error) {
      if (!(error instanceof ConsiliumError)) throw error;
      return refusalResponse(
        error.code.startsWith("AUTH_") ? 401 : error.code === "UNKNOWN_ACCOUNT" ? 404 : 422,
        error.code,
      );
    }
  };

  readonly #replays = new ReplayGuard();

  async #authenticate(
    route: Route<unknown, unknown, unknown>,
    url: URL,
    headers: Record<string, string>,
    octets: Uint8Array,
  ): Promise<string> {
    if (route.role === "public") return "";
    const verified = await verifyRequest({
      message: { method: route.method, headers, ...requestTarget(url) },
      hasBody: octets.length > 0,
      nowMs: this.clock.nowMs(),
      keyOf: (keyId) => {
        if (keyId === this.node) return fromHex(this.node);
        const account = this.accounts.get(keyId);
        return account && fromHex(account.signKey);
      },
      isOwnAuthority: (authority) => authority === new URL(BASE_URL).host,
    });
    if ((route.role === "admin") !== (verified.keyId === this.node)) refuse("ROLE_REQUIRED");
    this.#replays.claim(verified, this.clock.nowMs());
    checkBody(verified, octets);
    return verified.keyId;
  }

  #match(method: string, url: URL) {
    for (const [name, route] of Object.entries(routes)) {
      const names = [...route.path.matchAll(/:([a-zA-Z]+)/g)].map((each) => each[1]!);
      const pattern = new RegExp(`^${route.path.replace(/:[a-zA-Z]+/g, "([^/]+)")}$`);
      const match = route.method === method ? pattern.exec(url.pathname) : null;
      if (match === null) continue;
      const inPath = names.map((each, place) => [each, decodeURIComponent(match[place + 1]!)] as const);
      const parameters = Object.fromEntries([...url.searchParams, ...inPath]);
      const handler = this.#handlers[name as keyof typeof routes];
      return { route: route as Route<unknown, unknown, unknown>, handler, parameters };
    }
    return refuse("ROUTE_UNKNOWN");
  }

  readonly #handlers: Record<keyof typeof routes, Handler> = {
    status: () => ({ alliance: { finalizedHeight: this.height, finalizedTimeMs: this.clock.nowMs() } }),
    genesis: () => this.#genesisView(),
    committees: () => ({ keyCentre: this.keyCentre.view, proxy: this.proxies.view }),
    ceremonies: () => ({ ceremonies: [] }),
    account: ({ parameters }) => this.accounts.get(parameters.account!) ?? refuse("UNKNOWN_ACCOUNT"),
    submitTransaction: ({ body }) => this.submit(fromHex(body.transaction!)),
    transaction: ({ parameters }) =>
      this.results.get(parameters.id!) ?? {
        ...{ id: parameters.id!, state: "unknown", height: null, timeMs: null, code: null },
      },
    // This stand-in has no consensus, so it can prove nothing: light clients are tested on a chain that has.
    block: () => refuse("BLOCK_UNKNOWN"),
    epoch: () => refuse("EPOCH_UNKNOWN"),
    delegates: () => ({ epoch: 0, delegates: [] }),
    candidates: () => ({ epoch: 0, candidates: [] }),
    members: () => ({ members: [] }),
    proposals: () => ({ proposals: [] }),
    memberAct: () => refuse("TX_NOT_ALLOWED"),
    lightHead: () => refuse("NOT_PROVABLE"),
    lightHandovers: () => ({ handovers: [] }),
    lightProof: () => refuse("NOT_PROVABLE"),
    extract: ({ body }) => this.#extract(fromHex(body.request!)),
    fragment: ({ body }) => this.#fragment(body.requestId!, body.index!),
    bodyChunk: ({ body }) => this.#chunk(fromHex(body.request!)),
    records: ({ parameters }) => ({
      records: this.records.filter(
        ({ owner, label }) =>
          owner === parameters.owner && (parameters.label === undefined || label === parameters.label),
      ),
    }),
    grants: ({ parameters, signer }) => ({
      timeMs: this.clock.nowMs(),
      grants: this.grants.filter((grant) => grant[parameters.as as "owner"] === signer),
    }),
    requests: ({ signer }) => ({ requests: this.requests.filter(({ owner }) => owner === signer) }),
    audit: ({ signer }) => ({
      accesses: this.accesses.filter(
        ({ grantId: id }) => this.grants.find((g) => g.grantId === id)!.owner === signer,
      ),
    }),
    putCatalogue: ({ body, signer }) => {
      const message = fromHex(body.catalogue!);
      this.catalogues.set(signer, message);
      return { number: parseCatalogue(message).number };
    },
    attest: ({ body }) => this.#attest(body),
    catalogue: ({ parameters }) => this.#catalogue(parameters.owner!),
    reserveRecords: () => {
      const recordNonce = this.nextRecordNonce++;
      const id = toHex(recordId(this.chainId, fromHex(this.node), recordNonce));
      return { author: this.node, reserved: [{ recordNonce, recordId: id }] };
    },
    putBlob: ({ parameters, octets }) => {
      this.blobs.set(parameters.digest!, octets);
      return { digest: parameters.digest!, lengthBytes: octets.length };
    },
    putRecord: ({ body }) => this.#putRecord(RecordPut.deserialize(fromHex(body.record!))),
    hospitalRecords: () => ({ records: [] }),
    demoLie: ({ body }) => ({ lie: body.lie! }),
  };

  async #extract(bytes: Uint8Array): Promise<{ answer: string }> {
    const { account, index, keyNo, shareEpoch, request, signature } = ExtractRequest.deserialize(bytes);
    const member = this.keyCentre.members[index - 1]!;
    const address = { chain: this.chainId, generation: { keyNo, shareEpoch }, index };
    const accountKey = fromHex(this.accounts.get(toHex(account))!.signKey);
    const asked = verifyExtractionRequest({
      address,
      request,
      signature,
      accountKey,
      nowMs: this.clock.nowMs(),
    });
    const share = this.faults.badKeyCentre.has(index)
      ? this.keyCentre.members[index % 4]!.share
      : member.share;
    const { identity, transportKey } = asked;
    const blinding = { random: this.random.bytes(32) };
    const sealed = await this.pool.run("sealPartial", { share, identity, transportKey, blinding });
    const answer = extractionAnswerBytes({ ...address, sealed });
    const signed = ed25519Sign(
      member.nodeSecret,
      extractionAnswerSigningBytes(this.chainId, request, answer),
    );
    return { answer: toHex(concat(answer, signed)) };
  }

  async #fragment(requestId: string, index: number): Promise<{ fragment: string }> {
    if (this.faults.deadProxies.has(index)) refuse("PROXY_NO_SHARE");
    const access = this.accesses.find((each) => each.requestId === requestId) ?? refuse("REQ_UNKNOWN");
    const { share, nodeSecret: signingSecret } = this.proxies.members[index - 1]!;
    const verificationKey = fromHex(this.proxies.view.members[index - 1]!.verificationKey);
    const generation = { keyNo: 1, shareEpoch: 0 };
    const context = {
      chain: this.chainId,
      requestId: fromHex(requestId),
      generation,
      index,
      verificationKey,
    };
    const records = access.recordIds.map((id) =>
      indexedRecord(this.chainId, this.records.find((each) => each.recordId === id)!),
    );
    const [proof, ephemeralSecret] = [{ random: this.random.bytes(32) }, this.random.bytes(32)];
    const seal = { context, requestKey: access.requestKey, ephemeralSecret, signingSecret };
    if (this.faults.lyingProxies.has(index)) {
      // A share that is not this proxy's: the fragment is well formed, and its proof does not hold.
      const wrong = this.proxies.members[index % 4]!.share;
      const u1 = records.map(({ capsule }) => capsule.slice(0, 48));
      return {
        fragment: toHex(
          sealFragment({ ...seal, ...answerFragment(this.curve, { context, share: wrong, u1, proof }) }),
        ),
      };
    }
    const { sealed } = await this.pool.run("respondToRequest", { ...seal, share, records, proof });
    return { fragment: toHex(sealed) };
  }

  #chunk(bytes: Uint8Array): Uint8Array {
    const request = BodyChunkRequest.deserialize(bytes);
    const id = toHex(request.recordId);
    const file = this.blobs.get(this.records.find((each) => each.recordId === id)!.digest)!;
    const pieceBytes = payloadPieceSizeBytes(RecordHeader.deserialize(this.headers.get(id)!).log2ChunkBytes);
    const from = request.chunk === 0 ? 0 : 22 + request.chunk * pieceBytes;
    const chunk = file.slice(from, 22 + (request.chunk + 1) * pieceBytes);
    if (this.faults.flipChunk) chunk[chunk.length - 1]! ^= 1;
    return BodyChunkResponse.serialize({
      header: request.chunk === 0 ? this.headers.get(id)! : new Uint8Array(),
      chunk,
    });
  }

  #attest(body: Readonly<Record<string, string>>) {
    const identity = {
      signKey: fromHex(body.signKey!),
      exchangeKey: fromHex(body.exchangeKey!),
      role: body.role === "owner" ? 1 : 2,
      member: fromHex(this.node),
    };
    const attestation = ed25519Sign(this.nodeSecret, attestationBytes(this.chainId, identity));
    const account = toHex(accountId(this.chainId, identity.signKey));
    return { account, member: this.node, attestation: toHex(attestation) };
  }

  #catalogue(owner: string) {
    const message = this.catalogues.get(owner) ?? refuse("NO_CATALOGUE");
    const opened = openCatalogue({
      message,
      chainId: this.chainId,
      hospital: fromHex(this.node),
      ownerSignKey: fromHex(this.accounts.get(owner)!.signKey),
      exchangeSecret: this.exchangeSecret,
    });
    const entries = opened.entries.map((entry) => ({ ...entry, salt: toHex(entry.salt) }));
    return { owner, number: opened.number, entries };
  }

  #putRecord(put: RecordPut) {
    const id = toHex(put.recordId);
    const known = this.records.find((each) => each.recordId === id);
    const answer = { recordId: id, privateHeight: 1, height: this.height, transaction: "00".repeat(32) };
    if (known !== undefined) return known.capsule === toHex(put.capsule) ? answer : refuse("RECORD_ID_USED");
    if (!this.blobs.has(toHex(put.digest))) refuse("BLOB_MISSING");
    this.headers.set(id, put.header);
    const owner = this.accounts.get(toHex(put.owner))!;
    this.records.push({
      ...{ recordId: id, status: "live", author: this.node, owner: owner.account, label: toHex(put.label) },
      ...{ kgcKeyNo: put.kgcKeyNo, ownerKeyNo: put.ownerKeyNo, pi: owner.pi! },
      ...{
        headerDigest: toHex(headerDigest(put.header)),
        lengthBytes: put.lengthBytes,
        digest: toHex(put.digest),
      },
      ...{
        commitment: toHex(put.commitment),
        capsule: toHex(put.capsule),
        custodian: this.node,
        privateHeight: 1,
      },
      ...{ dateBucket: put.dateBucket, height: this.height, timeMs: this.clock.nowMs() },
    });
    return answer;
  }

  #genesisView() {
    const exchangeKey = toHex(x25519PublicKey(this.exchangeSecret));
    const member = { name: "Hospital 1", node: this.node, account: "00".repeat(32), exchangeKey, stake: 1 };
    const genesis = toHex(Genesis.serialize(this.genesis));
    return { chainId: toHex(this.chainId), name: "test", genesis, members: [member] };
  }

  /** Signs as the member's node key. */
  get nodeSigner() {
    return { keyId: this.node, sign: (message: Uint8Array) => ed25519Sign(this.nodeSecret, message) };
  }
}

function refusalResponse(status: number, code: string): Response {
  return new Response(JSON.stringify({ error: { code, message: "Refused by the test's node." } }), {
    status,
  });
}
