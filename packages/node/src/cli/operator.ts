import { existsSync } from "node:fs";
import { type CeremoniesView, HttpApi, portablePorts, routes, type StatusView } from "@consilium/client";
import { ConsiliumError, createCryptoPool, toHex } from "@consilium/crypto";
import type { Command } from "commander";
import { loadConfig } from "../config/index.js";
import { KeystoreFolder, peerIdOfNode } from "../keys/index.js";
import { addCommand, type CommandContext, type CommandResult, table } from "./output.js";

interface TargetOptions {
  readonly api?: string;
  readonly config?: string;
}

/** What an operator asks of a node: `status`, `keys`, `ceremony status`. */
export function registerOperator(program: Command, context: CommandContext): void {
  addCommand<TargetOptions>(
    program,
    context,
    "status",
    "how a node stands: height, peers, committees",
    withTarget,
    status,
  ).addHelpText("after", "\nExample:\n  $ consilium status --config north/consilium.yaml");
  addCommand<{ readonly config: string }>(
    program,
    context,
    "keys",
    "the node's keystores and their public parts; needs no passphrase",
    (command) => command.requiredOption("--config <file>", "the node's config"),
    async ({ config }) => keys(config),
  ).addHelpText("after", "\nExample:\n  $ consilium keys --config north/consilium.yaml");
  const ceremony = program.command("ceremony").description("the key ceremonies of the alliance");
  addCommand<TargetOptions>(
    ceremony,
    context,
    "status",
    "runs of both ceremonies and where they stand",
    withTarget,
    ceremonies,
  ).addHelpText("after", "\nExample:\n  $ consilium ceremony status --api http://127.0.0.1:9001");
}

const withTarget = (command: Command): Command =>
  command
    .option("--api <url>", "base URL of the node's API; CONSILIUM_API otherwise")
    .option("--config <file>", "the node's config; its API is asked unless --api names another");

async function apiOf(options: TargetOptions): Promise<HttpApi> {
  const config = options.config === undefined ? undefined : loadConfig(options.config);
  const own =
    config === undefined
      ? undefined
      : `http://${config.api.host.replace("0.0.0.0", "127.0.0.1")}:${config.api.port}`;
  const baseUrl = options.api ?? own ?? process.env.CONSILIUM_API;
  if (baseUrl === undefined) {
    throw new ConsiliumError("USAGE", "Name the node with --api URL or --config FILE, or set CONSILIUM_API.");
  }
  return new HttpApi({ baseUrls: [baseUrl], ports: portablePorts(await createCryptoPool()), retryForMs: 0 });
}

async function status(options: TargetOptions): Promise<CommandResult> {
  const view: StatusView = await (await apiOf(options)).call(routes.status, {});
  const { alliance, private: own, peers } = view;
  return {
    json: view,
    lines: [
      `${view.name} (node ${view.node.slice(0, 16)}), version ${view.version}`,
      ...table([
        ["chain", "height", "state root", "last block"],
        chainRow("alliance", alliance),
        chainRow("private", own),
      ]),
      `view ${alliance.view} of epoch ${alliance.epoch}, ${view.mempoolTransactions} transactions waiting`,
      `peers: ${peers.length === 0 ? "none" : peers.map(({ name }) => name).join(", ")}`,
      `key centre: ${seat(view.keyCentreIndex)}; proxies: ${seat(view.proxyIndex)}`,
    ],
  };
}

const chainRow = (name: string, chain: StatusView["private"]): string[] => [
  name,
  String(chain.finalizedHeight),
  chain.stateRoot.slice(0, 16),
  new Date(chain.finalizedTimeMs).toISOString(),
];

const seat = (index: number | null): string => (index === null ? "no seat" : `seat ${index}`);

async function ceremonies(options: TargetOptions): Promise<CommandResult> {
  const view: CeremoniesView = await (await apiOf(options)).call(routes.ceremonies, {});
  const rows = view.ceremonies.map((run) => [
    run.purpose,
    `${run.keyNo}.${run.shareEpoch}`,
    String(run.attempt),
    run.state,
    `${run.deals.length}/${run.members.length}`,
    `${run.confirms.length}/${run.members.length}`,
    run.abortCode ?? "",
  ]);
  const head = ["purpose", "key", "attempt", "state", "deals", "confirms", "abort"];
  return {
    json: view,
    lines: rows.length === 0 ? ["No ceremony was announced yet."] : table([head, ...rows]),
  };
}

function keys(configFile: string): CommandResult {
  const config = loadConfig(configFile);
  if (!existsSync(config.keystoreDir)) {
    throw new ConsiliumError(
      "KEYSTORE_MISSING",
      `There is no keystore folder ${config.keystoreDir}; make the keys with "consilium init", or correct keystoreDir.`,
    );
  }
  const folder = new KeystoreFolder(config.keystoreDir, "");
  const found = folder.list("").map((name) => ({ name, ...folder.describe(name) }));
  const node = found.find(({ name }) => name === "node");
  const peerId = node === undefined ? null : peerIdOfNode(folder.publicPart("node"));
  const rows = found.map(({ name, kind, publicPart }) => [cut(name, 40), kind, cut(toHex(publicPart), 48)]);
  return {
    json: {
      peerId,
      keystores: found.map(({ name, kind, publicPart }) => ({ name, kind, publicPart: toHex(publicPart) })),
    },
    lines: [`peer id ${peerId ?? "unknown"}`, ...table([["keystore", "kind", "public part"], ...rows])],
  };
}

/** The text, or its beginning with an ellipsis where it is longer. */
const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;
