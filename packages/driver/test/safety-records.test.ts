import { nullifySubject } from "@consilium/consensus";
import { accountId, codeOf, concat, Reader, u64 } from "@consilium/crypto";
import type { Application } from "@consilium/ledger";
import {
  decodeStrict,
  epochOfHeight,
  SignedTransaction,
  type StoreChange,
  TransactionKind,
  toEpoch,
  toView,
} from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import type { ChainDriver, ChainDriverOptions } from "../src/index.js";
import { buckets, keyIn } from "../src/store/keys.js";
import { MemoryStore } from "../src/testing/index.js";
import { TestChain } from "./harness.js";

const LIMIT_MS = 600_000;
const LENGTH = 4;
const recordKey = keyIn(buckets.safetyRecord);
const resetKey = (account: Uint8Array) => concat(Uint8Array.of(0x6e), account);

/** The counting application with safety/reset: the state keeps the epoch of an account's newest one. */
function resettable(chain: TestChain): Application {
  const application = chain.application();
  const { chainId, applyBlock } = application;
  application.applyBlock = async (state, block) => {
    const execution = await applyBlock(state, block);
    const resets = block.payload.transactions.flatMap((encoded): StoreChange[] => {
      const { kind, sender } = decodeStrict(SignedTransaction, encoded, "transaction").transaction;
      return kind === TransactionKind.safetyReset
        ? [{ key: resetKey(sender), value: u64(block.header.epoch) }]
        : [];
    });
    return { ...execution, changes: [...execution.changes, ...resets] };
  };
  application.safetyResetEpoch = (state, nodeId) => {
    const bytes = state.get(resetKey(accountId(chainId, nodeId)));
    return bytes === undefined ? undefined : Number(new Reader(bytes).u64());
  };
  return application;
}

/** Four members with a mark beside each vote key. */
class RecordedChain {
  private readonly marks = new Map<number, number>();

  private constructor(readonly chain: TestChain) {}

  static async create(count = 4): Promise<RecordedChain> {
    return new RecordedChain(await TestChain.create(count, { lengthHeights: LENGTH }));
  }

  start(index: number, identity: Partial<ChainDriverOptions["identity"]> = {}): Promise<ChainDriver> {
    const startMark = {
      read: () => this.marks.get(index) ?? 0,
      write: (mark: number) => void this.marks.set(index, mark),
    };
    const known = this.chain.identityOf(index);
    return this.chain.start(index, {
      application: resettable(this.chain),
      identity: { ...known, startMark, ...identity },
    });
  }

  async startAll(): Promise<ChainDriver[]> {
    const drivers: ChainDriver[] = [];
    for (const index of this.chain.members.keys()) drivers.push(await this.start(index));
    return drivers;
  }

  async stopAll(): Promise<void> {
    for (const index of this.chain.members.keys()) await this.chain.stop(index);
  }

  store(index: number): MemoryStore {
    return this.chain.stores.get(this.chain.members[index]!.name)!;
  }

  replaceStore(index: number, store: MemoryStore): void {
    this.chain.stores.set(this.chain.members[index]!.name, store);
  }

  driver(index: number): ChainDriver {
    return this.chain.drivers.get(this.chain.members[index]!.name)!;
  }

  until(holds: () => boolean, limitMs = LIMIT_MS): Promise<boolean> {
    return this.chain.clock.runUntil(holds, limitMs);
  }

  /** Submits a member's reset at a node and waits until it is final there; the epoch that finalized it. */
  async reset(member: number, at: number, nonce = 0): Promise<number> {
    const sender = accountId(this.driver(at).chainId, this.chain.members[member]!.nodeId);
    const kind = TransactionKind.safetyReset;
    const { id } = await this.driver(at).submit(this.chain.transaction(0, nonce, { sender, kind }));
    const driver = this.driver(at);
    expect(await this.until(() => driver.transactionResult(id!) !== undefined)).toBe(true);
    return epochOfHeight(driver.transactionResult(id!)!.height, LENGTH);
  }
}

type Damage = (chain: RecordedChain, index: number, copy: MemoryStore) => Promise<void>;

const damages: Readonly<Record<string, Damage>> = {
  current: async () => {},
  stale: async (chain, index, copy) => chain.replaceStore(index, copy),
  corrupt: async (chain, index) => {
    const record = chain.store(index).get(recordKey)!;
    record[10] = record[10]! ^ 1;
    await chain.store(index).batch([{ key: recordKey, value: record }]);
  },
  absent: (chain, index) => chain.store(index).batch([{ key: recordKey, value: undefined }]),
};

