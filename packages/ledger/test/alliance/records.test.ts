import { fromHex, recordId, toHex } from "@consilium/crypto";
import { ChainAnchor, TransactionKind } from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { queries } from "../../src/index.js";
import type { TestChain } from "../support/chain.js";
import { addRecord, indexEntry, makeWorld, sendIndex, type World } from "../support/people.js";

let world: World;
let chain: TestChain;

beforeAll(async () => {
  world = await makeWorld();
  chain = world.chain;
});

describe("record/index", () => {
  it("enters a record under its owner and label, with the owner's key filled in", async () => {
    const id = await addRecord(world, world.owner);
    const record = queries.record(chain.state, id)!;
    expect(record.author).toEqual(chain.member(0).key);
    expect(record.pi).toEqual(queries.ownerKey(chain.state, world.owner.id, 1, 1));
    expect(record.height).toBe(chain.height);
    expect(queries.recordsOfOwner(chain.state, world.owner.id).map((each) => toHex(each.recordId))).toContain(
      toHex(id),
    );
    expect(queries.recordsOfLabel(chain.state, world.owner.id, world.owner.label)).toHaveLength(1);
    expect(queries.recordsOfLabel(chain.state, world.otherOwner.id, world.owner.label)).toHaveLength(0);
  });

  it("lists an owner's records newest first and in pages", async () => {
    const ids = [await addRecord(world, world.otherOwner), await addRecord(world, world.otherOwner)];
    const listed = (page?: queries.Page) =>
      queries.recordsOfOwner(chain.state, world.otherOwner.id, page).map((each) => toHex(each.recordId));
    expect(listed()).toEqual([...ids].reverse().map(toHex));
    expect(listed({ limit: 1 })).toEqual([toHex(ids[1]!)]);
    expect(listed({ skip: 1, limit: 1 })).toEqual([toHex(ids[0]!)]);
    expect(listed({ skip: 2 })).toEqual([]);
  });

  it("gives a record id once, and lets an author leave numbers out", async () => {
    const author = chain.member(1);
    const entry = indexEntry(chain, author, world.owner, 7);
    expect(await chain.send(sendIndex(chain, author, entry))).toBe("OK");
    expect(await chain.refused(sendIndex(chain, author, entry))).toBe("RECORD_ID_USED");
    expect(queries.nextNonces(chain.state, author.account(chain.id)).record).toBe(8);
    expect(await chain.send(sendIndex(chain, author, { ...entry, recordNonce: 3 }))).toBe("OK");
    expect(queries.nextNonces(chain.state, author.account(chain.id)).record).toBe(8);
    expect(queries.record(chain.state, recordId(chain.id, author.key, 3))).toBeDefined();
  });

  it("refuses a record sealed under the key centre's key instead of the owner's", async () => {
    const author = chain.member(2);
    const entry = indexEntry(chain, author, world.owner, 0, { ownerKeyNo: 0 });
    expect(await chain.refused(sendIndex(chain, author, entry))).toBe("RECORD_BAD_OWNER");
  });

  it.each([
    ["an unknown owner", { owner: new Uint8Array(32) }],
    ["another key number of the key centre", { kgcKeyNo: 2 }],
    ["an owner key that does not exist", { ownerKeyNo: 2 }],
  ])("refuses %s", async (_, overrides) => {
    const author = chain.member(2);
    const entry = { ...indexEntry(chain, author, world.owner, 0), ...overrides };
    expect(await chain.refused(sendIndex(chain, author, entry))).toBe("RECORD_BAD_OWNER");
  });

  it("refuses an owner account that is a recipient's", async () => {
    const author = chain.member(2);
    const entry = { ...indexEntry(chain, author, world.owner, 0), owner: world.clinician.id };
    expect(await chain.refused(sendIndex(chain, author, entry))).toBe("RECORD_BAD_OWNER");
  });

  it("refuses a length that no stream has and a custodian that is no member", async () => {
    const author = chain.member(2);
    const entry = indexEntry(chain, author, world.owner, 0);
    const send = (overrides: object) => chain.refused(sendIndex(chain, author, { ...entry, ...overrides }));
    expect(await send({ lengthBytes: 37 })).toBe("RECORD_BAD_LENGTH");
    expect(await send({ custodian: world.clinician.key })).toBe("RECORD_BAD_CUSTODIAN");
  });

  it("is for members", async () => {
    const entry = indexEntry(chain, chain.member(2), world.owner, 0);
    expect(await chain.verdict(sendIndex(chain, world.owner, entry))).toBe("fault TX_NOT_ALLOWED");
  });

  it("refuses records under a closed label, and takes those under another", async () => {
    const { custodialOwner } = world;
    const author = chain.member(2);
    expect(await chain.send(custodialOwner.closeLabel())).toBe("OK");
    const entry = indexEntry(chain, author, custodialOwner, 0);
    expect(await chain.refused(sendIndex(chain, author, entry))).toBe("LABEL_CLOSED");
    const other = { ...entry, label: new Uint8Array(32).fill(9) };
    expect(await chain.send(sendIndex(chain, author, other))).toBe("OK");
  });
});

describe("chain/anchor", () => {
  const privateChain = fromHex("ab".repeat(32));
  const anchor = (member: number, overrides: Partial<ChainAnchor> = {}): Uint8Array =>
    chain.member(member).transaction(chain.id, TransactionKind.chainAnchor, ChainAnchor, {
      chainId: privateChain,
      height: 5,
      digest: fromHex("01".repeat(32)),
      ...overrides,
    });

  it("binds a private chain to its member and rises strictly", async () => {
    expect(await chain.send(anchor(0))).toBe("OK");
    expect(await chain.refused(anchor(0))).toBe("ANCHOR_NOT_RISING");
    expect(await chain.refused(anchor(0, { height: 4 }))).toBe("ANCHOR_NOT_RISING");
    const digest = fromHex("02".repeat(32));
    expect(await chain.send(anchor(0, { height: 9, digest }))).toBe("OK");
    const newest = queries.anchorOfMember(chain.state, chain.member(0).key)!;
    expect([newest.height, toHex(newest.digest)]).toEqual([9, "02".repeat(32)]);
    expect(queries.anchoredDigest(chain.state, chain.member(0).key, 5)).toEqual(fromHex("01".repeat(32)));
    expect(queries.anchoredDigest(chain.state, chain.member(0).key, 6)).toBeUndefined();
  });

  it("refuses a member's second chain and the alliance chain itself", async () => {
    expect(await chain.refused(anchor(0, { chainId: fromHex("cd".repeat(32)), height: 10 }))).toBe(
      "ANCHOR_OTHER_CHAIN",
    );
    expect(await chain.refused(anchor(1, { chainId: chain.id }))).toBe("ANCHOR_OTHER_CHAIN");
  });

  it("is not kept from a member by another one that names its chain first, or above it", async () => {
    const taken = fromHex("ef".repeat(32));
    expect(await chain.send(anchor(2, { chainId: taken, height: 1_000_000 }))).toBe("OK");
    expect(await chain.send(anchor(3, { chainId: taken, height: 1 }))).toBe("OK");
    expect(queries.anchorOfMember(chain.state, chain.member(3).key)?.height).toBe(1);
    expect(queries.anchorOfMember(chain.state, chain.member(2).key)?.height).toBe(1_000_000);
  });
});
