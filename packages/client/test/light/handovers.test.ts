import { validatorSetRoot } from "@consilium/consensus";
import { ConsiliumError, codeOf, toHex } from "@consilium/crypto";
import { queries } from "@consilium/ledger";
import { digestOf } from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  LightClient,
  type LightClientOptions,
  type LightSource,
  memoryWalletStorage,
} from "../../src/index.js";
import { QuickClock } from "../helpers/platform.js";
import { ElectedChain, EPOCH_HEIGHTS } from "./support/elected-chain.js";
import { lying } from "./support/served-chain.js";
import { Signers } from "./support/signers.js";

let signers: Signers;
let chain: ElectedChain;
/** The same validators' other history: same elections, other times. */
let forked: ElectedChain;

beforeAll(async () => {
  signers = await Signers.make();
  chain = await ElectedChain.start(signers);
  await chain.growTo(4 * EPOCH_HEIGHTS + 3);
  forked = await ElectedChain.start(signers, 1_500);
  await forked.growTo(4 * EPOCH_HEIGHTS + 3);
});

const open = (sources: readonly LightSource[], change: Partial<LightClientOptions> = {}) =>
  LightClient.open({
    trust: { genesis: chain.genesis },
    sources,
    verifier: signers.verifier,
    clock: new QuickClock(),
    ...change,
  });

/** The error of something that must fail. */
async function failure(action: Promise<unknown>): Promise<ConsiliumError> {
  const error = await action.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ConsiliumError) return error;
  throw new Error(`expected a coded refusal, got ${error}`);
}

const read = (light: LightClient) => light.query(queries.tip);

describe("a light client crosses epochs", () => {
  it("from genesis over three changes of validators, by proofs alone", async () => {
    const roots = [1, 2, 3, 4].map((epoch) => toHex(validatorSetRoot(chain.setOf(epoch))));
    expect(new Set(roots).size).toBe(4);
    const light = await open([chain.source("a")]);
    const head = await light.advance();
    expect(head.height).toBe(chain.height);
    expect(light.checkpoint.epoch).toBe(4);
    expect(toHex(validatorSetRoot(light.checkpoint.set))).toBe(roots[3]);
    expect(await read(light)).toMatchObject({
      value: { height: chain.height - 1 },
      height: chain.height - 1,
    });
  });

  it("also when each page of hand-overs holds a single one", async () => {
    const honest = chain.source("a");
    let pages = 0;
    const slow = lying(honest, "slow", {
      handovers: (from) => {
        pages++;
        return honest.handovers(from, 1);
      },
    });
    const light = await open([slow]);
    await light.advance();
    expect([light.checkpoint.epoch, pages]).toEqual([4, 4]);
  });

  it("while the newest final block is the boundary block just crossed", async () => {
    const source = chain.source("a", 2 * EPOCH_HEIGHTS + 1);
    const light = await open([source]);
    await light.advance();
    source.height = 2 * EPOCH_HEIGHTS;
    // The node is one block behind: stale, though that block is the one that the checkpoint names.
    expect((await failure(light.advance())).code).toBe("LIGHT_STALE");
    source.height = 2 * EPOCH_HEIGHTS + 1;
    await light.advance();
    const fresh = await open([chain.source("b", 2 * EPOCH_HEIGHTS)]);
    await fresh.advance();
    expect(fresh.checkpoint.epoch).toBe(1);
    expect(fresh.head.height).toBe(2 * EPOCH_HEIGHTS);
  });

  it("with two questions at once, taking each step once", async () => {
    const light = await open([chain.source("a")]);
    const answers = await Promise.all([read(light), read(light), light.advance()]);
    expect(answers[0]).toEqual(answers[1]);
    expect(light.checkpoint.epoch).toBe(4);
    expect(light.faults).toEqual([]);
  });

  it("goes on where it stopped, and still refuses what is older than it has seen", async () => {
    const storage = memoryWalletStorage();
    const first = await open([chain.source("a", 14)], { storage });
    await first.advance();
    const asked: number[] = [];
    const honest = chain.source("a");
    const counted = lying(honest, "a", {
      handovers: (from, count) => {
        asked.push(from);
        return honest.handovers(from, count);
      },
    });
    const resumed = await open([counted], { storage });
    expect(resumed.head.height).toBe(14);
    await resumed.advance();
    expect(asked).toEqual([3]);
    const behind = await open([chain.source("old", 14)], { storage, patienceMs: 0 });
    expect((await failure(read(behind))).code).toBe("LIGHT_STALE");
  });

  it("starts from a checkpoint that somebody hands on as text", async () => {
    const giver = await open([chain.source("a", 14)]);
    await giver.advance();
    const checkpoint = decodeCheckpoint(encodeCheckpoint(giver.checkpoint));
    expect(checkpoint).toEqual(giver.checkpoint);
    const clock = new QuickClock();
    const light = await open([chain.source("a")], { trust: { checkpoint }, clock });
    await light.advance();
    expect(light.head.height).toBe(chain.height);
    expect(light.checkpoint.epoch).toBe(4);
  });

  it("refuses a checkpoint past the evidence window, a damaged one, and one of another chain's store", async () => {
    const giver = await open([chain.source("a", 14)]);
    await giver.advance();
    const { checkpoint } = giver;
    const clock = new QuickClock();
    clock.pass(31 * 24 * 3_600_000);
    const trust = { checkpoint };
    expect((await failure(open([chain.source("a")], { trust, clock }))).code).toBe("LIGHT_CHECKPOINT_OLD");
    const misfit: Checkpoint = { ...checkpoint, height: checkpoint.height + 1 };
    expect((await failure(open([chain.source("a")], { trust: { checkpoint: misfit } }))).code).toBe(
      "LIGHT_CHECKPOINT_BAD",
    );
    expect(() => decodeCheckpoint("{}")).toThrow(expect.objectContaining({ code: "LIGHT_CHECKPOINT_BAD" }));
    const storage = memoryWalletStorage();
    await storage.write("not what was written");
    expect((await failure(open([chain.source("a")], { storage }))).code).toBe("LIGHT_CHECKPOINT_BAD");
    const other = memoryWalletStorage();
    const elsewhere = { ...checkpoint, chainId: new Uint8Array(32).fill(1) };
    await (await open([chain.source("a")], { trust: { checkpoint: elsewhere }, storage: other })).save();
    expect((await failure(open([chain.source("a")], { storage: other }))).code).toBe("LIGHT_CHECKPOINT_BAD");
  });
});

