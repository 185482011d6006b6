#!/usr/bin/env node
// Starts the command line: from the TypeScript sources in a checkout, from dist where only the build is installed.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const source = new URL("../src/cli/main.ts", import.meta.url);
const built = new URL("../dist/src/cli/main.js", import.meta.url);
const scripts = new URL("../../../scripts/", import.meta.url);

if (existsSync(source) && existsSync(new URL("run-node.mjs", scripts))) {
  const { runNode } = await import(new URL("run-node.mjs", scripts).href);
  const { typescriptFlags } = await import(new URL("typescript-flags.mjs", scripts).href);
  runNode([...typescriptFlags, fileURLToPath(source), ...process.argv.slice(2)]);
} else {
  const polyfill = new URL("polyfill.mjs", scripts);
  if (existsSync(polyfill)) await import(polyfill.href);
  await import(built.href);
}
