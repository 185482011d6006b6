import { readFile } from "node:fs/promises";
import {
  ConsiliumClient,
  type LightClient,
  PROOF_KEYS_MAX,
  type RequestSigner,
  verifiedAccount,
  verifiedMember,
  verifiedValidators,
} from "@consilium/client";
import { inlineVoteVerifier } from "@consilium/consensus";
import { accountId, ed25519Sign, sha256, toHex } from "@consilium/crypto";
import type { ChainDriver } from "@consilium/driver";
import { queries } from "@consilium/ledger";
import {
  attestationBytes,
  chainIdOf,
  digestOf,
  IdentityRegister,
  Role,
  TransactionKind,
} from "@consilium/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Actor } from "../../../ledger/test/support/actors.js";
import { systemRandom } from "../../src/chain/index.js";
import { systemClock } from "../../src/chain/system-ports.js";
import { TestAlliance } from "../chain/harness.js";
import { ApiHarness, signerOf } from "../support/api-harness.js";
import { checkGrant } from "./light-example.js";

const EPOCH_HEIGHTS = 4;
const TIMEOUT = { timeoutMs: 30_000 };
const accountKey = (byte: number): string => `10${byte.toString(16).padStart(2, "0").repeat(32)}`;

describe("the light routes of a real node", () => {
  let test: TestAlliance;
  let chain: ChainDriver;
  let api: ApiHarness;
  let nonce = 0;

  /** Makes the chain go on by one transaction at a time. */
  async function growTo(height: number): Promise<void> {
    while (chain.finalized().height < height) {
      const { id } = await chain.submit(test.anchor(0, nonce, ++nonce));
      await chain.whenFinalized(id!, TIMEOUT);
    }
  }

  /** Who signs as a new account of the hospital. */
  async function enrolRecipient(): Promise<RequestSigner> {
    const { nodeId, nodeSecret } = test.hospitals[0]!;
    const chainId = chainIdOf(test.genesis);
    const person = new Actor("synthetic recipient");
    const identity = { signKey: person.key, exchangeKey: person.exchangeKey, role: Role.recipient };
    const attested = attestationBytes(chainId, { ...identity, member: nodeId });
    const payload = {
      ...{ ...identity, member: nodeId, attestation: ed25519Sign(nodeSecret, attested) },
      ...{ kgcKeyNo: 0, ownerKeyNo: 0, ownerFactor: new Uint8Array(0) },
    };
    const kind = TransactionKind.identityRegister;
    const { id } = await chain.submit(person.transaction(chainId, kind, IdentityRegister, payload));
    expect(await chain.whenFinalized(id!, TIMEOUT)).toMatchObject({ code: "OK" });
    return signerOf(person, toHex(person.account(chainId)));
  }

  beforeAll(async () => {
    // One validator finalizes at once, through the same code as many.
    test = await TestAlliance.create(1, undefined, EPOCH_HEIGHTS);
    chain = (await test.start(0)).chain;
    await growTo(3 * EPOCH_HEIGHTS + 2);
    api = await ApiHarness.start({ alliance: chain, genesis: test.genesis, clock: systemClock });
  });
  afterAll(async () => {
    await api.api.stop();
    await test.stopAll();
  });

  const openLight = async (): Promise<LightClient> => {
    const verifier = inlineVoteVerifier(test.suite, systemRandom);
    const trust = { start: { genesis: test.genesis }, verifier };
    const client = new ConsiliumClient({ baseUrls: [api.api.url], pool: test.pool, trust });
    return (await client.light())!;
  };

  it("take a light client from genesis to the tip, and prove what is there and what is not", async () => {
    const light = await openLight();
    const head = await light.advance();
    expect(light.checkpoint.epoch).toBe(3);
    expect(head.height).toBeGreaterThanOrEqual(3 * EPOCH_HEIGHTS + 2);
    const { nodeId } = test.hospitals[0]!;
    const account = accountId(chainIdOf(test.genesis), nodeId);
    expect(toHex((await verifiedAccount(light, account)).value!.signKey)).toBe(toHex(nodeId));
    expect((await verifiedAccount(light, sha256(account))).value).toBeUndefined();
    expect((await verifiedMember(light, nodeId)).value!.stake).toBe(100);
    expect((await verifiedValidators(light, 3)).value.map(toHex)).toEqual([toHex(nodeId)]);
    expect(light.faults).toEqual([]);
  });

  it("prove what became final a moment ago once the next block is there", async () => {
    const light = await openLight();
    const { height } = chain.finalized();
    const account = accountId(chainIdOf(test.genesis), test.hospitals[0]!.nodeId);
    const read = light.query((state) => queries.nextNonces(state, account).envelope, { minHeight: height });
    await growTo(height + 1);
    expect((await read).value).toBeGreaterThanOrEqual(nonce - 1);
  });

  it("answer with the newest header, its finalization and hand-overs in pages", async () => {
    const { json } = await api.send("/v1/light/head");
    expect(Object.keys(json)).toEqual(["header", "finalization"]);
    const page = await api.send("/v1/light/handovers?from=1&count=1");
    expect(page.json.handovers).toHaveLength(1);
    expect((await api.send("/v1/light/handovers?from=1000&count=64")).json).toEqual({ handovers: [] });
  });

  it("serve blocks by height, so that nodes can be compared", async () => {
    const header = chain.headerAt(2)!;
    const { json } = await api.send("/v1/blocks/2");
    expect(json).toMatchObject({ height: 2, epoch: 0, digest: toHex(digestOf(header)) });
    expect(json.transactions).toHaveLength(1);
    const result = await api.send(`/v1/transactions/${json.transactions[0]}`);
    expect(result.json).toMatchObject({ state: "final", height: 2, code: null });
    expect(await api.send("/v1/blocks/1000000")).toMatchObject({
      status: 404,
      json: { error: { code: "BLOCK_UNKNOWN" } },
    });
  });

  it("answer the example of the documentation, votes checked as in a browser", async () => {
    const source = await readFile(new URL("./light-example.ts", import.meta.url), "utf8");
    const page = await readFile(new URL("../../../../docs/light-client.md", import.meta.url), "utf8");
    expect(page).toContain(source.slice(source.indexOf("export async function")).trim());
    const signer = await enrolRecipient();
    await growTo(chain.finalized().height + 1);
    const answer = await checkGrant([api.api.url], test.pool, test.genesis, signer, sha256(Uint8Array.of(1)));
    expect(answer).toEqual({ state: "absent", accesses: 0 });
  });

  it("prove again after a restart, from the next block on", async () => {
    await api.api.stop();
    await test.stop(0);
    chain = (await test.start(0)).chain;
    const { height } = chain.finalized();
    api = await ApiHarness.start({ alliance: chain, genesis: test.genesis, clock: systemClock });
    const light = await openLight();
    const read = light.query(queries.tip, { minHeight: height });
    await growTo(height + 1);
    expect((await read).value.height).toBeGreaterThanOrEqual(height);
  });
});

