import { mkdtempSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RequestSigner, signRequest } from "@consilium/client";
import { createCryptoPool, ed25519Sign, toHex } from "@consilium/crypto";
import { MemoryStore } from "@consilium/driver/testing";
import { createRecordLedger } from "@consilium/ledger";
import type { Actor } from "../../../ledger/test/support/actors.js";
import { TestChain } from "../../../ledger/test/support/chain.js";
import { makeWorld, type Person, type World } from "../../../ledger/test/support/people.js";
import { type ApiPorts, ApiServer } from "../../src/api/index.js";
import { KeyCentre, ProxyService } from "../../src/committee/index.js";
import { freePorts } from "../../src/config/free-ports.js";
import { MemberActs } from "../../src/elections/index.js";
import { secureRandom } from "../../src/keys/index.js";
import {
  BlobIndex,
  BodyService,
  privateGenesisOf,
  RecordAuthor,
  TransactionSender,
} from "../../src/records/index.js";
import { openFileBlobStore } from "../../src/storage/index.js";
import { heldShares } from "./held-shares.js";
import { LedgerChain, nodeKeysOf, RecordedLog } from "./ledger-chain.js";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array;
  /** Parsed body, when it is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  readonly json: any;
  /** Headers of the request, signature included. */
  readonly sentHeaders: Readonly<Record<string, string>>;
}

export interface Sending {
  readonly method?: string;
  readonly body?: Uint8Array;
  readonly signer?: RequestSigner;
  readonly type?: string;
  /** Headers sent in place of the ones made here, such as those of an earlier request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Body sent in place of the signed one. */
  readonly sent?: Uint8Array;
  /** Host that is signed and sent. */
  readonly host?: string;
  readonly nowMs?: number;
}

/** The HTTP API of the first hospital of a test world, on a loopback port, over the real ledger. */
export class ApiHarness {
  nowMs: number;
  readonly log = new RecordedLog();

  private constructor(
    readonly world: World,
    readonly alliance: LedgerChain,
    readonly own: LedgerChain,
    readonly port: number,
    readonly api: ApiServer,
  ) {
    this.nowMs = world.chain.timeMs;
  }

  static async start(change: Partial<ApiPorts> = {}): Promise<ApiHarness> {
    const world = await makeWorld();
    const hospital = world.chain.member(0);
    const keys = nodeKeysOf(hospital);
    const alliance = new LedgerChain(world.chain);
    const genesis = privateGenesisOf(world.chain.genesis, hospital.key);
    const own = new LedgerChain(await TestChain.start(createRecordLedger, genesis));
    alliance.auto = own.auto = true;
    const [port] = await freePorts(1);
    let harness: ApiHarness;
    const clock = { nowMs: () => harness.nowMs, setTimer: () => ({ cancel() {} }) };
    const log = new RecordedLog();
    const store = new MemoryStore();
    const blobs = new BlobIndex(
      await openFileBlobStore(mkdtempSync(join(tmpdir(), "consilium-api-"))),
      store,
    );
    const committee = {
      ...{ chain: alliance, pool: await createCryptoPool(), secrets: heldShares(world, 1) },
      ...{ node: keys.node, clock, random: secureRandom, log },
    };
    const records = { alliance, private: own, blobs, nodeKey: hospital.key, log, store };
    const allianceSender = new TransactionSender(alliance, keys.node, log);
    const privateSender = new TransactionSender(own, keys.node, log);
    const ports: ApiPorts = {
      ...{ name: hospital.name, version: "test", genesis: world.chain.genesis, keys, alliance, private: own },
      transport: { request: () => Promise.reject(new Error("no other node in this test")) },
      keyCentre: new KeyCentre(committee),
      proxy: new ProxyService(committee),
      bodies: new BodyService({ ...records, clock }),
      author: new RecordAuthor({ ...records, allianceSender, privateSender }),
      memberActs: new MemberActs({
        ...{ ...committee, alliance, sender: allianceSender },
        ...{ nodeKey: hospital.key, voteKey: keys.vote },
      }),
      membership: { standing: () => "member" },
      ...{ blobs, store, clock, log, allowFaults: false },
      ...change,
    };
    const api = new ApiServer({ host: "127.0.0.1", port: port!, names: [] }, ports);
    harness = new ApiHarness(world, alliance, own, port!, api);
    await api.start();
    return harness;
  }

  /** The hospital's administrator. */
  get admin(): RequestSigner {
    return signerOf(this.world.chain.member(0), toHex(this.world.chain.member(0).key));
  }

  user(person: Person): RequestSigner {
    return signerOf(person, toHex(person.id));
  }

  /** Sends one request as it is told, without the help of the SDK's retries. */
  async send(path: string, sending: Sending = {}): Promise<Answer> {
    const method = sending.method ?? (sending.body === undefined ? "GET" : "POST");
    const url = new URL(path, `http://${sending.host ?? `127.0.0.1:${this.port}`}`);
    const headers: Record<string, string> = { host: url.host };
    if (sending.body !== undefined) headers["content-type"] = sending.type ?? "application/json";
    if (sending.signer !== undefined) {
      const { signer, body } = sending;
      const random = secureRandom.bytes(16);
      const nowMs = sending.nowMs ?? this.nowMs;
      Object.assign(
        headers,
        await signRequest({ method, url, signer, random, nowMs, ...(body && { body }) }),
      );
    }
    Object.assign(headers, sending.headers);
    return sendRaw(this.port, method, path, headers, sending.sent ?? sending.body);
  }

  json(path: string, body: unknown, signer?: RequestSigner): Promise<Answer> {
    return this.send(path, { body: Buffer.from(JSON.stringify(body)), ...(signer && { signer }) });
  }
}

export function signerOf(actor: Actor, keyId: string): RequestSigner {
  return { keyId, sign: (message) => ed25519Sign(actor.secret, message) };
}

function sendRaw(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array | undefined,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-length": String(body.length) };
    const request = httpRequest(
      { host: "127.0.0.1", port, method, path, headers: { ...headers, ...length }, agent: false },
      (response) => {
        const pieces: Buffer[] = [];
        response.on("data", (piece: Buffer) => pieces.push(piece));
        response.on("end", () => {
          const bytes = Buffer.concat(pieces);
          const isJson = String(response.headers["content-type"]).startsWith("application/json");
          const json = isJson ? JSON.parse(bytes.toString("utf8")) : undefined;
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            bytes,
            json,
            sentHeaders: headers,
          });
        });
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}
