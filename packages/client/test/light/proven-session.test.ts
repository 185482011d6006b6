import { ConsiliumError, codeOf, sha256, toHex } from "@consilium/crypto";
import { queries } from "@consilium/ledger";
import { Purpose } from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { addGrant, addRecord } from "../../../ledger/test/support/people.js";
import {
  accessView,
  accountView,
  type ChainFacts,
  committeeView,
  grantView,
  LightClient,
  provenFacts,
  type RequestSigner,
  recordView,
} from "../../src/index.js";
import { QuickClock } from "../helpers/platform.js";
import { SignedWorld } from "./support/signed-world.js";
import { Signers } from "./support/signers.js";

let signed: SignedWorld;
let light: LightClient;
let said: ChainFacts;
let owner: string;
let signer: RequestSigner;

beforeAll(async () => {
  const signers = await Signers.make();
  signed = await SignedWorld.make(signers);
  const { world } = signed;
  const records = [await addRecord(world, world.owner), await addRecord(world, world.owner)];
  const grant = await addGrant(world, world.owner, world.clinician);
  await signed.block([world.clinician.open(grant, records)]);
  await signed.block();
  owner = toHex(world.owner.id);
  signer = { keyId: owner, sign: () => new Uint8Array(64) };
  said = honestWord();
  light = await LightClient.open({
    trust: { checkpoint: signed.checkpoint },
    sources: [signed.source("node")],
    verifier: signers.verifier,
    clock: new QuickClock(),
    patienceMs: 1_000,
  });
});

/** What an honest node says, straight from its state. */
function honestWord(): ChainFacts {
  const { chain, owner: person } = signed.world;
  const { state } = chain;
  return {
    timeMs: async () => chain.timeMs,
    committee: async (purpose) => committeeView(state, queries.activeCommittee(state, purpose)!),
    account: async (id) => {
      const account = queries.account(state, new Uint8Array(Buffer.from(id, "hex")));
      if (account === undefined) throw new ConsiliumError("UNKNOWN_ACCOUNT", "Unknown.");
      return accountView(state, account, 3);
    },
    exchangeKeyOf: async (node) => toHex(chain.members.find(({ key }) => toHex(key) === node)!.exchangeKey),
    grants: async () => ({
      timeMs: chain.timeMs,
      grants: queries.grantsOfOwner(state, person.id).reverse().map(grantView),
    }),
    records: async () => queries.recordsOfOwner(state, person.id).reverse().map(recordView),
    accesses: async () => queries.accessesOfOwner(state, person.id).map((each) => accessView(state, each)),
  };
}

const proven = (lies: Partial<ChainFacts> = {}): ChainFacts =>
  provenFacts({ ...said, ...lies }, light, signer);

describe("a session with a light client", () => {
  it("decides by the same facts as an honest node states", async () => {
    const facts = proven();
    const clinician = toHex(signed.world.clinician.id);
    const { key } = signed.world.chain.member(2);
    expect(await facts.account(clinician)).toEqual(await said.account(clinician));
    expect(await facts.records(owner)).toEqual(await said.records(owner));
    expect(await facts.records(owner, toHex(signed.world.owner.label))).toEqual(await said.records(owner));
    expect((await facts.grants("owner")).grants).toEqual((await said.grants("owner")).grants);
    expect(await facts.accesses()).toEqual(await said.accesses());
    expect(await facts.exchangeKeyOf(toHex(key))).toBe(await said.exchangeKeyOf(toHex(key)));
    expect(await facts.timeMs()).toBe(signed.blocks.at(-1)!.header.timestampMs);
    for (const purpose of [Purpose.keyCentre, Purpose.proxy])
      expect(await facts.committee(purpose)).toEqual(await said.committee(purpose));
  });

  it("takes no key from a node that puts in its own", async () => {
    const clinician = toHex(signed.world.clinician.id);
    const evil = "66".repeat(32);
    const facts = proven({
      account: async (id) => ({ ...(await said.account(id)), exchangeKey: evil }),
      committee: async (purpose) => ({ ...(await said.committee(purpose))!, publicKey: "66".repeat(48) }),
      exchangeKeyOf: async () => evil,
      timeMs: async () => 4_102_444_800_000,
    });
    expect((await facts.account(clinician)).exchangeKey).toBe(toHex(signed.world.clinician.exchangeKey));
    expect(await facts.committee(Purpose.proxy)).toEqual(await said.committee(Purpose.proxy));
    const { key, exchangeKey } = signed.world.chain.member(2);
    expect(await facts.exchangeKeyOf(toHex(key))).toBe(toHex(exchangeKey));
    expect(await facts.timeMs()).toBe(signed.blocks.at(-1)!.header.timestampMs);
  });

  it("sees the whole audit trail, index and all grants when a node hides them", async () => {
    const facts = proven({
      accesses: async () => [],
      records: async () => [],
      grants: async () => ({ timeMs: 0, grants: [] }),
    });
    expect(await facts.accesses()).toHaveLength(1);
    expect(await facts.records(owner)).toHaveLength(2);
    expect((await facts.grants("owner")).grants).toHaveLength(1);
  });

  it("finds an account that a node denies, and believes in none that a node invents", async () => {
    const denied = proven({ account: () => Promise.reject(new ConsiliumError("UNKNOWN_ACCOUNT", "No.")) });
    expect((await denied.account(owner)).account).toBe(owner);
    const view = await said.account(owner);
    const invented = proven({ account: async () => view });
    const nobody = toHex(sha256(signed.world.owner.id));
    expect(codeOf(await invented.account(nobody).catch((error: unknown) => error))).toBe("UNKNOWN_ACCOUNT");
    const strange = await proven()
      .exchangeKeyOf(nobody)
      .catch((error: unknown) => error);
    expect(codeOf(strange)).toBe("MEMBER_UNKNOWN");
  });

  it("refuses to decide on what a node promises and never proves", async () => {
    const promised = proven({
      grants: async () => {
        const { grants, timeMs } = await said.grants("owner");
        return { timeMs, grants: grants.map((grant) => ({ ...grant, height: 1_000_000 })) };
      },
    });
    const error = await promised.grants("owner").catch((thrown: unknown) => thrown);
    expect(codeOf(error)).toBe("LIGHT_STALE");
  });
});
