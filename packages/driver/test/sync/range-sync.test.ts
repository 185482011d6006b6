import {
  BlocksRequest,
  BlocksResponse,
  ChainStatus,
  emptyPayload,
  HandoversResponse,
  payloadRootOf,
} from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { MadeChain } from "./made-chain.js";
import { SyncWorld, type Twist, type Twists } from "./sync-harness.js";

const never: Twist = () => new Promise(() => {});
const change =
  (edit: (response: BlocksResponse) => BlocksResponse): Twist =>
  async (_, honest) =>
    BlocksResponse.serialize(edit(BlocksResponse.deserialize(await honest())));

async function catchUpWith(chain: MadeChain, peers: Readonly<Record<string, Twists>>) {
  const world = new SyncWorld(chain);
  for (const [name, twist] of Object.entries(peers)) await world.peer(name, twist);
  const newcomer = await world.newcomer();
  await newcomer.run();
  return { world, newcomer };
}

describe("a node that is behind", () => {
  it("takes ranges from several peers at once and lands them in order, across epochs whose sets differ", async () => {
    const chain = await MadeChain.create({ lengthHeights: 20, blocks: 130 });
    const { world, newcomer } = await catchUpWith(chain, { a: {}, b: {}, c: {} });
    expect(newcomer.tip).toEqual(chain.tip);
    expect(newcomer.landed).toEqual(Array.from({ length: 130 }, (_, index) => index + 1));
    const asked = new Set(world.requests.filter((each) => each.endsWith("blocks/1")));
    expect(asked.size).toBeGreaterThan(1);
    expect(newcomer.charged).toEqual([]);
  });

  it("asks nothing when nobody is ahead, and comes back soon", async () => {
    const chain = await MadeChain.create({ lengthHeights: 50, blocks: 3 });
    const world = new SyncWorld(chain);
    await world.peer("a");
    const newcomer = await world.newcomer();
    await newcomer.run();
    world.requests.length = 0;
    await newcomer.run({ epoch: 0, view: 40 });
    expect(newcomer.tip).toEqual(chain.tip);
    expect(world.requests.filter((each) => each.endsWith("blocks/1"))).toEqual([]);
  });

  it("compares places by epoch first: a low view of a later epoch is ahead", async () => {
    const chain = await MadeChain.create({ lengthHeights: 10, blocks: 11 });
    expect(chain.target).toMatchObject({ epoch: 1, view: 1 });
    const { newcomer } = await catchUpWith(chain, { a: {} });
    expect(newcomer.tip.height).toBe(11);
  });

  it("finds its way over heights whose finalizations nobody keeps", async () => {
    const chain = await MadeChain.create({ lengthHeights: 1_000, blocks: 300, finalizedEvery: 100 });
    const { newcomer } = await catchUpWith(chain, { a: {}, b: {} });
    expect(newcomer.tip.height).toBe(300);
    expect(newcomer.charged).toEqual([]);
  });
});

