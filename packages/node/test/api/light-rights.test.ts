import { type RequestSigner, routes } from "@consilium/client";
import { concat, equalBytes, sha256, toHex, u64, utf8 } from "@consilium/crypto";
import { prefixes, queries } from "@consilium/ledger";
import { type Certificate, type StateReader, VoteKind } from "@consilium/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addGrant, addRecord } from "../../../ledger/test/support/people.js";
import { ApiHarness, signerOf } from "../support/api-harness.js";

const key = (prefix: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  concat(Uint8Array.of(prefix), ...parts);

/** Not verified by anybody here: these tests are about who is answered at all. */
const someFinalization: Certificate = {
  ...{ kind: VoteKind.finalize, epoch: 0, view: 1, parentView: 0, digest: new Uint8Array(32) },
  ...{ bitmap: Uint8Array.of(7), signature: new Uint8Array(96) },
};

let api: ApiHarness;
/** Everybody that may ask. */
let asking: Readonly<
  Record<"nobody" | "owner" | "recipient" | "stranger" | "member" | "admin", RequestSigner | undefined>
>;
let ids: Readonly<
  Record<"record" | "grant" | "access" | "request" | "owner" | "label" | "recipient", Uint8Array>
>;

beforeAll(async () => {
  api = await ApiHarness.start();
  const { world, alliance } = api;
  const { chain, owner, clinician, otherClinician } = world;
  const record = await addRecord(world, owner);
  const grant = await addGrant(world, owner, clinician);
  const { codes } = await chain.block([clinician.open(grant, [record]), clinician.request(owner.id)]);
  expect(codes).toEqual(["OK", "OK"]);
  const [access] = queries.accessesOfOwner(chain.state, owner.id);
  const [request] = queries.requestsOfOwner(chain.state, owner.id);
  ids = {
    ...{ record, grant, access: access!.requestId, request: request!.id },
    ...{ owner: owner.id, label: owner.label, recipient: clinician.id },
  };
  const other = chain.member(1);
  asking = {
    nobody: undefined,
    owner: api.user(owner),
    recipient: api.user(clinician),
    stranger: api.user(otherClinician),
    member: signerOf(other, toHex(other.key)),
    admin: api.admin,
  };
  const reader: StateReader = chain.state;
  alliance.provable = () => ({
    ...{ reader, finalization: someFinalization },
    header: chain.blocks.at(-1)!.header,
  });
});
afterAll(() => api.api.stop());

type Who = keyof typeof asking;

/** What one of them is answered for keys: the status, and the code of a refusal. */
async function answerTo(who: Who, ...keys: readonly Uint8Array[]): Promise<string> {
  const query = keys.map((each) => `key=${toHex(each)}`).join("&");
  const signer = asking[who];
  const { status, json } = await api.send(`${routes.lightProof.path}?${query}`, {
    ...(signer && { signer }),
  });
  if (status === 200) return json.proofs.length === keys.length ? "answered" : "some proofs are missing";
  return json.error.code;
}

async function answers(...keys: readonly Uint8Array[]): Promise<Record<Who, string>> {
  const entries: [string, string][] = [];
  for (const who of Object.keys(asking) as Who[]) entries.push([who, await answerTo(who, ...keys)]);
  return Object.fromEntries(entries) as Record<Who, string>;
}

const everybody = Object.fromEntries(
  ["nobody", "owner", "recipient", "stranger", "member", "admin"].map((who) => [who, "answered"]),
);
const signedOnly = { ...everybody, nobody: "AUTH_MISSING" };
const bothSides = { ...signedOnly, stranger: "NOT_YOURS" };
const ownerOnly = { ...bothSides, recipient: "NOT_YOURS" };
const recipientOnly = { ...bothSides, owner: "NOT_YOURS" };
const first = u64(0);

describe("proofs of what is public", () => {
  it("are for everybody: the chain, its members, epochs, committees, anchors and results", async () => {
    const node = api.world.chain.member(0).key;
    const keys = [
      ...[key(prefixes.chain), key(prefixes.tip), key(prefixes.member, node), key(prefixes.members)],
      ...[key(prefixes.validatorSet, first), key(prefixes.epoch, first), key(prefixes.candidate, node)],
      ...[key(prefixes.serving, Uint8Array.of(1)), key(prefixes.ceremonies, Uint8Array.of(1))],
      ...[key(prefixes.proposals), key(prefixes.conviction, node, first), key(prefixes.anchor, node)],
      key(prefixes.transactionResult, ids.request),
    ];
    expect(await answers(...keys)).toEqual(everybody);
  });

  it("are for everybody: accounts and their keys, which people need before they have one", async () => {
    const keys = [prefixes.account, prefixes.envelopeNonce, prefixes.grantNonce].map((each) =>
      key(each, ids.owner),
    );
    expect(await answers(...keys)).toEqual(everybody);
  });
});

describe("proofs of what is about people", () => {
  it.each([
    ["records", prefixes.recordsOfOwner],
    ["requests", prefixes.requestsOfOwner],
    ["grants", prefixes.grantsOfOwner],
    ["accesses", prefixes.accessesOfOwner],
  ])("show an owner's list of %s to that owner alone", async (_what, prefix) => {
    expect(await answers(key(prefix, ids.owner), key(prefix, ids.owner, first))).toEqual(ownerOnly);
  });

  it.each([
    ["grants", prefixes.grantsOfRecipient],
    ["accesses", prefixes.accessesOfRecipient],
  ])("show a recipient's list of %s to that recipient alone", async (_what, prefix) => {
    expect(await answers(key(prefix, ids.recipient), key(prefix, ids.recipient, first))).toEqual(
      recipientOnly,
    );
  });

  it("show a grant, an access and a request to their two sides", async () => {
    expect(await answers(key(prefixes.grant, ids.grant))).toEqual(bothSides);
    expect(await answers(key(prefixes.access, ids.access))).toEqual(bothSides);
    expect(await answers(key(prefixes.request, ids.request))).toEqual(bothSides);
  });

  it("show a record to its owner, and to others only together with the list of its label", async () => {
    const record = key(prefixes.record, ids.record);
    expect(await answers(record)).toEqual(ownerOnly);
    const list = key(prefixes.recordsOfLabel, ids.owner, ids.label);
    expect(await answers(record, list)).toEqual(signedOnly);
    expect(await answers(concat(list, first), record)).toEqual(signedOnly);
    const otherLabel = key(prefixes.recordsOfLabel, ids.owner, sha256(ids.label));
    expect(await answerTo("recipient", record, otherLabel)).toBe("NOT_YOURS");
    const otherOwner = key(prefixes.recordsOfLabel, ids.recipient, ids.label);
    expect(await answerTo("recipient", record, otherOwner)).toBe("NOT_YOURS");
  });

  it("show what is under a label to every account that can name it", async () => {
    expect(await answers(key(prefixes.labelClosed, ids.owner, ids.label))).toEqual(signedOnly);
    expect(await answers(key(prefixes.recordsOfLabel, ids.owner, ids.label))).toEqual(signedOnly);
  });

  it("tell every account that there is no such thing, and nobody else", async () => {
    const id = sha256(utf8("no such thing"));
    const keys = [prefixes.grant, prefixes.access, prefixes.request, prefixes.record];
    expect(await answers(...keys.map((each) => key(each, id)))).toEqual(signedOnly);
  });

  it("show what only nodes work with to members' nodes", async () => {
    const refused = Object.fromEntries(
      ["owner", "recipient", "stranger"].map((who) => [who, "ROLE_REQUIRED"]),
    );
    const keys = [
      key(prefixes.accountsOfMember, api.world.chain.member(0).key),
      key(prefixes.grantExpiryCursor),
    ];
    expect(await answers(...keys)).toEqual({ ...signedOnly, ...refused });
  });

  it("are refused as a whole when one key is not the signer's", async () => {
    const keys = [key(prefixes.chain), key(prefixes.grantsOfOwner, ids.owner)];
    expect(await answerTo("owner", ...keys)).toBe("answered");
    expect(await answerTo("stranger", ...keys)).toBe("NOT_YOURS");
    expect(await answerTo("nobody", ...keys)).toBe("AUTH_MISSING");
  });

  it("are closed for every kind of key that has no rule, also for members", async () => {
    const known = new Set<number>(Object.values(prefixes));
    const unknown = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !known.has(byte));
    const closed = [
      ...unknown,
      prefixes.recordPut,
      prefixes.recordPuts,
      prefixes.treeNode,
      prefixes.treeRoot,
    ];
    for (const byte of closed) expect(await answerTo("admin", key(byte))).toBe("REQUEST_MALFORMED");
  });

  it("are refused for keys of another shape than the state's", async () => {
    const list = key(prefixes.grantsOfOwner, ids.owner);
    for (const wrong of [list.slice(0, -1), concat(list, Uint8Array.of(0)), key(prefixes.grant)])
      expect(await answerTo("owner", wrong)).toBe("REQUEST_MALFORMED");
  });
});

