import { concat } from "@consilium/crypto";
import {
  createCurveVoteSuite,
  decodeG1,
  encodePoint,
  InlineCryptoPool,
  loadCurve,
} from "@consilium/crypto/curve";
import type { Genesis, GenesisMember } from "@consilium/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { checkGenesis } from "../src/index.js";
import { Alliance } from "./support/alliance.js";

let genesis: Genesis;
let pool: InlineCryptoPool;
let curve: Awaited<ReturnType<typeof loadCurve>>;

beforeAll(async () => {
  curve = await loadCurve({ backend: "mcl" });
  pool = new InlineCryptoPool(curve);
  ({ genesis } = (await Alliance.start({ stakes: [4, 3, 2, 1] })).chain);
});

const withMember = (change: (members: readonly GenesisMember[]) => Partial<GenesisMember>): Genesis => {
  const [first, ...others] = genesis.members;
  return { ...genesis, members: [{ ...first!, ...change(genesis.members) }, ...others] };
};

describe("a genesis", () => {
  it("is trusted when every founder proves its vote key", async () => {
    await expect(checkGenesis(genesis, pool)).resolves.toBeUndefined();
  });

  it("is refused with a rogue key, under which one founder would sign for all", async () => {
    const suite = createCurveVoteSuite(curve);
    const secret = new Uint8Array(32).fill(1);
    const others = genesis.members.slice(1).map(({ voteKey }) => voteKey);
    const { g1 } = curve;
    const sum = others.map((key) => decodeG1(curve, key)).reduce((left, right) => g1.add(left, right));
    const own = decodeG1(curve, suite.publicKey(secret));
    const voteKey = encodePoint(g1, g1.add(own, g1.negate(sum)));
    const message = concat(new Uint8Array(32), Uint8Array.of(3));
    // The attack itself: one secret, and a certificate that names everybody.
    expect(suite.verify([voteKey, ...others], message, suite.sign(secret, message))).toBe(true);
    await expect(
      checkGenesis(
        withMember(() => ({ voteKey })),
        pool,
      ),
    ).rejects.toMatchObject({
      code: "GENESIS_BAD_KEYS",
    });
  });

  it.each<[string, (members: readonly GenesisMember[]) => Partial<GenesisMember>]>([
    ["another founder's proof", (members) => ({ votePossession: members[1]!.votePossession })],
    [
      "the vote key of another founder",
      ([, other]) => ({ voteKey: other!.voteKey, votePossession: other!.votePossession }),
    ],
    ["the node key of another founder", ([, other]) => ({ nodeKey: other!.nodeKey })],
  ])("is refused with %s", async (_, change) => {
    await expect(checkGenesis(withMember(change), pool)).rejects.toMatchObject({ code: "GENESIS_BAD_KEYS" });
  });

  it("is refused with epochs of one height, and with more stake than can be counted", async () => {
    const parameters = { ...genesis.parameters, epochLengthHeights: 1 };
    const code = "GENESIS_BAD_PARAMETERS";
    await expect(checkGenesis({ ...genesis, parameters }, pool)).rejects.toMatchObject({ code });
    const rich = withMember(() => ({ stake: Number.MAX_SAFE_INTEGER }));
    await expect(checkGenesis(rich, pool)).rejects.toMatchObject({ code });
  });

  it("is refused with ceremony windows too short for its committees", async () => {
    const parameters = { ...genesis.parameters, ceremonyWindowHeights: 19 };
    await expect(checkGenesis({ ...genesis, parameters }, pool)).rejects.toMatchObject({
      code: "GENESIS_BAD_PARAMETERS",
      details: { ceremonyWindowHeights: 19, committee: 4 },
    });
  });
});
