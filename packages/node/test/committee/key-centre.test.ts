import {
  type CryptoPool,
  createCryptoPool,
  EXTRACTION_ANSWER_SIZE_BYTES,
  ed25519Sign,
  extractionRequestBytes,
  extractionRequestSigningBytes,
  openExtractionAnswer,
  sha256,
  typeIdentity,
  userIdentity,
  utf8,
} from "@consilium/crypto";
import { queries } from "@consilium/ledger";
import { ExtractRequest, Purpose } from "@consilium/protocol";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, type Person, type World } from "../../../ledger/test/support/people.js";
import { KeyCentre } from "../../src/committee/index.js";
import { secureRandom } from "../../src/keys/index.js";
import { heldShares } from "../support/held-shares.js";
import { LedgerChain, nodeKeysOf, RecordedLog } from "../support/ledger-chain.js";

const MEMBER = 1;
let world: World;
let pool: CryptoPool;
let log: RecordedLog;
let nowMs: number;
let centre: KeyCentre;

beforeAll(async () => {
  world = await makeWorld();
  pool = await createCryptoPool();
});

beforeEach(() => {
  nowMs = world.chain.timeMs;
  log = new RecordedLog();
  centre = new KeyCentre({
    chain: new LedgerChain(world.chain),
    pool,
    secrets: heldShares(world, MEMBER),
    node: nodeKeysOf(world.chain.member(MEMBER - 1)).node,
    clock: { nowMs: () => nowMs, setTimer: () => ({ cancel() {} }) },
    random: secureRandom,
    log,
    rate: { count: 3, windowMs: 60_000, namesMax: 10 },
  });
});

interface Change {
  readonly identity?: Uint8Array;
  readonly timeMs?: number;
  readonly index?: number;
  readonly keyNo?: number;
  readonly account?: Uint8Array;
  /** Bytes put in place of those that were signed. */
  readonly swapped?: Uint8Array;
}

async function ask(person: Person, change: Change = {}) {
  const transportSecret = sha256(utf8("transport")).fill(0, 0, 1);
  const transportKey = await pool.run("transportPublicKey", { transportSecret });
  const identity = change.identity ?? person.identity;
  const request = extractionRequestBytes({ identity, transportKey, timeMs: change.timeMs ?? nowMs });
  const generation = { keyNo: change.keyNo ?? 1, shareEpoch: 1 };
  const index = change.index ?? MEMBER;
  const address = { chain: world.chain.id, generation, index };
  const signature = ed25519Sign(person.secret, extractionRequestSigningBytes(address, request));
  const message = { account: change.account ?? person.id, index, ...generation, signature };
  const encoded = ExtractRequest.serialize({ ...message, request: change.swapped ?? request });
  return { address, request, identity, transportKey, answer: centre.serve("relay", encoded) };
}

describe("a key-centre node", () => {
  it("gives the owner its part of a type key, sealed and signed", async () => {
    const { address, request, identity, transportKey, answer } = await ask(world.owner);
    const bytes = await answer;
    const sealed = openExtractionAnswer({
      address,
      request,
      answer: bytes.slice(0, EXTRACTION_ANSWER_SIZE_BYTES),
      signature: bytes.slice(EXTRACTION_ANSWER_SIZE_BYTES),
      nodeKey: world.chain.member(MEMBER - 1).key,
    });
    const { verificationKeys } = queries.activeCommittee(world.chain.state, Purpose.keyCentre)!;
    const verificationKey = verificationKeys[MEMBER - 1]!;
    await expect(
      pool.run("checkSealedPartial", { sealed, identity, transportKey, verificationKey }),
    ).resolves.toBeUndefined();
    expect(log.events("extract.served")).toHaveLength(1);
  });

  it("gives a recipient its part of its user key", async () => {
    const { answer } = await ask(world.clinician, { identity: userIdentity(world.clinician.id) });
    await expect(answer).resolves.toHaveLength(EXTRACTION_ANSWER_SIZE_BYTES + 64);
  });

  it.each<[string, string, () => Promise<{ answer: Promise<Uint8Array> }>]>([
    [
      "another owner's type",
      "EXTRACT_BAD_REQUEST",
      () => ask(world.otherOwner, { identity: world.owner.identity }),
    ],
    [
      "another user's identity",
      "EXTRACT_BAD_REQUEST",
      () => ask(world.clinician, { identity: userIdentity(world.otherClinician.id) }),
    ],
    ["a type identity of a recipient", "EXTRACT_BAD_REQUEST", () => ask(world.clinician)],
    [
      "an unknown account",
      "EXTRACT_BAD_REQUEST",
      () => ask(world.owner, { account: new Uint8Array(32).fill(9) }),
    ],
    [
      "an account that did not sign",
      "EXTRACT_BAD_REQUEST",
      () => ask(world.otherOwner, { account: world.owner.id }),
    ],
    ["a request of a minute ago", "EXTRACT_BAD_REQUEST", () => ask(world.owner, { timeMs: nowMs - 60_001 })],
    ["another node's index", "BAD_INDEX", () => ask(world.owner, { index: 2 })],
    ["another key generation", "WRONG_KEY_GENERATION", () => ask(world.owner, { keyNo: 2 })],
    [
      "bytes that are no identity",
      "BAD_IDENTITY",
      () => ask(world.owner, { identity: utf8("S-something-else") }),
    ],
  ])("refuses %s", async (_what, code, request) => {
    await expect((await request()).answer).rejects.toMatchObject({ code });
    expect(log.events("extract.refused")).toHaveLength(1);
  });

  it("refuses a request into which a relay put its own transport key", async () => {
    const transportSecret = sha256(utf8("relay's")).fill(0, 0, 1);
    const transportKey = await pool.run("transportPublicKey", { transportSecret });
    const swapped = extractionRequestBytes({ identity: world.owner.identity, transportKey, timeMs: nowMs });
    const { answer } = await ask(world.owner, { swapped });
    await expect(answer).rejects.toMatchObject({ code: "EXTRACT_BAD_REQUEST" });
  });

  it("uses no share while its finalized tip is three heartbeats old", async () => {
    nowMs += 3 * world.chain.genesis.parameters.heartbeatMs;
    await expect((await ask(world.owner)).answer).rejects.toMatchObject({ code: "TIP_STALE" });
  });

  it("refuses an account that asks too often, and no other", async () => {
    const identity = typeIdentity({ pid: world.owner.id, type: utf8("laboratory"), version: 1 });
    const codes = new Set<string>();
    for (let count = 0; count < 4; count++) {
      const { answer } = await ask(world.owner, { identity });
      codes.add(
        await answer.then(
          () => "OK",
          (error) => error.code,
        ),
      );
    }
    expect([...codes]).toEqual(["OK", "RATE_LIMITED"]);
    await expect((await ask(world.otherOwner)).answer).resolves.toBeInstanceOf(Uint8Array);
  });
});
