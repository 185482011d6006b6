import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { ConsiliumError } from "@consilium/crypto";

const run = promisify(execFile);
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const COMMAND_TIMEOUT_MS = 120_000;

/** The workspace's root: this file lies in packages/e2e/src/cluster, or in packages/e2e/dist/src/cluster. */
const root = workspaceRoot();
const cliMain = join(root, "packages", "node", "dist", "src", "cli", "main.js");
const compiledHere = join(root, "packages", "e2e", "dist", "src");
const polyfill = join(root, "scripts", "polyfill.mjs");

/** Modules of this package that a node's process loads before its own. */
export type Preload = "clock-skew" | "byzantine";

/** Compiles the workspace's sources, so that nodes start fast and run what stands there now. */
export async function compile(): Promise<void> {
  await runNode([join(root, "scripts", "compiled.mjs"), "--version"]);
}

/** Program and arguments that run one command of the compiled command line; `wrapper` comes before it. */
export function commandLine(
  args: readonly string[],
  options: { readonly preloads?: readonly Preload[]; readonly wrapper?: readonly string[] } = {},
): [program: string, ...args: string[]] {
  const imports = [
    polyfill,
    ...(options.preloads ?? []).map((name) => join(compiledHere, "preload", `${name}.js`)),
  ];
  const flags = imports.flatMap((file) => ["--import", pathToFileURL(file).href]);
  return [...(options.wrapper ?? []), process.execPath, ...flags, cliMain, ...args] as [string, ...string[]];
}

/**
 * Runs one command of the compiled command line to its end and reads its JSON answer.
 * @throws ConsiliumError `E2E_COMMAND_FAILED` with what the command said.
 */
export async function consilium(args: readonly string[]): Promise<unknown> {
  const [, ...rest] = commandLine([...args, "--json"]);
  return JSON.parse(await runNode(rest));
}

async function runNode(args: readonly string[]): Promise<string> {
  try {
    const options = { maxBuffer: OUTPUT_BYTES_MAX, timeout: COMMAND_TIMEOUT_MS, cwd: root };
    return (await run(process.execPath, args, options)).stdout;
  } catch (cause) {
    const { stdout, stderr } = cause as { stdout?: string; stderr?: string };
    const said = `${stderr ?? ""}${stdout ?? ""}`.trim().slice(-2_000);
    throw new ConsiliumError(
      "E2E_COMMAND_FAILED",
      `A command of the run failed and said: ${said}`,
      {},
      { cause },
    );
  }
}

function workspaceRoot(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const packageDir = here.slice(0, here.lastIndexOf(join("packages", "e2e")));
  return packageDir.replace(/[\\/]$/, "");
}
