import { ConsiliumError, createCryptoPool, toHex } from "@consilium/crypto";
import {
  ChainAnchor,
  LabelClose,
  limits,
  Purpose,
  Role,
  SignedTransaction,
  type StateReader,
  TransactionKind,
} from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import {
  createAllianceLedger,
  createRecordLedger,
  decodeStateProof,
  encodeStateProof,
  prove,
  queries,
  resultRetentionHeights,
  StateWriter,
  stateKeys,
  verifyProof,
} from "../src/index.js";
import { keyOf, prefixes } from "../src/state/keys.js";
import { Tip } from "../src/state/values.js";
import { CeremonyActors } from "./support/ceremony.js";
import { makeGenesis, rootOf, TestChain } from "./support/chain.js";
import { MemoryState } from "./support/memory-state.js";
import { addGrant, addRecord, makeWorld, Person, type World } from "./support/people.js";

let chain: TestChain;

beforeAll(async () => {
  chain = await TestChain.start();
});

let anchorHeight = 1;
const anchorOf = (member: number, overrides = {}): Uint8Array => {
  const payload = {
    chainId: new Uint8Array(32).fill(member + 1),
    height: anchorHeight++,
    digest: new Uint8Array(32),
  };
  return chain
    .member(member)
    .transaction(chain.id, TransactionKind.chainAnchor, ChainAnchor, payload, overrides);
};

/** An anchor that takes no nonce of the sequence: it is never meant to get in. */
const strayAnchor = (overrides: object): Uint8Array => {
  const nonce = queries.nextNonces(chain.state, chain.member(0).account(chain.id)).envelope;
  return anchorOf(0, { nonce, ...overrides });
};

async function includable(transactions: Uint8Array[]): Promise<string> {
  const verdict = await chain.app.checkPayload(chain.state, chain.makeBlock(transactions));
  return verdict.kind === "valid" ? "valid" : verdict.code;
}