describe("a hostile peer", () => {
  const shape = { lengthHeights: 16, blocks: 80 };
  const lies: Readonly<Record<string, { readonly twist: Twist; readonly code: string }>> = {
    "sends nonsense": { twist: async () => Uint8Array.of(1, 2, 3), code: "BAD_ENCODING" },
    "changes a payload": {
      twist: change(({ blocks, finalization }) => ({
        blocks: blocks.map(({ header }) => ({ header, payload: emptyPayload() })),
        finalization,
      })),
      code: "BLOCK_BAD_PAYLOAD_ROOT",
    },
    "makes blocks up": {
      twist: change(({ blocks, finalization }) => ({
        blocks: blocks.map(({ header }) => ({
          header: { ...header, payloadRoot: payloadRootOf(emptyPayload()) },
          payload: emptyPayload(),
        })),
        finalization,
      })),
      code: "SYNC_BROKEN_RANGE",
    },
    "cuts the range short of its proof": {
      twist: change(({ blocks, finalization }) => ({ blocks: blocks.slice(0, -1), finalization })),
      code: "SYNC_BAD_PROOF",
    },
    "names another epoch": {
      twist: change(({ blocks, finalization }) => ({
        blocks: blocks.map(({ header, payload }) => ({
          header: { ...header, epoch: header.epoch + 1 },
          payload,
        })),
        finalization,
      })),
      code: "SYNC_WRONG_EPOCH",
    },
    "signs with nobody": {
      twist: change(({ blocks, finalization }) => ({
        blocks,
        finalization: finalization && { ...finalization, view: finalization.view + 1 },
      })),
      code: "VOTE_BAD_AGGREGATE",
    },
  };
  for (const [what, { twist, code }] of Object.entries(lies)) {
    it(`that ${what} is charged, left alone, and does not stop the sync`, async () => {
      const chain = await MadeChain.create(shape);
      const { world, newcomer } = await catchUpWith(chain, { liar: { "blocks/1": twist }, b: {} });
      expect(newcomer.tip).toEqual(chain.tip);
      expect(new Set(newcomer.charged)).toEqual(new Set([`liar ${code}`]));
      // Two requests may be under way when the first answer is judged.
      const asked = world.requests.filter((each) => each === "liar blocks/1");
      expect(asked.length).toBeLessThanOrEqual(2);
    });
  }

  it("that never answers costs its deadline once, and the range is asked of another before", async () => {
    const chain = await MadeChain.create(shape);
    const world = new SyncWorld(chain);
    await world.peer("slow", { "blocks/1": never });
    await world.peer("b");
    const newcomer = await world.newcomer();
    const before = world.clock.nowMs();
    await newcomer.run();
    expect(newcomer.tip).toEqual(chain.tip);
    expect(world.clock.nowMs() - before).toBeLessThan(15_000);
    expect(newcomer.charged).toEqual([]);
  });

  it("that promises heights and has nothing is not believed that the chain ends there", async () => {
    const chain = await MadeChain.create(shape);
    const empty = async () => BlocksResponse.serialize({ blocks: [], finalization: null });
    const status: Twist = async (_, honest) =>
      ChainStatus.serialize({ ...ChainStatus.deserialize(await honest()), finalizedHeight: 1_000_000 });
    const twist = { "blocks/1": empty, "status/1": status };
    const { newcomer } = await catchUpWith(chain, { liar: twist, other: twist, b: {} });
    expect(newcomer.tip).toEqual(chain.tip);
  });

  it("that sends blocks for ever without a proof is cut off at a bound", async () => {
    const chain = await MadeChain.create({ lengthHeights: 100_000, blocks: 1_200, finalizedEvery: 5_000 });
    const endless = change(({ blocks }) => ({ blocks, finalization: null }));
    const world = new SyncWorld(chain);
    await world.peer("liar", { "blocks/1": endless });
    const newcomer = await world.newcomer();
    await newcomer.run();
    expect(newcomer.tip.height).toBe(0);
    expect(newcomer.charged).toEqual(["liar SYNC_ENDLESS"]);
    expect(world.requests.filter((each) => each === "liar blocks/1").length).toBeLessThan(60);
  });

  it("that would flood a newcomer meets a bound on what is held out of turn", async () => {
    const chain = await MadeChain.create({ lengthHeights: 16, blocks: 128 });
    const world = new SyncWorld(chain);
    const furthest: number[] = [];
    const note: Twist = async (request, honest) => {
      furthest.push(BlocksRequest.deserialize(request).fromHeight);
      return honest();
    };
    let released = false;
    const stuck: Twist = async (request, honest) => {
      const { fromHeight } = BlocksRequest.deserialize(request);
      furthest.push(fromHeight);
      // The first range never comes while everything else does.
      return fromHeight === 1 && !released ? new Promise(() => {}) : honest();
    };
    await world.peer("a", { "blocks/1": stuck });
    await world.peer("b", { "blocks/1": stuck });
    await world.peer("c", { "blocks/1": note, "status/1": async () => Uint8Array.of() });
    const newcomer = await world.newcomer();
    const run = newcomer.catchUp.run(chain.target);
    await world.clock.advance(14_000);
    expect(newcomer.tip.height).toBe(0);
    expect(Math.max(...furthest)).toBeLessThanOrEqual(3 * 16 + 1);
    released = true;
    await world.finish(run);
    expect(newcomer.tip).toEqual(chain.tip);
  });
});

describe("a node three epochs behind", () => {
  it("learns the present set by proofs alone, from peers of whom one keeps hand-overs back and one forges them", async () => {
    const chain = await MadeChain.create({ lengthHeights: 8, blocks: 8 * 3 + 2 });
    const world = new SyncWorld(chain);
    const edit =
      (change: (response: HandoversResponse) => HandoversResponse): Twist =>
      async (_, honest) =>
        HandoversResponse.serialize(change(HandoversResponse.deserialize(await honest())));
    const nothing = { "blocks/1": async () => BlocksResponse.serialize({ blocks: [], finalization: null }) };
    await world.peer("silent", {
      ...nothing,
      "handovers/1": edit(() => ({ handovers: [] })),
    });
    await world.peer("forger", {
      ...nothing,
      "handovers/1": edit(({ handovers }) => ({
        handovers: handovers.map((each) => ({ ...each, nextSet: [...each.nextSet].reverse() })),
      })),
    });
    await world.peer("honest", nothing);
    const newcomer = await world.newcomer();
    await newcomer.run();
    expect(newcomer.tip.height).toBe(0);
    expect(newcomer.store.handover(2)).toEqual(chain.store.handover(2));
    expect(newcomer.epochs.setOf(3)).toEqual(chain.epochs.setOf(3));
    expect(newcomer.charged.every((each) => each.startsWith("forger HANDOVER_"))).toBe(true);
  });
});
