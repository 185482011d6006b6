import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type {
  ConsiliumClient,
  HospitalRecordView,
  ImportedRecord,
  ImportResult,
  RecordView,
  Wallet,
} from "@consilium/client";
import { ConsiliumError } from "@consilium/crypto";
import { limits } from "@consilium/protocol";
import type { Command } from "commander";
import { type CommandContext, type CommandResult, table } from "../output.js";
import { addUserCommand, type Say, sayTo, type WalletOptions, withWallet } from "./common-options.js";
import { counted, durationText, shortId, sizeText, timeText } from "./formats.js";
import { ImportJournalFolder } from "./import-journal.js";
import { useMember } from "./member.js";
import { fullId } from "./prefixes.js";
import { openClient, useWallet } from "./sdk.js";

interface ImportOptions {
  readonly bundle?: string;
  readonly owner?: string;
  readonly config?: string;
}

interface ListOptions extends WalletOptions {
  readonly config?: string;
}

/** `consilium record import|list`. */
export function registerRecord(program: Command, context: CommandContext): void {
  const record = program.command("record").description("import documents, and list what is indexed");
  addUserCommand<ImportOptions>(record, context, {
    usage: "import",
    description:
      "seal a FHIR R4 bundle into one record per type and enter them; run again, it goes on where it stopped (for the hospital's staff)",
    configure: (command) =>
      command
        .option("--bundle <file>", "the bundle: JSON of type transaction, batch, collection or document")
        .option("--owner <account>", "account of the patient whose record it is")
        .option(
          "--config <file>",
          "config of the hospital's node; its key signs, its data folder keeps the journal",
        ),
    action: (options) => importBundle(options, sayTo(context, options)),
    examples: [
      "consilium record import --bundle visit.json --owner 77a0…(64 digits) --config north/consilium.yaml",
    ],
  });
  addUserCommand<ListOptions>(record, context, {
    usage: "list",
    description:
      "records of the wallet: an owner's own, or those that a recipient's grants cover; with --config those of the hospital",
    configure: (command) =>
      withWallet(command).option(
        "--config <file>",
        "list the hospital's private chain instead, with its node key",
      ),
    action: (options) => list(options),
    examples: ["consilium record list", "consilium record list --config north/consilium.yaml"],
  });
}

async function importBundle(options: ImportOptions, say: Say): Promise<CommandResult> {
  const { bundle: file, config } = options;
  if (file === undefined) throw new ConsiliumError("USAGE", "Name the FHIR bundle: --bundle FILE.");
  if (config === undefined) throw new ConsiliumError("USAGE", "Name the hospital's config: --config FILE.");
  if (options.owner === undefined)
    throw new ConsiliumError("USAGE", "Say whose record it is: --owner ACCOUNT.");
  const owner = fullId(options.owner, "--owner");
  const bundle = readBundleFile(file);
  const started = performance.now();
  return useMember(config, async (member) => {
    const journal = ImportJournalFolder.acquire(join(member.dataDir, "imports"));
    try {
      const client = await openClient([member.apiUrl]);
      const hospital = await client.hospital(member.signer);
      const onRecord = (record: ImportedRecord) => say(progressLine(record));
      const result = await hospital.importBundle({ bundle, owner, journal, onRecord });
      return describeImport(result, performance.now() - started);
    } finally {
      journal.release();
    }
  });
}

/** @throws ConsiliumError `USAGE` when it cannot be read, `BUNDLE_TOO_LARGE` before it is loaded. */
function readBundleFile(file: string): Uint8Array {
  try {
    const sizeBytes = statSync(file).size;
    if (sizeBytes <= limits.bundleBytes) return readFileSync(file);
  } catch (cause) {
    throw new ConsiliumError(
      "USAGE",
      `The bundle ${file} cannot be read; correct --bundle.`,
      { file },
      { cause },
    );
  }
  throw new ConsiliumError("BUNDLE_TOO_LARGE", "The bundle is too large; split it at its source.", {
    limitBytes: limits.bundleBytes,
  });
}

function progressLine(record: ImportedRecord): string {
  const what = `${record.type}: ${counted(record.resourceCount, "resource")}, ${sizeText(record.sizeBytes)}`;
  return record.isOld ? `${what}, imported before` : `${what}, final at height ${record.height}`;
}

function describeImport(result: ImportResult, durationMs: number): CommandResult {
  const rows = result.records.map((record) => [
    record.type,
    String(record.resourceCount),
    sizeText(record.sizeBytes),
    shortId(record.recordId),
    String(record.height),
    record.sha256,
  ]);
  return {
    json: { ...result, durationMs: Math.round(durationMs) },
    lines: [
      ...table([["type", "resources", "size", "record", "height", "sha256"], ...rows]),
      `${counted(result.records.length, "record")} in ${durationText(durationMs)}`,
    ],
  };
}

function list(options: ListOptions): Promise<CommandResult> {
  const { config } = options;
  if (config !== undefined) return listHospital(config);
  return useWallet(options, async (client, wallet) => {
    const records = await recordsOfWallet(client, wallet);
    return { json: { records }, lines: recordTable(records) };
  });
}

type TypedRecordView = RecordView & { readonly type: string | null };

async function recordsOfWallet(client: ConsiliumClient, wallet: Wallet): Promise<TypedRecordView[]> {
  if (wallet.content.role === "owner") return (await client.owner(wallet)).records();
  const recipient = await client.recipient(wallet);
  const found = new Map<string, TypedRecordView>();
  for (const grant of await recipient.grants()) {
    if (grant.state !== "active") continue;
    const opened = await recipient.openGrant(grant.grantId);
    for (const record of await recipient.recordsOf(opened))
      found.set(record.recordId, { ...record, type: opened.type });
  }
  return [...found.values()];
}

function recordTable(records: readonly TypedRecordView[]): string[] {
  if (records.length === 0) return ["No records."];
  const rows = records.map((record) => [
    shortId(record.recordId),
    record.type ?? "unknown",
    record.status,
    sizeText(record.lengthBytes),
    timeText(record.timeMs),
    String(record.height),
  ]);
  return table([["record", "type", "status", "size", "indexed", "height"], ...rows]);
}

function listHospital(config: string): Promise<CommandResult> {
  return useMember(config, async (member) => {
    const client = await openClient([member.apiUrl]);
    const records = await (await client.hospital(member.signer)).records();
    return { json: { records }, lines: hospitalTable(records) };
  });
}

function hospitalTable(records: readonly HospitalRecordView[]): string[] {
  if (records.length === 0) return ["No records."];
  const rows = records.map((record) => [
    shortId(record.recordId),
    shortId(record.owner),
    sizeText(record.lengthBytes),
    String(record.privateHeight),
    record.indexHeight === null ? "not yet" : String(record.indexHeight),
  ]);
  return table([["record", "owner", "size", "private height", "index height"], ...rows]);
}