describe("the envelope", () => {
  it.each([
    ["another chain", { chainId: new Uint8Array(32) }, "fault TX_WRONG_CHAIN"],
    ["an expiry that passed", { expiryHeight: 0 }, "ignore TX_EXPIRED"],
    ["an expiry too far away", { expiryHeight: 200_000 }, "ignore TX_EXPIRY_TOO_FAR"],
    ["an unknown sender", { sender: new Uint8Array(32), nonce: 0 }, "ignore TX_UNKNOWN_SENDER"],
  ])("is refused for %s, by pool and voters alike", async (_, overrides, verdict) => {
    const transaction = strayAnchor(overrides);
    expect(await chain.verdict(transaction)).toBe(verdict);
    expect(await includable([transaction])).toBe(verdict.split(" ")[1]);
  });

  it("is refused for kinds that nobody knows, or that belong to the other kind of chain", async () => {
    const nonce = 0;
    const unknown = chain.member(3).rawTransaction(chain.id, 0x7f, new Uint8Array(0), { nonce });
    expect(await chain.verdict(unknown)).toBe("ignore TX_UNKNOWN_KIND");
    const put = chain
      .member(3)
      .rawTransaction(chain.id, TransactionKind.recordPut, new Uint8Array(0), { nonce });
    expect(await chain.verdict(put)).toBe("fault TX_KIND_NOT_HERE");
  });

  it("is refused for bytes that are not exactly a transaction", async () => {
    const transaction = strayAnchor({});
    const longer = Uint8Array.of(...transaction, 0);
    expect(await chain.verdict(longer)).toBe("fault BAD_ENCODING");
    expect(await chain.verdict(transaction.slice(0, -1))).toBe("fault BAD_ENCODING");
    expect(await chain.verdict(new Uint8Array(0))).toBe("fault BAD_ENCODING");
    const badPayload = chain
      .member(0)
      .rawTransaction(chain.id, TransactionKind.chainAnchor, new Uint8Array(71), { nonce: 0 });
    expect(await chain.verdict(badPayload)).toBe("fault BAD_ENCODING");
  });

  it("is refused above the size of one transaction", async () => {
    const bytes = new Uint8Array(limits.transactionPayloadBytes + 513);
    expect(await chain.verdict(bytes)).toBe("fault TX_TOO_LARGE");
  });

  it("is refused for a signature that does not hold, or is another's", async () => {
    const { transaction, signature } = SignedTransaction.deserialize(strayAnchor({}));
    signature[3] = signature[3]! ^ 1;
    const forged = SignedTransaction.serialize({ transaction, signature });
    expect(await chain.verdict(forged)).toBe("fault SIG_INVALID");
    expect(await includable([forged])).toBe("SIG_INVALID");
    const sender = chain.member(1).account(chain.id);
    expect(await chain.verdict(strayAnchor({ sender }))).toBe("fault SIG_INVALID");
  });

  it("takes nonces one after the other, and holds a run of them for the pool", async () => {
    const [first, second, third] = [anchorOf(2), anchorOf(2), anchorOf(2)];
    expect(await chain.verdict(third)).toBe("valid");
    expect(await includable([second])).toBe("TX_FUTURE_NONCE");
    expect(await includable([first, third])).toBe("TX_FUTURE_NONCE");
    expect(await includable([first, first])).toBe("TX_STALE_NONCE");
    expect((await chain.block([first, second])).codes).toEqual(["OK", "OK"]);
    expect(await chain.verdict(first)).toBe("ignore TX_STALE_NONCE");
    expect((await chain.block([third])).codes).toEqual(["OK"]);
    const far = anchorOf(2, { nonce: 3 + limits.mempoolTransactionsPerAccount });
    expect(await chain.verdict(far)).toBe("ignore TX_FUTURE_NONCE");
  });

  it("uses up the nonce of a transaction that its kind refuses, so that it cannot come back", async () => {
    const height = anchorHeight;
    expect(await chain.send(anchorOf(3))).toBe("OK");
    anchorHeight = height;
    const repeated = anchorOf(3);
    expect(await chain.verdict(repeated)).toBe("ignore ANCHOR_NOT_RISING");
    expect(await chain.refused(repeated)).toBe("ANCHOR_NOT_RISING");
    expect(await includable([repeated])).toBe("TX_STALE_NONCE");
    anchorHeight = height + 1;
  });

  it("is refused for a role that may not send the kind", async () => {
    const payload = { label: new Uint8Array(32) };
    const transaction = chain
      .member(0)
      .transaction(chain.id, TransactionKind.labelClose, LabelClose, payload, { nonce: 0 });
    expect(await chain.verdict(transaction)).toBe("fault TX_NOT_ALLOWED");
  });
});

describe("payloads", () => {
  it("are built from what voters would accept, in order, without what is stale, forged or out of turn", async () => {
    const [first, second, third] = [anchorOf(1), anchorOf(1), anchorOf(1)];
    const forged = SignedTransaction.deserialize(second);
    forged.signature[5] = forged.signature[5]! ^ 1;
    const candidates = [third, first, SignedTransaction.serialize(forged), second, first, new Uint8Array(9)];
    const context = { height: chain.height + 1, timestampMs: chain.timeMs + 1 };
    const payload = await chain.app.buildPayload(chain.state, candidates, context);
    expect(payload.transactions.map(toHex)).toEqual([first, second].map(toHex));
    expect(await includable(payload.transactions)).toBe("valid");
    const small = await chain.app.buildPayload(chain.state, [first, second], {
      ...context,
      maxBytes: first.length + 4,
    });
    expect(small.transactions).toHaveLength(1);
    await chain.block(payload.transactions);
  });

  it("hold a bounded number of one user's transactions, and any number of a member's", async () => {
    const clinician = new Person(chain, "busy clinician", Role.recipient, chain.member(0));
    expect(await chain.send(clinician.register())).toBe("OK");
    const count = limits.transactionsPerUserPerBlock;
    const revokes = Array.from({ length: count + 1 }, () => clinician.revoke(chain.id));
    const anchors = Array.from({ length: count + 1 }, () => anchorOf(3));
    const context = { height: chain.height + 1, timestampMs: chain.timeMs + 1 };
    const candidates = [...revokes, ...anchors];
    const { transactions } = await chain.app.buildPayload(chain.state, candidates, context);
    expect(transactions).toEqual([...revokes.slice(0, count), ...anchors]);
    expect(await includable(transactions)).toBe("valid");
    expect(await includable(revokes)).toBe("TX_QUOTA");
    // What is left over goes into the next block.
    const { codes } = await chain.block(transactions);
    expect(new Set(codes)).toEqual(new Set(["GRANT_UNKNOWN", "OK"]));
    expect(await chain.send(revokes.at(-1)!)).toBe("GRANT_UNKNOWN");
  });

  it("are refused above the chain's size", async () => {
    const genesis = makeGenesis({ parameters: { ...makeGenesis().parameters, blockPayloadBytes: 500 } });
    const small = await TestChain.start(createAllianceLedger, genesis);
    const transactions = [0, 1, 2].map((member) =>
      small.member(member).transaction(small.id, TransactionKind.chainAnchor, ChainAnchor, {
        chainId: new Uint8Array(32).fill(member),
        height: 1,
        digest: new Uint8Array(32),
      }),
    );
    const verdict = await small.app.checkPayload(small.state, small.makeBlock(transactions));
    expect(verdict).toMatchObject({ kind: "fault", code: "TX_TOO_MANY" });
  });
});