/** A chain that was stopped in its second epoch, with the records of the first `count` nodes damaged; all run again. */
async function damaged(state: string, count: number) {
  const chain = await RecordedChain.create();
  const drivers = await chain.startAll();
  await chain.until(() => drivers.every((each) => each.finalized().height >= 2));
  const copies = [...chain.chain.members.keys()].map((index) => chain.store(index).copy());
  await chain.until(() => drivers.every((each) => each.finalized().height >= LENGTH + 2));
  await chain.stopAll();
  for (let index = 0; index < count; index++) await damages[state]!(chain, index, copies[index]!);
  return { chain, drivers: await chain.startAll() };
}

const REASONS: Readonly<Record<string, string>> = {
  stale: "SAFETY_RECORD_STALE",
  corrupt: "SAFETY_RECORD_CORRUPT",
  absent: "SAFETY_RECORD_MISSING",
};

describe("safety records after a stop of all four nodes", () => {
  for (const count of [1, 3, 4]) {
    it(`that are current on ${count}: all vote and the chain goes on`, async () => {
      const { chain, drivers } = await damaged("current", count);
      expect(drivers.map((each) => each.status().role)).toEqual(drivers.map(() => "voting"));
      expect(await chain.until(() => drivers.every((each) => each.finalized().height >= 12))).toBe(true);
    });
  }

  for (const state of ["stale", "corrupt", "absent"]) {
    it(`that are ${state} on one: it follows, and votes from the epoch after its reset`, async () => {
      const { chain, drivers } = await damaged(state, 1);
      const back = drivers[0]!;
      expect(back.status()).toMatchObject({ role: "following", followReason: REASONS[state] });
      expect(await chain.until(() => back.finalized().height >= 10)).toBe(true);
      const resetEpoch = await chain.reset(0, 0);
      expect(back.status().role).toBe("following");
      expect(back.counters.votesSigned).toBe(0);
      expect(await chain.until(() => back.status().role === "voting")).toBe(true);
      expect(back.status().epoch).toBe(resetEpoch + 1);
      const height = back.finalized().height + 2 * LENGTH;
      expect(
        await chain.until(() => back.counters.votesSigned > 0 && back.finalized().height >= height),
      ).toBe(true);
    });

    for (const count of [3, 4]) {
      it(`that are ${state} on ${count}: the chain stops, and nothing is signed that could fork it`, async () => {
        const { chain, drivers } = await damaged(state, count);
        const before = Math.max(...drivers.map((each) => each.finalized().height));
        await chain.chain.clock.advance(60_000);
        for (const driver of drivers.slice(0, count)) {
          expect(driver.status()).toMatchObject({ role: "following", followReason: REASONS[state] });
          expect(driver.counters.votesSigned).toBe(0);
        }
        expect(Math.max(...drivers.map((each) => each.finalized().height))).toBe(before);
      });
    }
  }
});

