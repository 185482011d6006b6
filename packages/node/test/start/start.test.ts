import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "@consilium/crypto";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Alliance, createAlliance, loadConfig, type NodeConfig } from "../../src/config/index.js";
import { type RunningNode, startNode } from "../../src/node.js";

let alliance: Alliance;
let config: NodeConfig;
const running: RunningNode[] = [];

beforeAll(async () => {
  alliance = await createAlliance({
    dir: mkdtempSync(join(tmpdir(), "consilium-start-")),
    members: ["North", "East", "South", "West"].map((name) => ({ name })),
    preset: "devnet",
    keystoreCost: 2 ** 15,
  });
  config = loadConfig(alliance.members[0]!.configFile);
});

afterEach(async () => {
  for (const node of running.splice(0)) await node.stop();
});

async function start(changed: NodeConfig = config): Promise<RunningNode> {
  const node = await startNode(changed);
  running.push(node);
  return node;
}

async function statusOf(node: RunningNode) {
  return (await fetch(`${node.apiUrl}/v1/status`)).json() as Promise<{
    name: string;
    alliance: { chainId: string };
  }>;
}

/** Holds a port while `act` runs. */
async function withPort<Value>(port: number, act: () => Promise<Value>): Promise<Value> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
  try {
    return await act();
  } finally {
    await new Promise((closed) => server.close(closed));
  }
}

