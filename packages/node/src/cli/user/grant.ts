import { type GrantSummary, type InboxEntry, type OwnerClient, SENSITIVE_TYPES } from "@consilium/client";
import { ConsiliumError } from "@consilium/crypto";
import type { Command } from "commander";
import { type CommandContext, type CommandResult, table, wholeNumber } from "../output.js";
import { addUserCommand, type WalletOptions, withWallet } from "./common-options.js";
import { durationText, shortId, timeText } from "./formats.js";
import { idFromPrefix, purposeFrom, typeFromPrefix } from "./prefixes.js";
import { useOwner, useWallet } from "./sdk.js";

const HOUR_MS = 3_600_000;
const HOURS_DEFAULT = 24;

interface CreateOptions extends WalletOptions {
  readonly request?: string;
  readonly recipient?: string;
  readonly type?: string;
  readonly purpose?: string;
  readonly hours: number;
}

/** `consilium grant create|list|revoke`: the owner's consent. */
export function registerGrant(program: Command, context: CommandContext): void {
  const grant = program.command("grant").description("grant and revoke access to your records");
  addUserCommand<CreateOptions>(grant, context, {
    usage: "create",
    description: "let one person open one type of your records, for one purpose and a limited time",
    configure: (command) =>
      withWallet(command)
        .option("--request <id>", "a request shown by `grant list`; gives recipient, type and purpose")
        .option("--recipient <account>", "account of the person")
        .option("--type <type>", "type of record; sensitive types by their whole name")
        .option("--purpose <code>", "what for, as TREAT (treatment) or HRESCH (research)")
        .option("--hours <n>", "how long from now", wholeNumber, HOURS_DEFAULT),
    action: (options) => create(options),
    examples: [
      "consilium grant create --request 9f2c --hours 24",
      "consilium grant create --recipient 5d1e…(64 digits) --type laboratory --purpose TREAT --hours 24",
    ],
  });
  addUserCommand<WalletOptions>(grant, context, {
    usage: "list",
    description:
      "your grants: given by an owner, with the requests they received; or received by a recipient",
    configure: withWallet,
    action: (options) => list(options),
    examples: ["consilium grant list"],
  });
  addUserCommand<WalletOptions>(grant, context, {
    usage: "revoke <grant>",
    description: "end a grant: from the printed height on no proxy answers under it",
    configure: withWallet,
    action: (options, [text]) => revoke(options, text!),
    examples: ["consilium grant revoke 03ab12cd"],
  });
}

function create(options: CreateOptions): Promise<CommandResult> {
  requireGrantOptions(options);
  return useOwner(options, async (owner) => {
    const wanted = await termsOf(options, owner);
    const { hours } = options;
    const { collected } = await owner.collectTypes([wanted.type]);
    const done = await owner.grant({ ...wanted, durationMs: hours * HOUR_MS });
    return {
      json: { ...done, ...wanted, hours, collected },
      lines: [
        `Granted ${wanted.type} for ${wanted.purpose} to ${shortId(wanted.recipient)} until ${timeText(done.expiryMs)}`,
        `Grant: ${done.grantId} (final at height ${done.height})`,
      ],
    };
  });
}

/** What can be refused before a wallet is opened. */
function requireGrantOptions({ request, recipient, type, purpose, hours }: CreateOptions): void {
  if (hours < 1) throw new ConsiliumError("USAGE", "--hours is at least 1.");
  if (type !== undefined) typeToGrant(type);
  if (purpose !== undefined) purposeFrom(purpose);
  if (request === undefined && (recipient === undefined || type === undefined || purpose === undefined)) {
    throw new ConsiliumError("USAGE", "Give --request, or all of --recipient, --type and --purpose.");
  }
}

