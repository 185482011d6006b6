import { existsSync } from "node:fs";
import { type CeremoniesView, routes, type StatusView } from "@consilium/client";
import { ConsiliumError, toHex } from "@consilium/crypto";
import type { Command } from "commander";
import { loadConfig } from "../../config/index.js";
import { KeystoreFolder, peerIdOfNode } from "../../keys/index.js";
import { addCommand, type CommandContext, type CommandResult, table } from "../output.js";
import { apiOf, type TargetOptions, withTarget } from "./target.js";

/** What an operator asks of a node: `status`, `keys`, `ceremony status`. */
export function registerNode(program: Command, context: CommandContext): void {
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

async function status(options: TargetOptions): Promise<CommandResult> {
  const view: StatusView = await (await apiOf(options)).call(routes.status, {});
  const { alliance, private: own, peers, membership } = view;
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
      ...(membership === "member" ? [] : [NOT_MEMBERS[membership]]),
      ...votingLines("alliance", alliance),
      ...votingLines("private", own),
      `peers: ${peers.length === 0 ? "none" : peers.map(({ name }) => name).join(", ")}`,
      `key centre: ${seat(view.keyCentreIndex)}; proxies: ${seat(view.proxyIndex)}`,
    ],
  };
}

const NOT_MEMBERS = {
  awaited:
    "not a member yet: give member.json to a member, who proposes to admit this node; it dials the others until they let it in",
  left: "no member any more: the alliance has expelled this node",
} as const;

/** Nothing for a chain on which all is well: not every member has a seat. */
const votingLines = (name: string, { followReason, remedy }: StatusView["private"]): string[] =>
  remedy === null ? [] : [`${name}: does not vote (${followReason}). ${remedy}`];

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
