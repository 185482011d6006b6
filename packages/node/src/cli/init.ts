import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { ConsiliumError, KEYSTORE_COST_DEFAULT, toHex } from "@consilium/crypto";
import { type PresetName, presets } from "@consilium/protocol";
import type { Command } from "commander";
import { freePorts } from "../config/free-ports.js";
import { type Alliance, createAlliance, readPassphrase, writeConfig } from "../config/index.js";
import { createNodeKeys, KeystoreFolder, nodeIdentity, peerIdOfNode, writeDurably } from "../keys/index.js";
import {
  addCommand,
  type CommandContext,
  type CommandResult,
  collect,
  table,
  wholeNumber,
} from "./output.js";

interface InitOptions {
  readonly dir: string;
  readonly name?: string;
  readonly passphraseFile?: string;
  readonly alliance?: readonly string[];
  readonly preset: PresetName;
  readonly basePort?: number;
  readonly keystoreCost: number;
  readonly allowFaults?: boolean;
}

const EXAMPLES = `
Examples:
  $ consilium init --dir c --alliance North --alliance East --alliance South --alliance West --preset devnet
  $ consilium init --dir c --name North --passphrase-file north.passphrase`;

/** `consilium init`: one node's keys and config, or with `--alliance` everything a new alliance needs. */
export function registerInit(program: Command, context: CommandContext): void {
  addCommand<InitOptions>(
    program,
    context,
    "init",
    "make a node's keystores and config, or with --alliance a whole new alliance",
    (command) =>
      command
        .requiredOption("--dir <folder>", "folder to write to; what is there already stays")
        .option("--name <name>", "name of the member, when only its node's keys and config are made")
        .option(
          "--passphrase-file <file>",
          "with --name: passphrase of the keystores; CONSILIUM_PASSPHRASE otherwise",
        )
        .option(
          "--alliance <name[=host]>",
          "a founding member, and the host where others reach it; give the option once for each",
          collect,
        )
        .option(
          "--preset <preset>",
          `parameters of the chain: ${Object.keys(presets).join(" or ")}`,
          "production",
        )
        .option("--base-port <port>", "first port; free ports are chosen when left out", wholeNumber)
        .option("--keystore-cost <n>", "scrypt cost, a power of two", wholeNumber, KEYSTORE_COST_DEFAULT)
        .option("--allow-faults", "let administrators make nodes misbehave: for demonstrations only"),
    (options) =>
      options.alliance === undefined ? initNode(options) : initAlliance(options, options.alliance),
  ).addHelpText("after", EXAMPLES);
}

async function initAlliance(options: InitOptions, members: readonly string[]): Promise<CommandResult> {
  if (!(options.preset in presets)) {
    throw new ConsiliumError("USAGE", `--preset is one of ${Object.keys(presets).join(", ")}.`);
  }
  const alliance = await createAlliance({
    dir: options.dir,
    members: members.map((member) => {
      const [name, host] = member.split("=", 2) as [string, string | undefined];
      return host === undefined ? { name } : { name, host };
    }),
    preset: options.preset,
    keystoreCost: options.keystoreCost,
    allowFaults: options.allowFaults ?? false,
    ...(options.basePort === undefined ? {} : { basePort: options.basePort }),
  });
  return describeAlliance(alliance);
}

function describeAlliance(alliance: Alliance): CommandResult {
  const { genesis: _, ...facts } = alliance;
  const rows = alliance.members.map((member) => [
    member.name,
    member.nodeId.slice(0, 16),
    member.apiUrl,
    member.configFile,
  ]);
  return {
    json: facts,
    lines: [
      `${alliance.created ? "Created" : "Found"} alliance ${alliance.chainId.slice(0, 16)} in ${alliance.dir}`,
      ...table([["member", "node", "API", "config"], ...rows]),
      "Start each node with: consilium start --config <config>",
    ],
  };
}

async function initNode(options: InitOptions): Promise<CommandResult> {
  const { name } = options;
  if (name === undefined) {
    throw new ConsiliumError("USAGE", "Name the member with --name, or found an alliance with --alliance.");
  }
  const dir = resolve(options.dir);
  const passphraseFile = options.passphraseFile === undefined ? undefined : resolve(options.passphraseFile);
  const folder = new KeystoreFolder(join(dir, "keys"), readPassphrase(passphraseFile), options.keystoreCost);
  await createNodeKeys(folder);
  const identity = await nodeIdentity(folder);
  const configFile = join(dir, "consilium.yaml");
  if (!existsSync(configFile)) await writeNodeConfig(configFile, name, passphraseFile, options);
  const founder = {
    name,
    nodeId: toHex(identity.nodeKey),
    peerId: peerIdOfNode(identity.nodeKey),
    exchangeKey: toHex(identity.exchangeKey),
    voteKey: toHex(identity.voteKey),
    votePossession: toHex(identity.votePossession),
  };
  const memberFile = join(dir, "member.json");
  writeDurably(memberFile, `${JSON.stringify(founder, undefined, 2)}\n`, 0o644);
  return {
    json: { ...founder, dir, configFile, memberFile },
    lines: [
      `Node ${founder.nodeId.slice(0, 16)} of ${name} is ready in ${dir}`,
      `Public keys: ${memberFile} (what a genesis names of this member)`,
      `Config: ${configFile} (set genesisFile and network.peers before the first start)`,
    ],
  };
}

async function writeNodeConfig(
  configFile: string,
  name: string,
  passphraseFile: string | undefined,
  options: InitOptions,
): Promise<void> {
  const first = options.basePort;
  const [node, api] = first === undefined ? await freePorts(2) : [first, first + 1];
  writeConfig(configFile, {
    name,
    dataDir: "data",
    genesisFile: "genesis.json",
    keystoreDir: "keys",
    ...(passphraseFile === undefined ? {} : { passphraseFile }),
    network: { listen: `/ip4/127.0.0.1/tcp/${node}` },
    api: { listen: { host: "127.0.0.1", port: api! } },
    demo: { allowFaults: options.allowFaults ?? false },
  });
}
