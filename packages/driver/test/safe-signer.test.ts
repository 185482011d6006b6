import { decodeSafetyRecord } from "@consilium/consensus";
import { type StoreChange, VoteKind, type VoteSubject } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { openChainStore } from "../src/bootstrap.js";
import { readSafetyRecord, SafeSigner } from "../src/engine/safe-signer.js";
import { buckets, keyIn } from "../src/store/keys.js";
import { countingApplication, MemoryStore } from "../src/testing/index.js";
import { silentLog, TestChain } from "./harness.js";

async function setUp() {
  const chain = await TestChain.create(4);
  const application = countingApplication(chain.genesis);
  const disk = new MemoryStore();
  const { store } = await openChainStore({ store: disk, application });
  const recorded: number[] = [];
  let signed = 0;
  const key = {
    publicKey: new Uint8Array(48),
    sign: async () => {
      signed += 1;
      // What a crash at this very moment would leave on disk.
      const record = decodeSafetyRecord(disk.copy().get(keyIn(buckets.safetyRecord)), application.chainId);
      if (record.kind === "valid") recorded.push(record.value.votes.length);
      return new Uint8Array(96);
    },
  };
  const open = () => {
    const record = readSafetyRecord(store, application.chainId);
    if (record.kind !== "valid") throw new Error("the record must be there");
    const signer = new SafeSigner(store, record.value, key, silentLog);
    signer.takeSeat({ epoch: 0, validator: 2 });
    return signer;
  };
  return {
    signer: open(),
    chainId: application.chainId,
    open,
    disk,
    recorded,
    signatures: () => signed,
  };
}

const vote = (kind: VoteKind, view: number, fill: number): VoteSubject => ({
  kind,
  epoch: 0,
  view,
  parentView: 0,
  digest: new Uint8Array(32).fill(fill),
});

describe("the safe signer", () => {
  it("has the vote on disk, synced, before the key signs", async () => {
    const { signer, disk, recorded } = await setUp();
    const before = disk.syncedBatches;
    expect(await signer.sign(vote(VoteKind.notarize, 1, 1))).toMatchObject({ validator: 2, view: 1 });
    expect(recorded).toEqual([1]);
    expect(disk.syncedBatches).toBe(before + 1);
  });

  it("signs the same vote again, and no other of its kind in the view, after a restart too", async () => {
    const { signer, open, signatures } = await setUp();
    await signer.sign(vote(VoteKind.notarize, 1, 1));
    expect(await signer.sign(vote(VoteKind.notarize, 1, 2))).toBeUndefined();
    const again = open();
    expect(await again.sign(vote(VoteKind.notarize, 1, 2))).toBeUndefined();
    expect(await again.sign(vote(VoteKind.notarize, 1, 1))).toBeDefined();
    expect(signatures()).toBe(2);
  });

  it("signs nothing at or below a floor that landed with a finalization", async () => {
    const { signer } = await setUp();
    await signer.sign(vote(VoteKind.notarize, 3, 1));
    await signer.raiseFloor(0, 3, async () => {});
    expect(signer.votes()).toEqual([]);
    expect(await signer.sign(vote(VoteKind.finalize, 3, 1))).toBeUndefined();
    expect(await signer.sign(vote(VoteKind.notarize, 4, 1))).toBeDefined();
  });

  it("signs for no epoch but the one in which it has its seat", async () => {
    const { signer } = await setUp();
    const later = { ...vote(VoteKind.notarize, 1, 1), epoch: 1 };
    expect(await signer.sign(later)).toBeUndefined();
    signer.takeSeat({ epoch: 1, validator: 0 });
    expect(await signer.sign(vote(VoteKind.notarize, 1, 1))).toBeUndefined();
    expect(await signer.sign(later)).toMatchObject({ epoch: 1, validator: 0 });
    signer.takeSeat(undefined);
    expect(await signer.sign({ ...later, view: 2 })).toBeUndefined();
  });

  it("keeps a vote that is asked for while range sync lands a finalization", async () => {
    const { signer, disk, chainId } = await setUp();
    const write = async (change: StoreChange) => {
      const signing = signer.sign(vote(VoteKind.nullify, 9, 0));
      // The batch of a finalization takes longer than a turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
      await disk.batch([change], { sync: true });
      void signing;
    };
    await signer.raiseFloor(0, 3, write);
    expect(await signer.sign(vote(VoteKind.finalize, 9, 1))).toBeUndefined();
    const stored = decodeSafetyRecord(disk.get(keyIn(buckets.safetyRecord)), chainId);
    expect(stored).toMatchObject({
      value: { floor: { view: 3 }, votes: [{ kind: VoteKind.nullify, view: 9 }] },
    });
  });
});
