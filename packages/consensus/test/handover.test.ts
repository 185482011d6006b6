import { type BlockHeader, digestOf, type Handover, VoteKind, ZERO_32 } from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { followHandovers, makeHandover, validatorSetRoot, verifyHandover } from "../src/index.js";
import { blockOf, nullify } from "./engine/harness.js";
import { chainId, codeOf, makeVoters, type Voters } from "./voters.js";

const LENGTH_HEIGHTS = 10;
const QUORUM = [0, 1, 2];

/** Sets of the epochs 0 to 3; the last has seven validators. */
let sets: Voters[];
let honest: Handover[];
beforeAll(async () => {
  sets = await Promise.all([makeVoters(4), makeVoters(4, 20), makeVoters(5, 40), makeVoters(7, 60)]);
  honest = [0, 1, 2].map((epoch) => handoverOf(epoch, {}, [0, 1, 2, 3]));
});

const boundaryOf = (epoch: number, change: Partial<BlockHeader> = {}): BlockHeader => ({
  ...blockOf(1),
  epoch,
  height: (epoch + 1) * LENGTH_HEIGHTS,
  nextSetRoot: validatorSetRoot(sets[epoch + 1]!.set),
  ...change,
});
const finalizationOf = (header: BlockHeader, epoch: number, signers: number[], view = 12) =>
  sets[epoch]!.certificate(
    { kind: VoteKind.finalize, epoch, view, parentView: 11, digest: digestOf(header) },
    ...signers,
  );
function handoverOf(epoch: number, change: Partial<BlockHeader> = {}, signers = QUORUM): Handover {
  const header = boundaryOf(epoch, change);
  const nextSet = sets[epoch + 1]!.set.map((each) => ({ ...each }));
  return { header, finalization: finalizationOf(header, epoch, signers), nextSet };
}
const check = (handover: Handover, epoch = 0, chain: Uint8Array = chainId) =>
  verifyHandover(sets[epoch]!.verifier, chain, sets[epoch]!.set, epoch, LENGTH_HEIGHTS, handover);
const code = async (handover: Handover, epoch = 0): Promise<string> => codeOf(await check(handover, epoch));

describe("verifyHandover", () => {
  it("gives the next set when the old one finalized its boundary block", async () => {
    expect(await check(honest[0]!)).toEqual({ kind: "valid", value: sets[1]!.set });
    expect(await check(honest[2]!, 2)).toEqual({ kind: "valid", value: sets[3]!.set });
  });

  it("takes a boundary block that was proposed again in a later view", async () => {
    const again = finalizationOf(honest[0]!.header, 0, QUORUM, 99);
    expect(await code({ ...honest[0]!, finalization: again })).toBe("valid");
  });

  it("refuses another set than the header commits to, in members, order or number", async () => {
    const [first, ...rest] = honest[0]!.nextSet;
    for (const nextSet of [[...rest, first!], rest, [], sets[2]!.set.map((each) => ({ ...each }))]) {
      expect(await code({ ...honest[0]!, nextSet })).toBe("HANDOVER_BAD_SET");
    }
  });

  it("refuses an empty set even when a header commits to it", async () => {
    const empty = { ...handoverOf(0, { nextSetRoot: validatorSetRoot([]) }), nextSet: [] };
    expect(await code(empty)).toBe("HANDOVER_BAD_SET");
  });

  it("refuses a block that is finalized but ends no epoch, or another, or another chain's", async () => {
    for (const change of [{ height: 9 }, { height: 20 }, { epoch: 1 }, { chainId: ZERO_32 }]) {
      expect(await code(handoverOf(0, change))).toBe("HANDOVER_BAD_HEADER");
    }
    expect(codeOf(await check(honest[0]!, 0, ZERO_32))).toBe("HANDOVER_BAD_HEADER");
    expect(await code(honest[0]!, 1)).toBe("HANDOVER_BAD_HEADER");
  });

  it("refuses a finalization of another block, epoch or kind", async () => {
    const header = honest[0]!.header;
    const digest = digestOf(header);
    const other = finalizationOf({ ...header, timestampMs: 5 }, 0, QUORUM);
    const subjects = [
      { kind: VoteKind.notarize, epoch: 0, view: 12, parentView: 11, digest },
      { kind: VoteKind.finalize, epoch: 1, view: 12, parentView: 11, digest },
      nullify(12),
    ].map((subject) => sets[0]!.certificate(subject, ...QUORUM));
    for (const finalization of [other, ...subjects]) {
      expect(await code({ ...honest[0]!, finalization })).toBe("HANDOVER_BAD_FINALIZATION");
    }
  });

  it("refuses a finalization short of a quorum, or by another set", async () => {
    expect(await code(handoverOf(0, {}, [0, 1]))).toBe("VOTE_NO_QUORUM");
    const header = honest[0]!.header;
    const subject = { kind: VoteKind.finalize, epoch: 0, view: 12, parentView: 11, digest: digestOf(header) };
    const finalization = sets[1]!.certificate(subject, ...QUORUM);
    expect(await code({ ...honest[0]!, finalization })).toBe("VOTE_BAD_AGGREGATE");
  });

  it("refuses a header changed in any field after it was finalized", async () => {
    for (const change of [
      { timestampMs: 1 },
      { stateRoot: chainId },
      { payloadRoot: chainId },
      { version: 2 },
    ]) {
      const header = { ...honest[0]!.header, ...change };
      expect(await code({ ...honest[0]!, header })).toBe("HANDOVER_BAD_FINALIZATION");
    }
  });
});

describe("makeHandover", () => {
  it("packs what verifies", async () => {
    const { header, finalization } = honest[1]!;
    expect(await code(makeHandover(header, finalization, sets[2]!.set), 1)).toBe("valid");
  });

  it("refuses a set to which the header does not commit", () => {
    const { header, finalization } = honest[1]!;
    expect(() => makeHandover(header, finalization, sets[1]!.set)).toThrow(
      expect.objectContaining({ code: "HANDOVER_BAD_SET" }),
    );
  });
});

describe("followHandovers", () => {
  const follow = (handovers: readonly Handover[]) =>
    followHandovers(sets[0]!.verifier, chainId, { epoch: 0, set: sets[0]!.set }, LENGTH_HEIGHTS, handovers);

  it("crosses epochs, each hand-over under the set that the one before proved", async () => {
    const { reached, verdict } = await follow(honest);
    expect(codeOf(verdict)).toBe("valid");
    expect(reached).toEqual({ epoch: 3, set: sets[3]!.set });
  });

  it("stays where it stands when there is nothing to follow", async () => {
    expect((await follow([])).reached.epoch).toBe(0);
  });

  it("keeps what holds, and says why it goes no further", async () => {
    const { reached, verdict } = await follow([honest[0]!, handoverOf(1, {}, [0, 1]), honest[2]!]);
    expect(reached).toEqual({ epoch: 1, set: sets[1]!.set });
    expect(codeOf(verdict)).toBe("VOTE_NO_QUORUM");
  });

  it("skips no epoch", async () => {
    const { reached, verdict } = await follow([honest[0]!, honest[2]!]);
    expect(reached.epoch).toBe(1);
    expect(codeOf(verdict)).toBe("HANDOVER_BAD_HEADER");
  });
});
