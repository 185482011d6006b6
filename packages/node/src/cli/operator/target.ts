import {
  HttpApi,
  type MemberAct,
  type MemberDetailView,
  portablePorts,
  routes,
  WAIT_MS_MAX,
} from "@consilium/client";
import { ConsiliumError, createCryptoPool } from "@consilium/crypto";
import type { Command } from "commander";
import { loadConfig } from "../../config/index.js";
import type { CommandResult } from "../output.js";
import { useMember } from "../user/member.js";
import { idFromPrefix } from "../user/prefixes.js";
import { nodePorts } from "../user/sdk.js";

/** Which node is asked. */
export interface TargetOptions {
  readonly api?: string;
  readonly config?: string;
}

/** Options of a command that acts in a member's name. */
export interface ActOptions {
  readonly config: string;
  readonly api?: string;
  /** False with --no-wait. */
  readonly wait: boolean;
}

/** How long a command waits until an act is final. */
const FINAL_WITHIN_MS = 120_000;

export const withTarget = (command: Command): Command =>
  command
    .option("--api <url>", "base URL of the node's API; CONSILIUM_API otherwise")
    .option("--config <file>", "the node's config; its API is asked unless --api names another");

export const withActor = (command: Command): Command =>
  command
    .requiredOption("--config <file>", "the config of the member's node, whose key signs the request")
    .option("--api <url>", "base URL of that node's API, where it is not the one in the config")
    .option("--no-wait", "return when the node has sent the transaction, before it is final");

/** The API of the node that the options name. @throws ConsiliumError `USAGE`, `CONFIG_…`. */
export async function apiOf(options: TargetOptions): Promise<HttpApi> {
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

/** What an act came to: the height is null when nobody waited. */
export interface ActResult {
  readonly transaction: string;
  readonly height: number | null;
}

/**
 * Lets the node act in its member's name, and waits until that is final.
 * @param actOf makes the act; it may ask the node first.
 * @throws ConsiliumError with the chain's code, `ACT_NOT_FINAL` when it is not final in time.
 */
export function act(
  options: ActOptions,
  actOf: (api: HttpApi) => Promise<MemberAct> | MemberAct,
): Promise<ActResult> {
  return useMember(options.config, async (member) => {
    const baseUrls = [options.api ?? member.apiUrl];
    // An act that was sent twice would be two: a broken connection is reported, not tried again.
    const api = new HttpApi({ baseUrls, ports: await nodePorts(), signer: member.signer, retryForMs: 0 });
    const body = { act: await actOf(api), waitMs: options.wait ? WAIT_MS_MAX : 0 };
    const { transaction, height } = await api.call(routes.memberAct, {}, body);
    if (!options.wait || height !== null) return { transaction, height };
    return { transaction, height: await finalHeight(api, transaction) };
  });
}

async function finalHeight(api: HttpApi, id: string): Promise<number> {
  for (let waitedMs = WAIT_MS_MAX; waitedMs < FINAL_WITHIN_MS; waitedMs += WAIT_MS_MAX) {
    const { height, code } = await api.call(routes.transaction, { id, waitMs: WAIT_MS_MAX });
    if (code !== null) throw new ConsiliumError(code, "The transaction had no effect.", { transaction: id });
    if (height !== null) return height;
  }
  throw new ConsiliumError(
    "ACT_NOT_FINAL",
    `Transaction ${id} was sent but is not final yet; see "consilium status" for why the alliance stands still.`,
    { transaction: id },
  );
}

/** One line that says what was done, and where it stands. */
export function actResult(what: string, { transaction, height }: ActResult, then?: string): CommandResult {
  const where = height === null ? "sent, not final yet" : `final at height ${height}`;
  const lines = [`${what} (${where})`, `Transaction: ${transaction}`];
  return { json: { transaction, height }, lines: then === undefined ? lines : [...lines, then] };
}

/** The node id of a member from its name or the first digits of its node id. @throws ConsiliumError `ID_…`, `USAGE`. */
export function memberNamed(text: string, members: readonly MemberDetailView[]): string {
  const named = members.filter(({ name }) => name.toLowerCase() === text.toLowerCase());
  if (named.length === 1) return named[0]!.node;
  try {
    return idFromPrefix(
      text,
      members.map(({ node }) => node),
      "member",
    );
  } catch (error) {
    if (named.length === 0 && (error as ConsiliumError).code !== "USAGE") throw error;
    const names = members.map(({ name }) => name).join(", ");
    throw new ConsiliumError(
      named.length > 1 ? "ID_AMBIGUOUS" : "ID_UNKNOWN",
      named.length > 1
        ? `${named.length} members are called "${text}"; give the first digits of the node id.`
        : `"${text}" is no member: give a name or the first digits of a node id. The members are ${names}.`,
    );
  }
}

/** The members of now. */
export const membersOf = async (api: HttpApi): Promise<readonly MemberDetailView[]> =>
  (await api.call(routes.members, {})).members;
