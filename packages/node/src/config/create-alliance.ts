import { existsSync, mkdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { ConsiliumError, equalBytes, toHex } from "@consilium/crypto";
import { type ChainParameters, chainIdOf, type Genesis, type PresetName, presets } from "@consilium/protocol";
import {
  createNodeKeys,
  KeystoreFolder,
  type NodeIdentity,
  nodeIdentity,
  peerIdOfNode,
  secureRandom,
  writeDurably,
} from "../keys/index.js";
import { freePorts } from "./free-ports.js";
import { allianceGenesis, readGenesis, writeGenesis } from "./genesis-file.js";
import { loadConfig } from "./load.js";
import { readPassphrase } from "./passphrase.js";
import { writeConfig } from "./write.js";

/** One founding member to be. With `host` its node listens on all addresses and is reached by that name. */
export interface AllianceMemberInput {
  readonly name: string;
  readonly host?: string;
}

export interface AllianceInput {
  /** Folder that gets genesis, and one folder per member. */
  readonly dir: string;
  readonly name?: string;
  readonly members: readonly AllianceMemberInput[];
  readonly preset: PresetName;
  readonly presetOverrides?: Partial<ChainParameters>;
  /** First of two ports per member (nodes, then API). Free loopback ports are chosen when left out. */
  readonly basePort?: number;
  /** scrypt cost of the keystores; 2^17 unless a demonstration asks for less. */
  readonly keystoreCost?: number;
  /** Lets administrators make nodes misbehave: demonstrations only. */
  readonly allowFaults?: boolean;
}

/** One member's node as it stands on disk. */
export interface AllianceMember {
  readonly name: string;
  readonly dir: string;
  readonly configFile: string;
  readonly dataDir: string;
  readonly keystoreDir: string;
  readonly passphraseFile: string;
  readonly logFile: string;
  /** Ed25519 node key, hex. */
  readonly nodeId: string;
  readonly peerId: string;
  readonly apiUrl: string;
}

export interface Alliance {
  readonly dir: string;
  readonly genesisFile: string;
  readonly chainId: string;
  readonly genesis: Genesis;
  /** False when everything was there already. */
  readonly created: boolean;
  readonly members: readonly AllianceMember[];
}

interface MemberPlan {
  readonly name: string;
  readonly host: string | undefined;
  readonly dir: string;
  readonly identity: NodeIdentity;
}

const STAKE_EACH = 1_000;
const GENESIS_FILE = "genesis.json";
const CONFIG_FILE = "consilium.yaml";

/**
 * Writes all that a new alliance needs: keystores, genesis, a config and a data folder per member, under one folder.
 * What is there already stays as it is, so that it can be run again at any time.
 * @throws ConsiliumError `ALLIANCE_MISMATCH` when the folder holds another alliance.
 */
export async function createAlliance(input: AllianceInput): Promise<Alliance> {
  const dir = resolve(input.dir);
  const genesisFile = join(dir, GENESIS_FILE);
  const isNew = !existsSync(genesisFile);
  requireDistinctFolders(input.members);
  mkdirSync(dir, { recursive: true });
  const plans: MemberPlan[] = [];
  for (const member of input.members) plans.push(await planMember(dir, member, input.keystoreCost));
  if (isNew) writeGenesis(genesisFile, foundingGenesis(input, plans));
  const genesis = readGenesis(genesisFile);
  requireSameMembers(genesis, plans, dir);
  const wroteConfigs = await writeMissingConfigs(input, plans, genesisFile);
  return {
    dir,
    genesisFile,
    chainId: toHex(chainIdOf(genesis)),
    genesis,
    created: isNew || wroteConfigs,
    members: plans.map(describeMember),
  };
}

/** A member's folder name: its name in lower case, everything but letters and digits as dashes. */
export function folderNameOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
}

async function planMember(
  allianceDir: string,
  member: AllianceMemberInput,
  keystoreCost: number | undefined,
): Promise<MemberPlan> {
  const dir = join(allianceDir, folderNameOf(member.name));
  mkdirSync(join(dir, "data"), { recursive: true, mode: 0o700 });
  const passphraseFile = join(dir, "passphrase");
  if (!existsSync(passphraseFile)) {
    writeDurably(passphraseFile, `${Buffer.from(secureRandom.bytes(24)).toString("base64url")}\n`);
  }
  const folder = new KeystoreFolder(join(dir, "keys"), readPassphrase(passphraseFile), keystoreCost);
  await createNodeKeys(folder);
  return { name: member.name, host: member.host, dir, identity: await nodeIdentity(folder) };
}