describe("a signature where signing is optional", () => {
  const path = `${routes.lightProof.path}?key=${toHex(key(prefixes.chain))}`;

  it("must hold, though the key is public", async () => {
    const forged = { keyId: toHex(ids.owner), sign: () => new Uint8Array(64) };
    expect((await api.send(path, { signer: forged })).json.error.code).toBe("AUTH_BAD_SIGNATURE");
    const unknown = { ...asking.owner!, keyId: "ab".repeat(32) };
    expect((await api.send(path, { signer: unknown })).json.error.code).toBe("AUTH_UNKNOWN_KEY");
  });

  it("is taken once, and only for the keys that it was made for", async () => {
    const signer = asking.owner!;
    const { sentHeaders, status } = await api.send(path, { signer });
    expect(status).toBe(200);
    expect((await api.send(path, { headers: sentHeaders })).json.error.code).toBe("AUTH_REPLAYED");
    const fresh = await api.send(`${routes.lightProof.path}?key=0200`, { headers: sentHeaders });
    expect(fresh.json.error.code).toBe("AUTH_BAD_SIGNATURE");
  });

  it("of a member's account is none: its node key speaks for it", async () => {
    const hospital = api.world.chain.member(1);
    const account = hospital.account(api.world.chain.id);
    expect(equalBytes(account, hospital.key)).toBe(false);
    const sent = await api.send(path, { signer: signerOf(hospital, toHex(account)) });
    expect(sent.json.error.code).toBe("AUTH_UNKNOWN_KEY");
  });
});
