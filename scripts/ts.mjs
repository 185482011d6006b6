// Runs a TypeScript entry point of the workspace without a build: node scripts/ts.mjs ENTRY [ARG ...]
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { typescriptFlags } from "./typescript-flags.mjs";

const [entry, ...args] = process.argv.slice(2);
if (entry === undefined) {
  console.error("usage: node scripts/ts.mjs ENTRY [ARG ...]");
  process.exit(2);
}
const child = spawn(process.execPath, [...typescriptFlags, entry, ...args], { stdio: "inherit" });
// A terminal signals the whole group; a supervisor signals only us, so pass its signal on.
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
process.on("SIGINT", () => {});
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
