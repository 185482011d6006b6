import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Curve } from "../src/curve/index.js";
import { ConsiliumError } from "../src/index.js";
import { parseExactJson } from "./exact-json.js";
import { committeeOperations, type KatInput, type KatOperation } from "./ops-committee.js";
import { externalOperations } from "./ops-external.js";
import { sharingOperations } from "./ops-sharing.js";

/** Every operation that known-answer files may name. */
export const katOperations: Readonly<Record<string, KatOperation>> = {
  ...committeeOperations,
  ...sharingOperations,
  ...externalOperations,
};

/** One case of a known-answer file: an answer to be given exactly, or a code to be refused with. */
export interface KatCase {
  readonly name: string;
  readonly source?: string;
  readonly input: KatInput;
  readonly expected?: Readonly<Record<string, unknown>>;
  readonly error?: string;
}

/** A known-answer file: one operation and its cases. */
export interface KatFile {
  readonly op: string;
  readonly description?: string;
  readonly cases: readonly KatCase[];
}

/** What came of one case on one backend. */
export interface KatResult {
  readonly outcome: "passed" | "failed" | "unsupported";
  /** Field that differs and what was there, for people. */
  readonly detail?: string;
}

/** All `.json` files of the given files and folders, recursively, in a stable order. */
export function listKatFiles(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    // A path that does not exist stays in the list, so that the report names it.
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [path];
    const entries = readdirSync(path)
      .sort()
      .map((entry) => join(path, entry));
    return listKatFiles(entries.filter((entry) => statSync(entry).isDirectory() || entry.endsWith(".json")));
  });
}

/** Reads a known-answer file, or says in a sentence why it is none. */
export function readKatFile(path: string): KatFile | string {
  let content: Partial<KatFile> | null;
  try {
    content = parseExactJson(readFileSync(path, "utf8")) as Partial<KatFile> | null;
  } catch (error) {
    return `not readable as JSON: ${error}`;
  }
  if (content === null || typeof content.op !== "string" || !Array.isArray(content.cases)) {
    return "not a known-answer file: op and cases are missing";
  }
  return content as KatFile;
}

/** Runs one case on one backend. */
export async function runKatCase(curve: Curve, op: string, testCase: KatCase): Promise<KatResult> {
  const operation = Object.hasOwn(katOperations, op) ? katOperations[op] : undefined;
  if (operation === undefined) return { outcome: "unsupported", detail: `unknown operation ${op}` };
  let answer: unknown;
  try {
    answer = await operation(curve, testCase.input);
  } catch (error) {
    return judgeRefusal(error, testCase);
  }
  if (testCase.error !== undefined) {
    return { outcome: "failed", detail: `error: expected ${testCase.error}, got an answer` };
  }
  return judgeAnswer(answer, testCase.expected ?? {});
}

function judgeRefusal(error: unknown, testCase: KatCase): KatResult {
  const isCode = error instanceof ConsiliumError;
  const code = isCode ? error.code : `${error}`;
  if (isCode && testCase.error === code) return { outcome: "passed" };
  return { outcome: "failed", detail: `error: expected ${testCase.error ?? "an answer"}, got ${code}` };
}

function judgeAnswer(answer: unknown, expected: Readonly<Record<string, unknown>>): KatResult {
  const fields = (answer ?? {}) as Readonly<Record<string, unknown>>;
  for (const [field, value] of Object.entries(expected)) {
    const wanted = canonical(value);
    // A file may write null for what an answer leaves out.
    const got = canonical(fields[field] ?? null);
    if (wanted !== got) {
      return { outcome: "failed", detail: `${field}: expected ${shorten(wanted)}, got ${shorten(got)}` };
    }
  }
  return { outcome: "passed" };
}

/** JSON with sorted keys, so that the order of fields never decides; large integers as their digits. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => canonicalPart(part));
}

function canonicalPart(part: unknown): unknown {
  if (typeof part === "bigint") return `${part}`;
  if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
  return Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1)));
}

function shorten(text: string): string {
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
