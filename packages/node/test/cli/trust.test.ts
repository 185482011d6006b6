import { mkdtempSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LightClient } from "@consilium/client";
import { beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/chain/system-ports.js";
import { trustOf } from "../../src/cli/user/trust.js";
import { writeGenesis } from "../../src/config/index.js";
import { TestAlliance } from "../chain/harness.js";

const code = (expected: string) => expect.objectContaining({ code: expected });

describe("what a user's command trusts", () => {
  let genesis: string;
  beforeAll(async () => {
    genesis = join(mkdtempSync(join(tmpdir(), "consilium-trust-")), "genesis.json");
    writeGenesis(genesis, (await TestAlliance.create(4)).genesis);
  });
  const freshWallet = (): string => join(mkdtempSync(join(tmpdir(), "consilium-trust-")), "patient.wallet");

  /** What a command does at its end; no node is asked for it. */
  async function keep(wallet: string): Promise<void> {
    const { start, verifier, storage } = (await trustOf({ genesis }, wallet))!;
    const silent = {
      name: "nobody",
      head: () => Promise.reject(new Error("not asked")),
      handovers: () => Promise.reject(new Error("not asked")),
      state: () => Promise.reject(new Error("not asked")),
    };
    const parts = { sources: [silent], clock: systemClock, verifier: verifier!, storage: storage! };
    await (await LightClient.open({ trust: start, ...parts })).save();
  }

  it("is the node's word where no genesis is known, and where that is asked for", async () => {
    const wallet = freshWallet();
    expect(await trustOf({}, wallet)).toBeUndefined();
    expect(await trustOf({ trust: "off", genesis }, wallet)).toBeUndefined();
  });

  it("is the genesis that is named", async () => {
    expect((await trustOf({ genesis }, freshWallet()))!.start).toHaveProperty("genesis.seats", 4);
  });

  it("is what an earlier command left beside the wallet, which only its user may read", async () => {
    const wallet = freshWallet();
    await keep(wallet);
    expect(statSync(`${wallet}.light`).mode & 0o777).toBe(0o600);
    for (const choice of [{}, { trust: "checkpoint" as const }])
      expect((await trustOf(choice, wallet))!.start).toHaveProperty("checkpoint.epoch", 0);
    expect((await trustOf({ genesis }, wallet))!.start).toHaveProperty("genesis");
  });

  it("is refused when it is not there, or damaged", async () => {
    const wallet = freshWallet();
    await expect(trustOf({ trust: "genesis" }, wallet)).rejects.toEqual(code("USAGE"));
    await expect(trustOf({ trust: "checkpoint" }, wallet)).rejects.toEqual(code("USAGE"));
    const missing = `${genesis}.missing`;
    await expect(trustOf({ genesis: missing }, wallet)).rejects.toEqual(code("GENESIS_NOT_FOUND"));
    writeFileSync(`${wallet}.light`, "{}");
    await expect(trustOf({}, wallet)).rejects.toEqual(code("LIGHT_CHECKPOINT_BAD"));
  });
});
