import {
  decodeContainer,
  type OpenedRecord,
  type OpenedRecords,
  type ProxyReport,
  type RecipientClient,
} from "@consilium/client";
import { ConsiliumError, codeOf, sha256, toHex, utf8 } from "@consilium/crypto";
import type { Command } from "commander";
import { type CommandContext, type CommandResult, collect, ExitCode, table } from "../output.js";
import { addUserCommand, type WalletOptions, withWallet } from "./common-options.js";
import { counted, durationText, shortId, sizeText, timeText } from "./formats.js";
import { type WrittenFile, writeOpenedRecord } from "./opened-files.js";
import { fullId, idFromPrefix, purposeFrom, typeFromPrefix } from "./prefixes.js";
import { useWallet } from "./sdk.js";

const NOTE_BYTES_MAX = 1_024;

interface RequestOptions extends WalletOptions {
  readonly owner?: string;
  readonly type?: string;
  readonly purpose?: string;
  readonly note?: string;
}

interface OpenOptions extends WalletOptions {
  readonly grant?: string;
  readonly record?: readonly string[];
  readonly out?: string;
  readonly checkAll?: boolean;
}

/** `consilium access request|open`: what a recipient does. */
export function registerAccess(program: Command, context: CommandContext): void {
  const access = program.command("access").description("ask for records, and open those that were granted");
  addUserCommand<RequestOptions>(access, context, {
    usage: "request",
    description: "ask an owner for one type of their records; only the owner can read what for",
    configure: (command) =>
      withWallet(command)
        .option("--owner <account>", "account of the owner")
        .option("--type <type>", "type of record, or a unique beginning of it")
        .option("--purpose <code>", "what for, as TREAT (treatment) or HRESCH (research)")
        .option("--note <text>", "a word to the owner"),
    action: (options) => request(options),
    examples: ["consilium access request --owner 77a0…(64 digits) --type laboratory --purpose TREAT"],
  });
  addUserCommand<OpenOptions>(access, context, {
    usage: "open",
    description:
      "open records under a grant and write each resource with its original bytes; the access is on the owner's audit trail before anything is released",
    configure: (command) =>
      withWallet(command)
        .option("--grant <id>", "the grant, or the first digits of its id")
        .option("--record <id>", "only this record; give the option once for each", collect)
        .option("--out <folder>", "folder for the opened files; they are health data in the clear")
        .option("--check-all", "wait for every proxy and check what it sent, so that each liar is named"),
    action: async (options) => {
      const { result, isWhole } = await open(options);
      if (!isWhole) context.exitCode = ExitCode.refused;
      return result;
    },
    examples: [
      "consilium access open --grant 03ab12cd --out opened",
      "consilium access open --grant 03ab12cd --record 9c41e07b --check-all --out opened",
    ],
  });
}

async function request(options: RequestOptions): Promise<CommandResult> {
  if (options.owner === undefined || options.type === undefined || options.purpose === undefined) {
    throw new ConsiliumError("USAGE", "Give all of --owner, --type and --purpose.");
  }
  const question = {
    owner: fullId(options.owner, "--owner"),
    type: typeFromPrefix(options.type),
    purpose: purposeFrom(options.purpose),
    note: options.note ?? "",
  };
  if (utf8(question.note).length > NOTE_BYTES_MAX) {
    throw new ConsiliumError("USAGE", `--note takes at most ${NOTE_BYTES_MAX} bytes.`);
  }
  return useWallet(options, async (client, wallet) => {
    const done = await (await client.recipient(wallet)).requestAccess(question);
    return {
      json: { ...done, ...question },
      lines: [
        `Asked ${shortId(question.owner)} for ${question.type} (${question.purpose})`,
        `Request: ${done.id} (final at height ${done.height}, ${timeText(done.timeMs)})`,
      ],
    };
  });
}

