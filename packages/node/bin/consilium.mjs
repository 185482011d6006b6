#!/usr/bin/env node
// Starts the command line: from the TypeScript sources in a checkout, from dist where only the build is installed.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const source = new URL("../src/cli/main.ts", import.meta.url);
const built = new URL("../dist/src/cli/main.js", import.meta.url);
const flags = new URL("../../../scripts/typescript-flags.mjs", import.meta.url);
const polyfill = new URL("../../../scripts/polyfill.mjs", import.meta.url);

if (existsSync(source) && existsSync(flags)) {
  const { typescriptFlags } = await import(flags.href);
  const args = [...typescriptFlags, fileURLToPath(source), ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  // A terminal sends SIGINT to the whole group: the child ends by itself, and then this process does.
  process.on("SIGINT", () => {});
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
} else {
  if (existsSync(polyfill)) await import(polyfill.href);
  await import(built.href);
}