/** What the options say, completed by the request that they name. */
async function termsOf(options: CreateOptions, owner: OwnerClient) {
  const inbox = options.request === undefined && isWhole(options.recipient) ? [] : await owner.inbox();
  const asked = options.request === undefined ? undefined : readableRequest(inbox, options.request);
  const recipient =
    options.recipient === undefined
      ? asked!.requester
      : idFromPrefix(
          options.recipient,
          inbox.map(({ requester }) => requester),
          "recipient",
        );
  if (asked !== undefined && recipient !== asked.requester) {
    throw new ConsiliumError("USAGE", "--recipient is not who asked with --request; leave one of them out.");
  }
  return {
    recipient,
    type: typeToGrant(options.type ?? asked!.type),
    purpose: options.purpose === undefined ? asked!.purpose : purposeFrom(options.purpose),
  };
}

const isWhole = (id: string | undefined): boolean => id?.length === 64;

function readableRequest(inbox: readonly InboxEntry[], text: string) {
  const id = idFromPrefix(
    text,
    inbox.map((entry) => entry.id),
    "request",
  );
  const entry = inbox.find((each) => each.id === id);
  if (entry === undefined)
    throw new ConsiliumError("ID_UNKNOWN", "No such request is in your inbox.", { id });
  if ("type" in entry) return entry;
  throw new ConsiliumError(
    entry.code,
    "This request cannot be read; ask its sender to send it again, or grant with --recipient, --type and --purpose.",
    { id },
  );
}

/** A sensitive class is never granted by a slip: its name must be written out. */
function typeToGrant(text: string): string {
  const type = typeFromPrefix(text);
  if (!SENSITIVE_TYPES.includes(type) || text.toLowerCase() === type) return type;
  throw new ConsiliumError("USAGE", `${type} is a sensitive type: write its whole name to grant it.`);
}

function list(options: WalletOptions): Promise<CommandResult> {
  return useWallet(options, async (client, wallet) => {
    if (wallet.content.role === "recipient") {
      const recipient = await client.recipient(wallet);
      const grants = await recipient.grants();
      return { json: { grants }, lines: grantTable(grants, "owner", ({ owner }) => owner) };
    }
    const owner = await client.owner(wallet);
    const [grants, requests] = await Promise.all([owner.grants(), owner.inbox()]);
    return {
      json: { grants, requests },
      lines: [
        ...grantTable(grants, "recipient", ({ recipient }) => recipient),
        ...(requests.length === 0 ? [] : ["", "Requests:", ...requestTable(requests)]),
      ],
    };
  });
}

function grantTable(
  grants: readonly GrantSummary[],
  partner: string,
  partnerOf: (grant: GrantSummary) => string,
): string[] {
  if (grants.length === 0) return ["No grants."];
  const rows = grants.map((grant) => [
    shortId(grant.grantId),
    grant.state,
    grant.type ?? "unknown",
    grant.purpose,
    shortId(partnerOf(grant)),
    timeText(grant.expiryMs),
  ]);
  return table([["grant", "state", "type", "purpose", partner, "until"], ...rows]);
}

function requestTable(requests: readonly InboxEntry[]): string[] {
  const rows = requests.map((request) => [
    shortId(request.id),
    timeText(request.timeMs),
    shortId(request.requester),
    request.memberName,
    ...("type" in request ? [request.type, request.purpose, request.note] : [request.code, "", ""]),
  ]);
  return table([["request", "when", "from", "member", "type", "purpose", "note"], ...rows]);
}

function revoke(options: WalletOptions, text: string): Promise<CommandResult> {
  return useOwner(options, async (owner) => {
    const started = performance.now();
    const grants = await owner.grants();
    const grantId = idFromPrefix(
      text,
      grants.map((grant) => grant.grantId),
      "grant",
    );
    const done = await owner.revoke(grantId);
    const spent = durationText(performance.now() - started);
    return {
      json: { grantId, ...done },
      lines: [
        `Revoked ${shortId(grantId)}: from height ${done.height} on no proxy answers under it (${spent})`,
      ],
    };
  });
}
