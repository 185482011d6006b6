/** Splits a FHIR R4 Bundle into its resources, each with the bytes it had in the file. */
import { ConsiliumError } from "@consilium/crypto";
import { limits } from "@consilium/protocol";
import { type JsonRange, JsonScanner } from "./json-scanner.js";

/** Kinds of bundle that carry a record. Answers, histories and messages are something else. */
export const BUNDLE_TYPES = ["transaction", "batch", "collection", "document"] as const;
export type BundleType = (typeof BUNDLE_TYPES)[number];

/** A parsed resource, for looking at only: what is stored are the bytes. */
export type ResourceFields = { readonly resourceType: string } & Readonly<Record<string, unknown>>;

export interface BundleResource {
  /** `entry.fullUrl`, by which other resources refer to this one; empty when the entry has none. */
  readonly fullUrl: string;
  /** The resource exactly as it stands in the file: a view of it, not a copy. */
  readonly bytes: Uint8Array;
  readonly fields: ResourceFields;
}

export interface Bundle {
  readonly type: BundleType;
  readonly resources: readonly BundleResource[];
  /** Entries without a resource, such as deletions in a transaction. */
  readonly entriesWithoutResource: number;
}

/**
 * Reads a bundle of at most `limits.bundleBytes`. A byte order mark in front is skipped.
 *
 * Throws ConsiliumError `BUNDLE_TOO_LARGE`, `BUNDLE_NOT_UTF8`, `BUNDLE_BAD_JSON` (with the offset), `BUNDLE_TOO_DEEP`,
 * `BUNDLE_DUPLICATE_KEY`, `BUNDLE_NOT_A_BUNDLE`, `BUNDLE_BAD_TYPE`, `BUNDLE_BAD_ENTRY`, `BUNDLE_EMPTY`,
 * `BUNDLE_SEVERAL_PATIENTS`.
 */
export function readBundle(file: Uint8Array): Bundle {
  if (file.length > limits.bundleBytes) {
    throw new ConsiliumError("BUNDLE_TOO_LARGE", "The bundle is too large; split it at its source.", {
      sizeBytes: file.length,
      limitBytes: limits.bundleBytes,
    });
  }
  requireUtf8(file);
  const outline = scanOutline(file);
  const type = BUNDLE_TYPES.find((each) => each === outline.type);
  if (outline.resourceType !== "Bundle") {
    throw new ConsiliumError(
      "BUNDLE_NOT_A_BUNDLE",
      "This is not a FHIR Bundle; put the resources into one.",
      {
        resourceType: String(outline.resourceType).slice(0, 64),
      },
    );
  }
  if (type === undefined) {
    throw new ConsiliumError("BUNDLE_BAD_TYPE", `Import a bundle of type ${BUNDLE_TYPES.join(", ")}.`, {
      type: String(outline.type).slice(0, 64),
    });
  }
  const resources = outline.entries.flatMap((entry, index) => toResource(file, entry, index));
  requireOnePatient(resources);
  return { type, resources, entriesWithoutResource: outline.entries.length - resources.length };
}

interface EntryOutline {
  readonly fullUrl: string;
  readonly resource: JsonRange | undefined;
}

interface BundleOutline {
  readonly resourceType: string | undefined;
  readonly type: string | undefined;
  readonly entries: readonly EntryOutline[];
}

function scanOutline(file: Uint8Array): BundleOutline {
  const hasMark = file[0] === 0xef && file[1] === 0xbb && file[2] === 0xbf;
  const scanner = new JsonScanner(file, hasMark ? 3 : 0);
  let resourceType: string | undefined;
  let type: string | undefined;
  const entries: EntryOutline[] = [];
  if (scanner.peek() === 0x7b) {
    scanner.object((key) => {
      if (key === "resourceType") resourceType = optionalString(scanner);
      else if (key === "type") type = optionalString(scanner);
      else if (key === "entry") scanEntries(scanner, entries);
      else scanner.skipValue();
    });
  } else {
    scanner.skipValue();
  }
  scanner.end();
  return { resourceType, type, entries };
}

function scanEntries(scanner: JsonScanner, entries: EntryOutline[]): void {
  if (scanner.peek() !== 0x5b) throw badEntry("Bundle.entry must be a list.", -1);
  scanner.array((index) => {
    if (scanner.peek() !== 0x7b) throw badEntry("Each entry of a bundle must be an object.", index);
    entries.push(scanEntry(scanner));
  });
}

function scanEntry(scanner: JsonScanner): EntryOutline {
  let fullUrl: string | undefined;
  let resource: JsonRange | undefined;
  scanner.object((key) => {
    if (key === "fullUrl") fullUrl = optionalString(scanner);
    else if (key === "resource") resource = scanner.skipValue();
    else scanner.skipValue();
  });
  return { fullUrl: fullUrl ?? "", resource };
}

function optionalString(scanner: JsonScanner): string | undefined {
  if (scanner.peek() === 0x22) return scanner.string();
  scanner.skipValue();
  return undefined;
}

function toResource(file: Uint8Array, entry: EntryOutline, index: number): BundleResource[] {
  if (entry.resource === undefined) return [];
  const bytes = file.subarray(entry.resource.from, entry.resource.to);
  const fields: unknown = JSON.parse(new TextDecoder().decode(bytes));
  const resourceType = (fields as { resourceType?: unknown } | null)?.resourceType;
  if (typeof resourceType !== "string" || resourceType === "" || Array.isArray(fields)) {
    throw badEntry("A resource of the bundle has no resourceType; correct it at its source.", index);
  }
  return [{ fullUrl: entry.fullUrl, bytes, fields: fields as ResourceFields }];
}

/** One person's record at a time: what is about somebody else must not be sealed under this owner. */
function requireOnePatient(resources: readonly BundleResource[]): void {
  if (resources.length === 0) throw new ConsiliumError("BUNDLE_EMPTY", "The bundle holds no resource.");
  const patients = resources.filter(({ fields }) => fields.resourceType === "Patient").length;
  if (patients > 1) {
    throw new ConsiliumError(
      "BUNDLE_SEVERAL_PATIENTS",
      "The bundle is about several patients; split it by patient.",
      {
        patients,
      },
    );
  }
}

/** Decodes in pieces, so that a large file is not held a second time as text. */
function requireUtf8(file: Uint8Array): void {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const pieceBytes = 1 << 20;
  try {
    for (let from = 0; from < file.length; from += pieceBytes) {
      decoder.decode(file.subarray(from, from + pieceBytes), { stream: true });
    }
    decoder.decode();
  } catch {
    throw new ConsiliumError("BUNDLE_NOT_UTF8", "The bundle is not UTF-8 text; export it again as UTF-8.");
  }
}

function badEntry(sentence: string, entry: number): ConsiliumError {
  return new ConsiliumError("BUNDLE_BAD_ENTRY", sentence, { entry });
}