describe("a reset", () => {
  it("that another node submits readmits a key whose other data is whole, and not one in a copy", async () => {
    const whole = await damaged("absent", 1);
    await whole.chain.until(() => whole.drivers[1]!.finalized().height >= 10);
    await whole.chain.reset(0, 1);
    expect(await whole.chain.until(() => whole.drivers[0]!.status().role === "voting")).toBe(true);

    const copied = await damaged("stale", 1);
    await copied.chain.until(() => copied.drivers[0]!.finalized().height >= 10);
    await copied.chain.reset(0, 1);
    const height = copied.drivers[0]!.finalized().height + 3 * LENGTH;
    expect(await copied.chain.until(() => copied.drivers[0]!.finalized().height >= height)).toBe(true);
    expect(copied.drivers[0]!.status().followReason).toBe("SAFETY_RECORD_STALE");
  });

  it("makes one loss good: a folder that is emptied later needs another", async () => {
    const { chain, drivers } = await damaged("absent", 1);
    await chain.until(() => drivers[0]!.finalized().height >= 10);
    await chain.reset(0, 0);
    expect(await chain.until(() => drivers[0]!.status().role === "voting")).toBe(true);
    await chain.chain.stop(0);
    chain.replaceStore(0, new MemoryStore());
    const again = await chain.start(0, { hasVoted: true });
    const height = drivers[1]!.finalized().height + 3 * LENGTH;
    expect(await chain.until(() => again.finalized().height >= height)).toBe(true);
    expect(again.status()).toMatchObject({ role: "following" });
    await chain.reset(0, 0, 1);
    expect(await chain.until(() => again.status().role === "voting")).toBe(true);
  });

  it("that was asked for survives a restart before it is final", async () => {
    const { chain, drivers } = await damaged("stale", 1);
    await chain.until(() => drivers[0]!.finalized().height >= 10);
    await chain.reset(0, 0);
    await chain.chain.stop(0);
    const again = await chain.start(0);
    expect(await chain.until(() => again.status().role === "voting")).toBe(true);
  });

  it("counts once: a copy that is restored again signs the very same one, and needs another", async () => {
    const { chain, drivers } = await damaged("stale", 0);
    const copy = chain.store(0).copy();
    await chain.until(() => drivers[1]!.finalized().height >= 3 * LENGTH);
    await chain.chain.stop(0);
    chain.replaceStore(0, copy.copy());
    const first = await chain.start(0);
    await chain.reset(0, 0);
    expect(await chain.until(() => first.status().role === "voting" && first.counters.votesSigned > 0)).toBe(
      true,
    );
    await chain.chain.stop(0);
    const height = drivers[1]!.finalized().height + 8 * LENGTH;
    await chain.until(() => drivers[1]!.finalized().height >= height);
    chain.replaceStore(0, copy.copy());
    const second = await chain.start(0);
    expect(second.status().followReason).toBe("SAFETY_RECORD_STALE");
    // The same bytes: here nothing is known yet of the blocks in which they are final.
    await chain.reset(0, 0);
    expect(await chain.until(() => second.finalized().height >= height + 3 * LENGTH)).toBe(true);
    expect(second.status().followReason).toBe("SAFETY_RECORD_STALE");
    expect(second.counters.votesSigned).toBe(0);
    await chain.reset(0, 0, 1);
    expect(await chain.until(() => second.status().role === "voting")).toBe(true);
  });

  it("of an earlier loss does not give back a key that was seen at work elsewhere", async () => {
    const chain = await RecordedChain.create();
    const drivers = await chain.startAll();
    await chain.until(() => drivers[0]!.finalized().height >= 2);
    // An image of the whole machine: the mark beside the key is as old as the store.
    const image = chain.store(0).copy();
    await chain.until(() => drivers[0]!.finalized().height >= LENGTH + 2);
    await chain.reset(0, 1);
    await chain.until(() => drivers[0]!.finalized().height >= 4 * LENGTH);
    await chain.chain.stop(0);
    chain.replaceStore(0, image);
    const restored = await chain.start(0, { startMark: { read: () => 0, write: () => {} } });
    const stranger = nullifySubject(toEpoch(0), toView(restored.status().view + 1));
    const { receiver } = chain.chain.transportOf(0);
    receiver!.message(chain.chain.members[1]!.name, chain.chain.signedVote(0, stranger));
    expect(await chain.until(() => restored.status().followReason === "OWN_VOTE_UNKNOWN")).toBe(true);
    expect(await chain.until(() => restored.finalized().height >= 6 * LENGTH)).toBe(true);
    expect(restored.status().followReason).toBe("OWN_VOTE_UNKNOWN");
  });

  it("gives a key back that was seen at work elsewhere", async () => {
    const chain = await RecordedChain.create();
    const drivers = await chain.startAll();
    await chain.until(() => drivers[0]!.finalized().height >= 2);
    const stranger = nullifySubject(toEpoch(0), toView(drivers[0]!.status().view + 3));
    const { receiver } = chain.chain.transportOf(0);
    receiver!.message(chain.chain.members[1]!.name, chain.chain.signedVote(0, stranger));
    expect(await chain.until(() => drivers[0]!.status().followReason === "OWN_VOTE_UNKNOWN")).toBe(true);
    await chain.reset(0, 0);
    expect(await chain.until(() => drivers[0]!.status().role === "voting")).toBe(true);
    await chain.chain.stop(0);
    expect((await chain.start(0)).status().role).toBe("voting");
  });
});

describe("a chain that tolerates no fault", () => {
  it("resumes where the operators name its tip, once, and only there", async () => {
    const chain = await RecordedChain.create(1);
    const first = await chain.start(0);
    await chain.until(() => first.finalized().height >= 6);
    await chain.chain.stop(0);
    const namedTip = { height: first.finalized().height, digest: first.finalized().digest };
    await chain.store(0).batch([{ key: recordKey, value: undefined }]);
    const stuck = await chain.start(0);
    await chain.chain.clock.advance(30_000);
    expect(stuck.finalized().height).toBe(namedTip.height);
    await chain.chain.stop(0);
    const wrong = { ...namedTip, digest: new Uint8Array(32).fill(1) };
    expect(await chain.start(0, { namedTip: wrong }).then(() => "started", codeOf)).toBe("NAMED_TIP_DIFFERS");
    const resumed = await chain.start(0, { namedTip });
    expect(await chain.until(() => resumed.finalized().height >= namedTip.height + LENGTH)).toBe(true);
    await chain.chain.stop(0);
    expect((await chain.start(0, { namedTip })).status().role).toBe("voting");
  });

  it("is not a chain of four: there a reset is the way", async () => {
    const { chain, drivers } = await damaged("absent", 1);
    const namedTip = { height: drivers[0]!.finalized().height, digest: drivers[0]!.finalized().digest };
    await chain.chain.stop(0);
    const started = chain.start(0, { namedTip }).then(() => "started", codeOf);
    expect(await started).toBe("NAMED_TIP_NOT_ALLOWED");
  });
});