async function open(options: OpenOptions): Promise<{ result: CommandResult; isWhole: boolean }> {
  const { grant, out } = options;
  if (grant === undefined)
    throw new ConsiliumError("USAGE", "Name the grant: --grant ID. `consilium grant list` shows yours.");
  if (out === undefined)
    throw new ConsiliumError("USAGE", "Name a folder for the opened files: --out FOLDER.");
  return useWallet(options, async (client, wallet) => {
    const recipient = await client.recipient(wallet);
    await recipient.collectUserKey();
    const grants = await recipient.grants();
    const grantId = idFromPrefix(
      grant,
      grants.map((each) => each.grantId),
      "grant",
    );
    const recordIds = await chosenRecords(recipient, grantId, options.record);
    const opened = await recipient.openRecords(grantId, {
      checkAll: options.checkAll ?? false,
      ...(recordIds === undefined ? {} : { recordIds }),
    });
    const records = opened.records.map((record) => keep(out, opened.type, record));
    return {
      result: describe(grantId, opened, records),
      isWhole: records.every((record) => !("code" in record)),
    };
  });
}

async function chosenRecords(
  recipient: RecipientClient,
  grantId: string,
  texts: readonly string[] | undefined,
): Promise<string[] | undefined> {
  if (texts === undefined) return undefined;
  const covered = await recipient.recordsOf(await recipient.openGrant(grantId));
  const ids = covered.map(({ recordId }) => recordId);
  return texts.map((text) => idFromPrefix(text, ids, "record"));
}

/** What became of one record of an opening. */
type KeptRecord = { readonly recordId: string; readonly author: string } & (
  | { readonly sizeBytes: number; readonly sha256: string; readonly files: readonly WrittenFile[] }
  | { readonly code: string }
);

/** Writes one record's files and overwrites its plaintext in memory. */
function keep(outDir: string, type: string, record: OpenedRecord): KeptRecord {
  if ("code" in record) return record;
  const { recordId, author, bytes } = record;
  try {
    const files = writeOpenedRecord(outDir, { recordId, type, items: itemsOf(bytes) });
    return { recordId, author, sizeBytes: bytes.length, sha256: toHex(sha256(bytes)), files };
  } finally {
    bytes.fill(0);
  }
}

/** The resources of a record; a record of a format that this version does not know is kept as it is. */
function itemsOf(bytes: Uint8Array): readonly { readonly fullUrl: string; readonly bytes: Uint8Array }[] {
  try {
    return decodeContainer(bytes).items;
  } catch (error) {
    if (codeOf(error) === "CONTAINER_UNKNOWN") return [{ fullUrl: "", bytes }];
    throw error;
  }
}

function describe(grantId: string, opened: OpenedRecords, records: readonly KeptRecord[]): CommandResult {
  const { requestId, type, height, proxies, timings } = opened;
  const good = records.filter((record) => !("code" in record));
  return {
    json: { grantId, requestId, type, height, records, proxies, timings },
    lines: [
      `Opened ${good.length} of ${counted(records.length, "record")} of type ${type}; on the audit trail at height ${height}`,
      ...records.flatMap(recordLines),
      ...proxies.map(proxyLine),
      `Final in ${durationText(timings.finalMs)}, keys in ${durationText(timings.fragmentsMs)}, files in ${durationText(timings.bodiesMs)}`,
    ],
  };
}

function recordLines(record: KeptRecord): string[] {
  if ("code" in record) return [`Record ${shortId(record.recordId)}: not opened: ${record.code}`];
  const rows = record.files.map(({ file, sizeBytes, sha256: digest }) => [
    `  ${file}`,
    sizeText(sizeBytes),
    digest,
  ]);
  return [
    `Record ${shortId(record.recordId)}: ${sizeText(record.sizeBytes)}, sha256 ${record.sha256}`,
    ...table(rows),
  ];
}

function proxyLine({ index, name, outcome, code }: ProxyReport): string {
  const said = { good: "good", lied: "LIED", refused: "refused", unused: "not needed" }[outcome];
  return `Proxy ${index} (${name}): ${said}${code === undefined ? "" : `: ${code}`}`;
}
