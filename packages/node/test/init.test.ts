import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ed25519PublicKey } from "@consilium/crypto";
import { createCurveVoteSuite, loadMclCurve, voteCheckPossession } from "@consilium/crypto/curve";
import { chainIdOf, presets } from "@consilium/protocol";
import { describe, expect, it } from "vitest";
import { createAlliance, loadConfig, readGenesis, readPassphrase } from "../src/config/index.js";
import { KeystoreFolder, openNodeKeys } from "../src/keys/index.js";

const COST = 2 ** 15;
const MEMBERS = ["North", "East", "South", "West"].map((name) => ({ name }));
const freshDir = (): string => mkdtempSync(join(tmpdir(), "consilium-init-"));
const input = (dir: string) =>
  ({
    dir,
    members: MEMBERS,
    preset: "devnet",
    presetOverrides: { heartbeatMs: 500 },
    keystoreCost: COST,
  }) as const;

function filesOf(dir: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(dir, { recursive: true, encoding: "utf8" })
      .filter((name) => statSync(join(dir, name)).isFile())
      .map((name) => [name, readFileSync(join(dir, name), "hex")]),
  );
}

describe("founding an alliance", () => {
  it("writes a genesis, and for each member a config, keystores, a passphrase and a data folder", async () => {
    const alliance = await createAlliance(input(freshDir()));
    expect(alliance.created).toBe(true);
    expect(alliance.members.map((member) => member.name)).toEqual(["North", "East", "South", "West"]);
    const genesis = readGenesis(alliance.genesisFile);
    expect(genesis.parameters).toEqual({ ...presets.devnet, heartbeatMs: 500 });
    expect(genesis.keyCentre).toEqual([0, 1, 2, 3]);
    expect(chainIdOf(genesis)).toEqual(chainIdOf(alliance.genesis));
    const ports = new Set<number>();
    for (const member of alliance.members) {
      const config = loadConfig(member.configFile);
      expect(config.genesisFile).toBe(alliance.genesisFile);
      expect(config.network.peers).toHaveLength(3);
      expect(config.network.peers.join()).not.toContain(member.peerId);
      ports.add(config.api.port).add(Number(config.network.listen.split("/").at(-1)));
      expect(statSync(member.dataDir).isDirectory()).toBe(true);
    }
    expect(ports.size).toBe(8);
  });

  it("keeps keystores and passphrases readable by their user alone, and the secrets fit the genesis", async () => {
    const alliance = await createAlliance(input(freshDir()));
    const curve = await loadMclCurve();
    const [member] = alliance.members;
    const founder = alliance.genesis.members[0]!;
    for (const name of readdirSync(member!.keystoreDir)) {
      expect(statSync(join(member!.keystoreDir, name)).mode & 0o777).toBe(0o600);
    }
    expect(statSync(member!.passphraseFile).mode & 0o777).toBe(0o600);
    const folder = new KeystoreFolder(member!.keystoreDir, readPassphrase(member!.passphraseFile), COST);
    const keys = await openNodeKeys(folder);
    expect(ed25519PublicKey(keys.node.secretKey)).toEqual(founder.nodeKey);
    expect(createCurveVoteSuite(curve).publicKey(keys.vote.secretKey)).toEqual(founder.voteKey);
    expect(voteCheckPossession(curve, founder.voteKey, founder.votePossession)).toBe(true);
  });

  it("changes nothing when it is run again", async () => {
    const dir = freshDir();
    const first = await createAlliance(input(dir));
    const before = filesOf(dir);
    const second = await createAlliance(input(dir));
    expect(second.created).toBe(false);
    expect(second.chainId).toBe(first.chainId);
    expect(filesOf(dir)).toEqual(before);
  });

  it("refuses a folder that holds another alliance", async () => {
    const dir = freshDir();
    await createAlliance(input(dir));
    const others = { ...input(dir), members: [...MEMBERS.slice(1), { name: "Centre" }] };
    await expect(createAlliance(others)).rejects.toMatchObject({ code: "ALLIANCE_MISMATCH" });
  });

  it("refuses fewer than four members", async () => {
    const few = { ...input(freshDir()), members: MEMBERS.slice(1) };
    await expect(createAlliance(few)).rejects.toMatchObject({ code: "GENESIS_BAD_MEMBERS" });
  });

  it("uses the ports and hosts it is told", async () => {
    const hosts = MEMBERS.map((member) => ({ ...member, host: member.name.toLowerCase() }));
    const alliance = await createAlliance({ ...input(freshDir()), members: hosts, basePort: 7_000 });
    const config = loadConfig(alliance.members[1]!.configFile);
    expect(config.network.listen).toBe("/ip4/0.0.0.0/tcp/7002");
    expect(config.network.announce).toEqual(["/dns4/east/tcp/7002"]);
    expect(config.network.peers[0]).toBe(`/dns4/north/tcp/7000/p2p/${alliance.members[0]!.peerId}`);
    expect(config.api).toEqual({ host: "0.0.0.0", port: 7_003, names: ["east:7003"] });
  });
});

describe("a genesis file", () => {
  it("is refused when its content does not match its chain id", async () => {
    const alliance = await createAlliance(input(freshDir()));
    writeFileSync(
      alliance.genesisFile,
      readFileSync(alliance.genesisFile, "utf8").replace('"deltaMs": "300"', '"deltaMs": "301"'),
    );
    expect(() => readGenesis(alliance.genesisFile)).toThrow(
      expect.objectContaining({ code: "GENESIS_CORRUPT" }),
    );
  });
});

describe("a keystore folder", () => {
  it("opens only under its passphrase and as the kind it was written", async () => {
    const dir = freshDir();
    const folder = new KeystoreFolder(dir, "right", COST);
    await folder.write("share", "proxy-share", Uint8Array.of(1), Uint8Array.of(2, 3));
    expect((await folder.read("share", "proxy-share")).secret).toEqual(Uint8Array.of(2, 3));
    await expect(new KeystoreFolder(dir, "wrong", COST).read("share", "proxy-share")).rejects.toMatchObject({
      code: "KEYSTORE_AUTH",
    });
    await expect(folder.read("share", "kgc-share")).rejects.toMatchObject({ code: "KEYSTORE_BAD_PARAMS" });
    await expect(folder.read("other", "kgc-share")).rejects.toMatchObject({ code: "KEYSTORE_MISSING" });
  });

  it("leaves nothing of an erased keystore", async () => {
    const folder = new KeystoreFolder(freshDir(), "right", COST);
    await folder.write("share", "proxy-share", Uint8Array.of(1), Uint8Array.of(2, 3));
    folder.erase("share");
    expect(readdirSync(folder.dir)).toEqual([]);
  });
});
