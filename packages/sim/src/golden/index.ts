import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runScript } from "./run.js";

const folder = fileURLToPath(new URL("../../golden/", import.meta.url));

/** Names of the golden scenarios, in order. */
export const goldenNames = (): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".txt"))
    .map((file) => file.slice(0, -".txt".length))
    .sort();

/** The trace that is kept beside a script; undefined before the first one is written. */
export function expectedTrace(name: string): string | undefined {
  const path = `${folder}${name}.trace`;
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

export const writeTrace = (name: string, trace: string): void =>
  writeFileSync(`${folder}${name}.trace`, trace);

/** Runs a golden scenario; the whole trace as text. Throws SyntaxError for a script that does not parse. */
export async function traceOf(name: string): Promise<string> {
  const lines = await runScript(readFileSync(`${folder}${name}.txt`, "utf8"));
  return `${lines.join("\n")}\n`;
}
