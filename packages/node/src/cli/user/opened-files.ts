import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ConsiliumError, equalBytes, sha256, toHex } from "@consilium/crypto";

/** What was decrypted is health data in the clear: its user's alone. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const ID_DIGITS_SHOWN = 16;

/** One record as it was opened. */
export interface OpenedFiles {
  readonly recordId: string;
  readonly type: string;
  readonly items: readonly { readonly fullUrl: string; readonly bytes: Uint8Array }[];
}

export interface WrittenFile {
  readonly file: string;
  readonly fullUrl: string;
  readonly sizeBytes: number;
  /** SHA-256 of the resource's original bytes, hex. */
  readonly sha256: string;
}

/**
 * Writes each resource with the bytes it had when it was imported: `OUT/TYPE-RECORD/NNNN-ResourceType.json`. A file
 * that already holds the same bytes stays.
 * @throws ConsiliumError `FILE_EXISTS` rather than overwrite other content, or the file system's own error.
 */
export function writeOpenedRecord(outDir: string, record: OpenedFiles): WrittenFile[] {
  const folder = join(
    resolve(outDir),
    `${safeName(record.type)}-${record.recordId.slice(0, ID_DIGITS_SHOWN)}`,
  );
  mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  return record.items.map(({ fullUrl, bytes }, index) => {
    const file = join(folder, `${String(index + 1).padStart(4, "0")}-${nameOfResource(bytes)}`);
    writeNew(file, bytes);
    return { file, fullUrl, sizeBytes: bytes.length, sha256: toHex(sha256(bytes)) };
  });
}

function writeNew(file: string, bytes: Uint8Array): void {
  if (!existsSync(file)) {
    writeFileSync(file, bytes, { mode: FILE_MODE, flag: "wx" });
  } else if (!equalBytes(readFileSync(file), bytes)) {
    throw new ConsiliumError(
      "FILE_EXISTS",
      `${file} holds something else; choose an empty folder with --out, or move the file away.`,
      { file },
    );
  }
}

/** The bytes come from another hospital: a name is taken from them only when it is plain letters. */
function nameOfResource(bytes: Uint8Array): string {
  try {
    const fields = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as {
      resourceType?: unknown;
    };
    return `${safeName(String(fields.resourceType))}.json`;
  } catch {
    return "resource.bin";
  }
}

function safeName(text: string): string {
  return /^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(text) ? text : "resource";
}