describe("a node", () => {
  it("serves its API, stops within five seconds, and starts again from the same folder", async () => {
    const first = await start();
    expect(await statusOf(first)).toMatchObject({ name: "North", alliance: { chainId: alliance.chainId } });
    const beforeMs = Date.now();
    await first.stop();
    expect(Date.now() - beforeMs).toBeLessThan(5_000);
    await expect(fetch(`${first.apiUrl}/v1/status`)).rejects.toThrow();
    expect((await statusOf(await start())).name).toBe("North");
  });

  it("finalizes its own private chain, and logs one JSON object a line without secrets", async () => {
    const node = await start();
    await node.private.waitFor(() => (node.private.finalized().height >= 1 ? true : undefined), {
      timeoutMs: 30_000,
    });
    await node.stop();
    const lines = readFileSync(config.log.file!, "utf8").trim().split("\n");
    const events = lines.map((line) => JSON.parse(line));
    expect(events.map(({ msg }) => msg)).toContain("node.started");
    expect(events.map(({ msg }) => msg)).toContain("committees.share-machines");
    const passphrase = readFileSync(config.passphraseFile!, "utf8").trim();
    expect(lines.join("\n")).not.toContain(passphrase);
  });

  it("follows and does not vote on a new data folder, once its key has voted from another", async () => {
    const member = loadConfig(alliance.members[3]!.configFile);
    const first = await start(member);
    expect(first.private.status().role).toBe("voting");
    await first.stop();
    rmSync(member.dataDir, { recursive: true });
    const again = await start(member);
    for (const chain of [again.alliance, again.private]) {
      expect(chain.status()).toMatchObject({ role: "following", followReason: "SAFETY_RECORD_MISSING" });
    }
    expect(readFileSync(member.log.file!, "utf8")).toContain("never from an older copy");
  });

  it("follows and does not vote on a data folder that is older than its last start", async () => {
    const member = loadConfig(alliance.members[2]!.configFile);
    await (await start(member)).stop();
    running.splice(0);
    const copy = `${member.dataDir}.copy`;
    cpSync(member.dataDir, copy, { recursive: true });
    await (await start(member)).stop();
    running.splice(0);
    rmSync(member.dataDir, { recursive: true });
    renameSync(copy, member.dataDir);
    const restored = await start(member);
    expect(restored.alliance.status()).toMatchObject({ followReason: "SAFETY_RECORD_STALE" });
    const status = await (await fetch(`${restored.apiUrl}/v1/status`)).json();
    expect(status.alliance).toMatchObject({ role: "following", followReason: "SAFETY_RECORD_STALE" });
    expect(status.alliance.remedy).toContain("consilium safety reset");
  });

  it("votes again on its private chain above the block that its operator names, and on no other", async () => {
    const member = loadConfig(alliance.members[1]!.configFile);
    const first = await start(member);
    const risen = () => (first.private.finalized().height >= 2 ? true : undefined);
    await first.private.waitFor(risen, { timeoutMs: 30_000 });
    await first.stop();
    running.splice(0);
    cpSync(member.dataDir, `${member.dataDir}.copy`, { recursive: true });
    await (await start(member)).stop();
    running.splice(0);
    rmSync(member.dataDir, { recursive: true });
    renameSync(`${member.dataDir}.copy`, member.dataDir);

    const stuck = await start(member);
    expect(stuck.private.status()).toMatchObject({ followReason: "SAFETY_RECORD_STALE" });
    const { height, digest } = stuck.private.finalized();
    const status = await (await fetch(`${stuck.apiUrl}/v1/status`)).json();
    expect(status.private.remedy).toContain(`--resume-private ${height}:${toHex(digest)}`);
    await stuck.stop();
    running.splice(0);

    const other = { height, digest: new Uint8Array(32).fill(1) };
    await expect(startNode(member, { resumePrivateAt: other })).rejects.toMatchObject({
      code: "NAMED_TIP_DIFFERS",
    });
    const resumed = await startNode(member, { resumePrivateAt: { height, digest } });
    running.push(resumed);
    const grown = () => (resumed.private.finalized().height > height ? true : undefined);
    await resumed.private.waitFor(grown, { timeoutMs: 30_000 });
    expect(resumed.private.status().role).toBe("voting");
  });

  it("is refused a data folder that another node uses", async () => {
    await start();
    await expect(startNode(config)).rejects.toMatchObject({
      code: "DATA_FOLDER_IN_USE",
      message: expect.stringContaining("stop that node first"),
    });
  });

  it("says which setting to change when the API's port is taken, and lets go of everything", async () => {
    await withPort(config.api.port, async () => {
      await expect(startNode(config)).rejects.toMatchObject({
        code: "PORT_IN_USE",
        message: expect.stringContaining("api.listen.port"),
        details: { port: config.api.port },
      });
    });
    expect((await statusOf(await start())).name).toBe("North");
  });

  it("says so when the port for other nodes is taken", async () => {
    const port = Number(config.network.listen.split("/").at(-1));
    await withPort(port, () => expect(startNode(config)).rejects.toMatchObject({ code: "PORT_IN_USE" }));
  });

  it("does not start without its passphrase, its genesis or its keystores", async () => {
    const without = { ...config, passphraseFile: join(alliance.dir, "nowhere") };
    await expect(startNode(without)).rejects.toMatchObject({ code: "PASSPHRASE_MISSING" });
    const lost = { ...config, genesisFile: join(alliance.dir, "nowhere.json") };
    await expect(startNode(lost)).rejects.toMatchObject({ code: "GENESIS_NOT_FOUND" });
    const vote = join(config.keystoreDir, "vote.json");
    renameSync(vote, `${vote}.away`);
    await expect(startNode(config)).rejects.toMatchObject({ code: "KEYSTORE_MISSING" });
    renameSync(`${vote}.away`, vote);
  });

  it("stays outside, and says so, with the keystores of a stranger", async () => {
    const other = await createAlliance({
      dir: mkdtempSync(join(tmpdir(), "consilium-start-")),
      members: ["A", "B", "C", "D"].map((name) => ({ name })),
      preset: "devnet",
      keystoreCost: 2 ** 15,
    });
    const stranger = { ...loadConfig(other.members[0]!.configFile), genesisFile: alliance.genesisFile };
    const node = await start(stranger);
    const status = await (await fetch(`${node.apiUrl}/v1/status`)).json();
    expect(status).toMatchObject({ membership: "awaited", peers: [] });
    expect(readFileSync(stranger.log.file!, "utf8")).toContain("membership.not-a-member");
    await node.stop();
    rmSync(other.dir, { recursive: true });
  });
});
