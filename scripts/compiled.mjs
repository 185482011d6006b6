// Compiles the workspace's sources to JavaScript (types are not checked) and runs the command line from there:
//   node scripts/compiled.mjs [ARG ...]
// A process starts in half the time it takes to run the TypeScript sources, and the demonstration starts five.
import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { runNode } from "./run-node.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** All TypeScript files below a folder. */
function sourcesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name));
}

for (const name of readdirSync(join(root, "packages"))) {
  const folder = join(root, "packages", name, "src");
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue;
  const outdir = join(root, "packages", name, "dist", "src");
  await build({
    entryPoints: sourcesOf(folder),
    outdir,
    outbase: folder,
    format: "esm",
    target: "es2023",
    logLevel: "error",
  });
}

const main = join(root, "packages", "node", "dist", "src", "cli", "main.js");
const polyfill = new URL("./polyfill.mjs", import.meta.url).href;
runNode(["--import", polyfill, main, ...process.argv.slice(2)]);
