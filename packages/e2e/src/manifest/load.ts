import { readFileSync } from "node:fs";
import { ConsiliumError } from "@consilium/crypto";
import { type Document, isNode, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { checkManifest } from "./check.js";
import { type Manifest, ManifestSchema } from "./schema.js";

interface Source {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

/**
 * Reads and checks a manifest.
 * @throws ConsiliumError `MANIFEST_NOT_FOUND`, `MANIFEST_BAD_YAML`, `MANIFEST_UNKNOWN_KEY`, `MANIFEST_MISSING_KEY`,
 * `MANIFEST_BAD_VALUE`, and those of {@link checkManifest}; each sentence names the key and what to do.
 */
export function loadManifest(file: string): Manifest {
  return parseManifest(readText(file), file);
}

/** The same for text already read; `file` stands in the sentences of errors. */
export function parseManifest(text: string, file: string): Manifest {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const problem = document.errors[0];
  if (problem !== undefined) {
    const line = lines.linePos(problem.pos[0]).line;
    throw new ConsiliumError(
      "MANIFEST_BAD_YAML",
      `${file} is not valid YAML at line ${line}: ${problem.message.split("\n")[0]}`,
      { file, line },
    );
  }
  const parsed = ManifestSchema.safeParse(document.toJS() ?? {});
  if (!parsed.success) throw manifestError(parsed.error.issues, { file, document, lines });
  checkManifest(parsed.data);
  return parsed.data;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new ConsiliumError(
      "MANIFEST_NOT_FOUND",
      `The manifest ${file} cannot be read; write one, or let "pnpm e2e generate --seed 1 --out ${file}" write it.`,
      { file },
      { cause },
    );
  }
}

function manifestError(issues: readonly z.core.$ZodIssue[], source: Source): ConsiliumError {
  // A misspelt key also makes the right one missing; the misspelling is the more useful of the two.
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0]!;
  const { file, document } = source;
  if (issue.code === "unrecognized_keys") {
    const key = [...issue.path, issue.keys[0]!].map(String).join(".");
    return failure(
      "MANIFEST_UNKNOWN_KEY",
      `"${key}" is no key of a manifest; remove or correct it`,
      key,
      source,
      [...issue.path, issue.keys[0]!],
    );
  }
  const key = issue.path.map(String).join(".");
  if (issue.path.length > 0 && !document.hasIn(issue.path)) {
    const sentence = `"${key}" is missing in ${file}; docs/e2e.md says what it means.`;
    return new ConsiliumError("MANIFEST_MISSING_KEY", sentence, { file, key });
  }
  return failure("MANIFEST_BAD_VALUE", `The value of "${key}" ${sentenceOf(issue)}`, key, source, issue.path);
}

function sentenceOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type" && issue.message.startsWith("Invalid input"))
    return `must be ${issue.expected === "array" ? "a list" : issue.expected === "object" ? "a group of keys" : `a ${issue.expected}`}`;
  return issue.message;
}

function failure(
  code: string,
  sentence: string,
  key: string,
  { file, document, lines }: Source,
  path: readonly PropertyKey[],
): ConsiliumError {
  const found = document.getIn(path, true);
  const offset = isNode(found) ? found.range?.[0] : undefined;
  if (offset === undefined) return new ConsiliumError(code, `${sentence} (${file}).`, { file, key });
  const { line } = lines.linePos(offset);
  return new ConsiliumError(code, `${sentence} (${file} line ${line}).`, { file, key, line });
}