describe("applying blocks", () => {
  let world: World;

  beforeAll(async () => {
    world = await makeWorld();
    const record = await addRecord(world, world.owner);
    const gid = await addGrant(world, world.owner, world.clinician);
    await world.chain.block([world.clinician.open(gid, [record]), world.otherClinician.open(gid, [record])]);
    await world.chain.send(world.owner.revoke(gid));
  });

  it("gives the same roots, state and codes when the chain is replayed", async () => {
    const replay = await TestChain.start();
    for (const block of world.chain.blocks) await replay.applyBlock(block);
    expect(replay.roots.map(toHex)).toEqual(world.chain.roots.map(toHex));
    expect(replay.state.dump()).toBe(world.chain.state.dump());
  });

  it("gives the same on the other curve backend", async () => {
    const noble = createAllianceLedger(makeGenesis(), await createCryptoPool({ backend: "noble" }));
    const state = new MemoryState();
    state.apply((await noble.genesisChanges()).changes);
    for (const block of world.chain.blocks) state.apply((await noble.applyBlock(state, block)).changes);
    expect(state.dump()).toBe(world.chain.state.dump());
  }, 120_000);

  it("writes nothing to the state it reads, so that a block can be tried on an overlay", async () => {
    const { state, app } = world.chain;
    const before = state.dump();
    const block = world.chain.makeBlock([world.owner.closeLabel()]);
    const execution = await app.applyBlock(state, block);
    expect(state.dump()).toBe(before);
    const overlay = new StateWriter(state);
    for (const { key, value } of execution.changes) {
      if (value === undefined) overlay.delete(key);
      else overlay.put(key, value);
    }
    expect(rootOf(overlay)).toEqual(execution.stateRoot);
    expect(queries.tip(overlay).height).toBe(world.chain.height + 1);
    const keys = execution.changes.map(({ key }) => toHex(key));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("commits to every value, so that a client needs no trust in the node it asks", () => {
    const { state } = world.chain;
    const root = rootOf(state);
    let proven = 0;
    for (const [hex, value] of state.entries) {
      const key = Uint8Array.from(hex.match(/../g)!, (pair) => Number.parseInt(pair, 16));
      if (key[0]! >= prefixes.treeNode) continue;
      const proof = decodeStateProof(encodeStateProof(prove(state, key)));
      expect(verifyProof(root, key, value, proof)).toBe(true);
      proven++;
    }
    expect(proven).toBeGreaterThan(60);
    const absent = stateKeys.grant(new Uint8Array(32));
    const none = encodeStateProof(prove(state, absent));
    expect(verifyProof(root, absent, undefined, decodeStateProof(none))).toBe(true);
    expect(() => decodeStateProof(none.slice(1))).toThrow(expect.objectContaining({ code: "BAD_ENCODING" }));
  });

  it("refuses blocks out of order and blocks that no voter could have passed", async () => {
    const { app, state } = world.chain;
    const next = world.chain.makeBlock([]);
    const skipping = { ...next, header: { ...next.header, height: next.header.height + 1 } };
    await expect(app.applyBlock(state, skipping)).rejects.toMatchObject({ code: "LEDGER_BAD_BLOCK" });
    await expect(app.applyBlock(new MemoryState(), next)).rejects.toMatchObject({ code: "LEDGER_BAD_BLOCK" });
    const junk = world.chain.makeBlock([new Uint8Array(5)]);
    await expect(app.applyBlock(state, junk)).rejects.toMatchObject({ code: "LEDGER_BAD_BLOCK" });
  });

  it("takes an accident of the machine for no judgement of a transaction", async () => {
    const broken = createAllianceLedger(makeGenesis(), {
      run: () => Promise.reject(new ConsiliumError("POOL_CLOSED", "The worker ended.")),
    });
    const fresh = await TestChain.start();
    const ek = new CeremonyActors(fresh, Purpose.proxy).ek(1);
    const block = fresh.makeBlock([ek]);
    await expect(broken.applyBlock(fresh.state, block)).rejects.toMatchObject({ code: "POOL_CLOSED" });
  });

  it("keeps a transaction's result for as long as the transaction could have been included", async () => {
    const fresh = await TestChain.start();
    const clinician = new Person(fresh, "clinician of long ago", Role.recipient, fresh.member(0));
    const { block } = await fresh.block([clinician.register()]);
    const id = (await fresh.app.checkTransaction(new PastState(fresh.state), block.payload.transactions[0]!, {
      height: 1,
      timestampMs: 0,
    })) as { value: { id: Uint8Array } };
    const stored = () => queries.transactionResult(fresh.state, id.value.id);
    expect(new TextDecoder().decode(stored()!.code)).toBe("OK");
    fresh.height = resultRetentionHeights;
    fresh.state.apply([
      { key: keyOf(prefixes.tip), value: Tip.serialize({ height: fresh.height, timestampMs: 0 }) },
    ]);
    await fresh.block();
    expect(stored()).toBeDefined();
    await fresh.block();
    expect(stored()).toBeUndefined();
    expect(queries.account(fresh.state, clinician.id)).toBeDefined();
  });
});

/** The state without the accounts that registered since: as it was for the transaction. */
class PastState implements StateReader {
  constructor(private readonly state: StateReader) {}

  get(key: Uint8Array): Uint8Array | undefined {
    return key[0] === prefixes.envelopeNonce || key[0] === prefixes.account ? undefined : this.state.get(key);
  }
}

describe("genesis", () => {
  it("gives every node the same chain id, block and first state", async () => {
    const [one, other] = [await TestChain.start(), await TestChain.start()];
    expect(one.id).toEqual(other.id);
    expect(one.app.genesisBlock()).toEqual(other.app.genesisBlock());
    expect(one.state.dump()).toBe(other.state.dump());
    expect(queries.members(one.state).map(({ nodeKey }) => toHex(nodeKey))).toEqual(
      one.members.map(({ key }) => toHex(key)),
    );
    expect(queries.validators(one.state, 0)).toHaveLength(4);
    expect(queries.chainInfo(one.state)!.ceremonyWindowHeights).toBe(20);
  });

  it("seats the members with the most stake, in the order in which consensus numbers them", async () => {
    const { members } = makeGenesis();
    const staked = members.map((member, index) => ({ ...member, stake: 100 + index }));
    const fewer = await TestChain.start(createAllianceLedger, makeGenesis({ members: staked, seats: 3 }));
    const seated = queries.validators(fewer.state, 1).map(toHex);
    expect(seated).toEqual([3, 2, 1].map((index) => toHex(members[index]!.nodeKey)));
  });

  it("names another chain when anything in it differs", async () => {
    const other = await TestChain.start(createAllianceLedger, makeGenesis({ timeMs: 1 }));
    expect(toHex(other.id)).not.toBe(toHex(chain.id));
  });

  it("starts a ledger of its own kind of chain only", async () => {
    const pool = await createCryptoPool();
    expect(() => createRecordLedger(makeGenesis(), pool)).toThrow(
      expect.objectContaining({ code: "LEDGER_WRONG_GENESIS" }),
    );
    expect(() => createAllianceLedger(makeGenesis({ kind: 2 }), pool)).toThrow(
      expect.objectContaining({ code: "LEDGER_WRONG_GENESIS" }),
    );
  });
});
