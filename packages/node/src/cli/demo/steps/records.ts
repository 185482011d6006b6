import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ImportJournal, TypedRecord } from "@consilium/client";
import { ConsiliumError } from "@consilium/crypto";
import { writeDurably } from "../../../keys/index.js";
import { AUTHOR, CLINIC, type Story } from "../context.js";
import type { StepResult } from "../progress.js";
import type { ImportedRecord } from "../state.js";

const PREFERRED_TYPE = "laboratory";

/** Step 6: the bundle becomes one sealed record per type, on A's private chain and in the alliance's index. */
export async function importBundle(story: Story, note: (text: string) => void): Promise<StepResult> {
  const { bundleId } = story.bundle;
  const { bundleSha256 } = story.state.facts;
  if (bundleSha256 !== undefined && bundleSha256 !== bundleId) {
    throw new ConsiliumError(
      "DEMO_OTHER_BUNDLE",
      "This folder's story is about another bundle; give that one, or another --dir, or --reset.",
    );
  }
  const desk = await story.hospital(AUTHOR).desk();
  const journal = fileJournal(join(story.options.dir, "import-journal"));
  const { records } = await desk.importBundle({
    bundle: readFileSync(story.options.bundleFile),
    owner: story.owner.account,
    journal,
    onRecord: (record) => note(`${record.type} at height ${record.height}`),
  });
  const imported = records.map(({ type, recordId, sizeBytes, sha256 }): ImportedRecord => {
    return { type, recordId, bytes: sizeBytes, sha256 };
  });
  story.state.keep({ bundleSha256: bundleId, imported, sharedType: sharedTypeOf(story.bundle.records) });
  await requireIndexed(story, imported);
  const sizeBytes = imported.reduce((sum, { bytes }) => sum + bytes, 0);
  const resources = records.reduce((sum, { resourceCount }) => sum + resourceCount, 0);
  return {
    detail: `${resources} resources in ${records.length} types, ${sizeBytes} bytes`,
    resumed: records.every((record) => record.isOld),
  };
}

/**
 * A record of another type than the shared one, for a bundle that has one type only: a synthetic resource of its own.
 * Returns its record id; run again, the one that the journal names.
 */
export async function importOtherType(story: Story): Promise<string> {
  const isAllergy = story.state.facts.sharedType === "allergy";
  const resource = {
    resourceType: isAllergy ? "Immunization" : "AllergyIntolerance",
    meta: { tag: [{ system: "http://terminology.hl7.org/CodeSystem/v3-ActReason", code: "HTEST" }] },
    text: { status: "generated", div: "<div>Synthetic entry of the demonstration.</div>" },
  };
  const bundle = { resourceType: "Bundle", type: "collection", entry: [{ resource }] };
  const desk = await story.hospital(AUTHOR).desk();
  const { records } = await desk.importBundle({
    bundle: new TextEncoder().encode(JSON.stringify(bundle)),
    owner: story.owner.account,
    journal: fileJournal(join(story.options.dir, "import-journal")),
  });
  const record = records[0]!;
  await story.hospital(CLINIC).hasSeen(record.height);
  return record.recordId;
}

/** Laboratory where the bundle has it, otherwise its largest type. */
function sharedTypeOf(records: readonly TypedRecord[]): string {
  if (records.some(({ type }) => type === PREFERRED_TYPE)) return PREFERRED_TYPE;
  const largest = [...records].sort((left, right) => right.plaintext.length - left.plaintext.length)[0];
  if (largest !== undefined) return largest.type;
  throw new ConsiliumError("BUNDLE_EMPTY", "The bundle holds no resource; give one that does.");
}

async function requireIndexed(story: Story, imported: readonly ImportedRecord[]): Promise<void> {
  const indexed = await story.owner.records();
  for (const { recordId, type } of imported) {
    const entry = indexed.find((each) => each.recordId === recordId);
    if (entry?.type === type) continue;
    throw new ConsiliumError("DEMO_NOT_INDEXED", `The index has no ${type} record of this import.`, {
      recordId,
    });
  }
}

function fileJournal(folder: string): ImportJournal {
  const fileOf = (name: string) => join(folder, `${name}.json`);
  return {
    read: async (name) => (existsSync(fileOf(name)) ? readFileSync(fileOf(name), "utf8") : undefined),
    write: async (name, text) => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeDurably(fileOf(name), text);
    },
  };
}
