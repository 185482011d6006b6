import { ConsiliumError } from "@consilium/crypto";
import { type Document, isMap, isScalar, type LineCounter } from "yaml";
import { z } from "zod";
import { NodeConfigSchema } from "./schema.js";

/** A parsed YAML file with what is needed to point at a line of it. */
export interface ConfigSource {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

type Path = readonly PropertyKey[];

const MAX_TYPO_DISTANCE = 3;
const SECRET_KEYS = /^(pass(phrase|word)?|secret|key|seed)$/i;

/** The error for the first thing wrong in a config file: it names the key, the line where it can, and the remedy. */
export function configError(issue: z.core.$ZodIssue, source: ConfigSource): ConsiliumError {
  if (issue.code === "unrecognized_keys") return unknownKey([...issue.path, issue.keys[0]!], source);
  const key = issue.path.map(String).join(".");
  const { document, file } = source;
  if (!document.hasIn(issue.path) && issue.path.length > 0) {
    return new ConsiliumError(
      "CONFIG_MISSING_KEY",
      `Add the key "${key}" to ${file}. ${describe(issue.path)}`,
      details(key, file, undefined),
    );
  }
  const line = lineOf(issue.path, source);
  return new ConsiliumError(
    "CONFIG_BAD_VALUE",
    `The value of "${key}"${place(line, file)} ${sentence(issue)}. ${describe(issue.path)}`,
    details(key, file, line),
  );
}

function unknownKey(path: Path, source: ConfigSource): ConsiliumError {
  const key = path.map(String).join(".");
  const line = lineOf(path, source);
  const last = String(path.at(-1));
  return new ConsiliumError(
    "CONFIG_UNKNOWN_KEY",
    `Unknown key "${key}"${place(line, source.file)}. ${remedy(last, path.slice(0, -1))}`,
    details(key, source.file, line),
  );
}

function remedy(key: string, parent: Path): string {
  const known = keysAt(parent);
  const closest = known
    .map((name) => ({ name, distance: editDistance(name.toLowerCase(), key.toLowerCase()) }))
    .sort((left, right) => left.distance - right.distance)[0];
  if (SECRET_KEYS.test(key)) {
    return "Secrets do not belong in the config: put the passphrase in a file named by passphraseFile, or in the environment variable CONSILIUM_PASSPHRASE.";
  }
  if (closest !== undefined && closest.distance <= MAX_TYPO_DISTANCE) {
    return `Did you mean "${[...parent.map(String), closest.name].join(".")}"?`;
  }
  const where = parent.length === 0 ? "here" : `under "${parent.map(String).join(".")}"`;
  return `Remove it; the keys known ${where} are ${known.join(", ")}.`;
}

function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type" && issue.message.startsWith("Invalid input")) {
    return `must be ${issue.expected === "array" ? "a list" : issue.expected === "object" ? "a group of keys" : `a ${issue.expected}`}`;
  }
  return issue.message;
}

function place(line: number | undefined, file: string): string {
  return line === undefined ? ` in ${file}` : ` at ${file} line ${line}`;
}

function details(key: string, file: string, line: number | undefined) {
  return line === undefined ? { key, file } : { key, file, line };
}

/** Line of a key's own name where it can be found, otherwise of its value. */
function lineOf(path: Path, { document, lines }: ConfigSource): number | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const name = path.at(-1);
  const pair = isMap(parent)
    ? parent.items.find((item) => isScalar(item.key) && item.key.value === name)
    : undefined;
  const node = isScalar(pair?.key) ? pair.key : document.getIn(path, true);
  const offset = isScalar(node) ? node.range?.[0] : undefined;
  return offset === undefined ? undefined : lines.linePos(offset).line;
}

function keysAt(path: Path): readonly string[] {
  const schema = schemaAt(path);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function describe(path: Path): string {
  return schemaAt(path, true)?.description ?? "";
}

/** Walks the schema to a key; with `keepWrapper` optional and default wrappers stay, which carry the description. */
function schemaAt(path: Path, keepWrapper = false): z.ZodType | undefined {
  let schema: z.ZodType | undefined = NodeConfigSchema;
  for (const segment of path) {
    schema = unwrap(schema);
    if (schema instanceof z.ZodArray) return schema as z.ZodType;
    schema = schema instanceof z.ZodObject ? (schema.shape[String(segment)] as z.ZodType) : undefined;
  }
  return keepWrapper ? schema : unwrap(schema);
}

function unwrap(schema: z.ZodType | undefined): z.ZodType | undefined {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault) inner = inner.unwrap() as z.ZodType;
  return inner;
}

/** Levenshtein distance: the smallest number of letters inserted, deleted or replaced. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const replaced = row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[right.length]!;
}
