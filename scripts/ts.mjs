// Runs a TypeScript entry point of the workspace without a build: node scripts/ts.mjs ENTRY [ARG ...]
import { runNode } from "./run-node.mjs";
import { typescriptFlags } from "./typescript-flags.mjs";

const [entry, ...args] = process.argv.slice(2);
if (entry === undefined) {
  console.error("usage: node scripts/ts.mjs ENTRY [ARG ...]");
  process.exit(2);
}
runNode([...typescriptFlags, entry, ...args]);