describe("the light routes before anything is provable", () => {
  let api: ApiHarness;
  beforeAll(async () => {
    api = await ApiHarness.start();
  });
  afterAll(() => api.api.stop());

  it.each(["/v1/light/head", `/v1/light/proof?key=${accountKey(1)}`])(
    "refuse %s as not provable yet",
    async (path) => {
      expect(await api.send(path)).toMatchObject({
        status: 503,
        json: { error: { code: "NOT_PROVABLE" } },
      });
    },
  );

  it.each([
    ["no key", "/v1/light/proof"],
    ["a key that is no hexadecimal", "/v1/light/proof?key=zz"],
    ["an empty key", "/v1/light/proof?key="],
    ["a key of the tree itself", "/v1/light/proof?key=7000"],
    ["a key of a kind that does not exist", "/v1/light/proof?key=0500"],
    ["a key of a private chain", "/v1/light/proof?key=69"],
    ["a list that is nobody's", "/v1/light/proof?key=51"],
    ["a key of the driver", "/v1/light/proof?key=8000"],
    ["a key that is too long", `/v1/light/proof?key=10${"00".repeat(256)}`],
    [
      "too many keys",
      `/v1/light/proof?${Array.from({ length: PROOF_KEYS_MAX + 1 }, (_, n) => `key=${accountKey(n)}`).join("&")}`,
    ],
    ["no range", "/v1/light/handovers"],
    ["a range that is too wide", "/v1/light/handovers?from=0&count=65"],
    ["a range from nowhere", "/v1/light/handovers?from=-1&count=1"],
    ["an epoch that is no number", "/v1/epoch?epoch=first"],
    ["a height that is no number", "/v1/blocks/first"],
  ])("refuse %s", async (_what, path) => {
    expect(await api.send(path)).toMatchObject({
      status: 400,
      json: { error: { code: "REQUEST_MALFORMED" } },
    });
  });

  it("tell of the epoch, its delegates and who would be elected", async () => {
    const { chain } = api.world;
    const epoch = await api.send("/v1/epoch");
    expect(epoch.json).toMatchObject({ epoch: 0, presentEpoch: 0, firstHeight: 1, seats: 4, refusal: null });
    expect(epoch.json.boundaryHeight).toBe(chain.genesis.parameters.epochLengthHeights);
    expect(epoch.json.validators.map(({ node }: { node: string }) => node)).toEqual(
      queries.validators(chain.state, 0).map(toHex),
    );
    const { json } = await api.send("/v1/delegates");
    expect(json).toMatchObject({ epoch: 0, delegates: [{ index: 0, credit: 500, stake: 100 }, {}, {}, {}] });
    const candidates = (await api.send("/v1/candidates")).json.candidates;
    expect(candidates).toHaveLength(4);
    expect(candidates[0]).toMatchObject({
      class: "normal",
      votes: 100,
      weight: 50,
      ineligible: null,
      seated: true,
    });
    expect(await api.send("/v1/epoch?epoch=99")).toMatchObject({
      status: 404,
      json: { error: { code: "EPOCH_UNKNOWN" } },
    });
    expect((await api.send("/v1/delegates?epoch=99")).status).toBe(404);
  });
});