function foundingGenesis(input: AllianceInput, plans: readonly MemberPlan[]): Genesis {
  return allianceGenesis({
    name: input.name ?? "alliance",
    timeMs: Date.now(),
    parameters: { ...presets[input.preset], ...input.presetOverrides },
    founders: plans.map(({ name, identity }) => ({ name, identity, stake: STAKE_EACH })),
  });
}

function requireDistinctFolders(members: readonly AllianceMemberInput[]): void {
  const folders = members.map((member) => folderNameOf(member.name));
  if (new Set(folders).size === folders.length && !folders.includes("")) return;
  throw new ConsiliumError(
    "GENESIS_BAD_MEMBERS",
    "Give each member a name of its own that has letters or digits; two of these would share a folder.",
  );
}

function requireSameMembers(genesis: Genesis, plans: readonly MemberPlan[], dir: string): void {
  const same =
    genesis.members.length === plans.length &&
    plans.every((plan, index) => equalBytes(plan.identity.nodeKey, genesis.members[index]!.nodeKey));
  if (same) return;
  throw new ConsiliumError(
    "ALLIANCE_MISMATCH",
    `${dir} holds another alliance or has lost keystores; choose another folder, or start over with --reset.`,
    { dir },
  );
}

async function writeMissingConfigs(
  input: AllianceInput,
  plans: readonly MemberPlan[],
  genesisFile: string,
): Promise<boolean> {
  if (plans.every((plan) => existsSync(join(plan.dir, CONFIG_FILE)))) return false;
  // Peers name each other's ports, so the configs are written together or not at all.
  const ports = await choosePorts(input, plans);
  const peers = plans.map(
    (plan, index) => `${addressOf(plan, ports[index]!.node)}/p2p/${peerIdOfNode(plan.identity.nodeKey)}`,
  );
  plans.forEach((plan, index) => {
    const { node, api } = ports[index]!;
    writeConfig(join(plan.dir, CONFIG_FILE), {
      name: plan.name,
      dataDir: "data",
      genesisFile: relative(plan.dir, genesisFile),
      keystoreDir: "keys",
      passphraseFile: "passphrase",
      network: {
        listen: `/ip4/${plan.host === undefined ? "127.0.0.1" : "0.0.0.0"}/tcp/${node}`,
        announce: plan.host === undefined ? [] : [addressOf(plan, node)],
        peers: peers.filter((_, other) => other !== index),
      },
      api: {
        listen: { host: plan.host === undefined ? "127.0.0.1" : "0.0.0.0", port: api },
        names: plan.host === undefined ? [] : [`${plan.host}:${api}`],
      },
      log: { level: "info", file: "node.log" },
      demo: { allowFaults: input.allowFaults ?? false },
    });
  });
  return true;
}

function addressOf(plan: MemberPlan, port: number): string {
  return plan.host === undefined ? `/ip4/127.0.0.1/tcp/${port}` : `/dns4/${plan.host}/tcp/${port}`;
}

/** Each node gets a pair of ports of its own, hosts too, so that a container's ports can be published unchanged. */
async function choosePorts(input: AllianceInput, plans: readonly MemberPlan[]) {
  const { basePort } = input;
  if (basePort === undefined) {
    const free = await freePorts(2 * plans.length);
    return plans.map((_, index) => ({ node: free[2 * index]!, api: free[2 * index + 1]! }));
  }
  return plans.map((_, index) => ({ node: basePort + 2 * index, api: basePort + 2 * index + 1 }));
}

function describeMember(plan: MemberPlan): AllianceMember {
  const configFile = join(plan.dir, CONFIG_FILE);
  const config = loadConfig(configFile);
  return {
    name: plan.name,
    dir: plan.dir,
    configFile,
    dataDir: config.dataDir,
    keystoreDir: config.keystoreDir,
    passphraseFile: join(plan.dir, "passphrase"),
    logFile: config.log.file ?? join(plan.dir, "node.log"),
    nodeId: toHex(plan.identity.nodeKey),
    peerId: peerIdOfNode(plan.identity.nodeKey),
    apiUrl: `http://${plan.host ?? config.api.host}:${config.api.port}`,
  };
}