describe("a light client refuses a hand-over", () => {
  const refusedWith = async (change: (source: LightSource) => Partial<LightSource>): Promise<string> => {
    const honest = chain.source("honest");
    const light = await open([lying(honest, "liar", change(honest))]);
    const error = await failure(light.advance());
    expect(light.faults).toMatchObject([{ source: "liar", code: error.code }]);
    return error.code;
  };

  it("whose set is not the one that the boundary block names", async () => {
    const code = await refusedWith((honest) => ({
      handovers: async (from, count) => {
        const [first, ...rest] = await honest.handovers(from, count);
        return [{ ...first!, nextSet: first!.nextSet.slice(1) }, ...rest];
      },
    }));
    expect(code).toBe("LIGHT_BAD_HANDOVER");
  });

  it("that the set itself never signed, though a whole other set did", async () => {
    const strangers = ["eve", "mallory", "trudy", "oscar"];
    const forgedSet = strangers.map((name, place) => ({
      nodeId: new Uint8Array(32).fill(place + 1),
      voteKey: signers.keyOf(name),
    }));
    const { header } = chain.handovers[0]!;
    const forgedHeader = { ...header, nextSetRoot: validatorSetRoot(forgedSet) };
    const finalization = await signers.finalize(forgedHeader, forgedSet, new Map([...strangers.entries()]));
    const code = await refusedWith(() => ({
      handovers: async () => [{ header: forgedHeader, finalization, nextSet: forgedSet }],
    }));
    expect(code).toBe("LIGHT_BAD_HANDOVER");
  });

  it("with the finalization of another block, or of another epoch", async () => {
    const other = await refusedWith((honest) => ({
      handovers: async (from, count) => {
        const [first, ...rest] = await honest.handovers(from, count);
        return [{ ...first!, finalization: chain.blocks[1]!.finalization }, ...rest];
      },
    }));
    const skipped = await refusedWith((honest) => ({
      handovers: (from, count) => honest.handovers(from + 1, count),
    }));
    expect([other, skipped]).toEqual(["LIGHT_BAD_HANDOVER", "LIGHT_BAD_HANDOVER"]);
  });

  it("that is missing: a chain cut short under a head of later epochs", async () => {
    const code = await refusedWith((honest) => ({
      handovers: async (from, count) => (await honest.handovers(from, count)).slice(0, 2 - from),
    }));
    expect(code).toBe("LIGHT_BAD_HANDOVER");
  });

  it("of another history of the same validators once it has crossed, and keeps both proofs", async () => {
    const storage = memoryWalletStorage();
    const light = await open([chain.source("a"), forked.source("b")], { storage });
    await light.advance();
    expect((await failure(light.crossCheck())).code).toBe("LIGHT_FORK");
    const { first, second } = light.fork!;
    expect(first!.header.height).toBe(second.header.height);
    expect(toHex(digestOf(first!.header))).not.toBe(toHex(digestOf(second.header)));
    // Nothing is answered any more, also not after a restart.
    expect((await failure(read(light))).code).toBe("LIGHT_FORK");
    const resumed = await open([chain.source("a")], { storage });
    expect((await failure(resumed.advance())).code).toBe("LIGHT_FORK");
    expect(resumed.fork).toEqual(light.fork);
  });
});

describe("a light client with several nodes", () => {
  it("asks the next one when the first cheats, and the cheat last from then on", async () => {
    const honest = chain.source("honest");
    let asked = 0;
    const liar = lying(honest, "liar", {
      head: async () => {
        asked++;
        const { header, finalization } = await honest.head();
        return { header: { ...header, timestampMs: header.timestampMs + 1 }, finalization };
      },
    });
    const light = await open([liar, honest]);
    await light.advance();
    await light.advance();
    expect(asked).toBe(1);
    expect(light.faults).toMatchObject([{ source: "liar", code: "LIGHT_BAD_PROOF" }]);
  });

  it("finds agreement where all serve one history, also at different heights", async () => {
    const light = await open([chain.source("a"), chain.source("b", chain.height - 1)]);
    await light.advance();
    expect(await light.crossCheck()).toEqual(["a", "b"]);
  });

  it("sees a fork of the running epoch at one height, and of one view", async () => {
    const { header } = chain.blocks.at(-1)!;
    const set = chain.setOf(header.epoch);
    const twin = { ...header, timestampMs: header.timestampMs + 1 };
    const names = chain.namesOf(set);
    const sameHeight = await signers.finalize(twin, set, names, header.height + 5);
    const higher = { ...header, height: header.height + 1 };
    const sameView = await signers.finalize(higher, set, names, header.height);
    for (const [claim, finalization] of [
      [twin, sameHeight],
      [higher, sameView],
    ] as const) {
      const cheat = lying(chain.source("b"), "b", { head: async () => ({ header: claim, finalization }) });
      const light = await open([chain.source("a"), cheat]);
      await light.advance();
      expect((await failure(light.crossCheck())).code).toBe("LIGHT_FORK");
    }
  });

  it("keeps a fork that shows in a question, and steps that were taken for one", async () => {
    const storage = memoryWalletStorage();
    const honest = chain.source("node", chain.height - 1);
    const node = lying(honest, "node", {});
    const light = await open([node], { storage });
    await read(light);
    expect((await open([honest], { storage })).checkpoint.epoch).toBe(4);
    const { header } = honest.tip;
    const set = chain.setOf(header.epoch);
    const twin = { ...header, timestampMs: header.timestampMs + 1 };
    const finalization = await signers.finalize(twin, set, chain.namesOf(set), header.height + 5);
    node.state = async (keys) => ({ ...(await honest.state(keys)), header: twin, finalization });
    expect((await failure(read(light))).code).toBe("LIGHT_FORK");
    expect((await open([honest], { storage })).fork).toEqual(light.fork);
  });

  it("says which failure matters most when all fail", async () => {
    const dead = lying(chain.source("dead"), "dead", {
      head: () => Promise.reject(new ConsiliumError("API_UNREACHABLE", "No node answers.")),
    });
    const honest = chain.source("honest");
    const liar = lying(honest, "liar", {
      head: async () => ({ ...(await honest.head()), finalization: chain.blocks[0]!.finalization }),
    });
    const light = await open([dead, liar], { patienceMs: 0 });
    const error = await failure(light.advance());
    expect(codeOf(error)).toBe("LIGHT_BAD_PROOF");
    expect(light.faults.map(({ source, code }) => `${source} ${code}`)).toEqual([
      "dead API_UNREACHABLE",
      "liar LIGHT_BAD_PROOF",
    ]);
  });
});
