// Installs what the lockfile names (pinned pnpm through npx), then runs a script file with Node:
//   node scripts/installed.mjs FILE [ARG ...]
// Needs nothing but Node and npm. The install is skipped while the lockfile is the one last installed.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const stampFile = join(root, "node_modules", ".consilium-lockfile-hash");

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Consilium needs Node 20.19 or newer; this is ${process.versions.node}. Install a newer Node.`,
  );
  process.exit(1);
}

function run(command, args) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (result.error) {
    console.error(`cannot run ${command}: ${result.error.message}`);
    process.exit(1);
  }
  return result.status ?? 1;
}

function installOnce() {
  const hash = createHash("sha256")
    .update(readFileSync(join(root, "pnpm-lock.yaml")))
    .digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === hash) return;
  console.log("Installing dependencies from the lockfile …");
  const status = run("npx", [
    "--yes",
    packageManager,
    "install",
    "--frozen-lockfile",
    "--reporter=append-only",
  ]);
  if (status !== 0) {
    console.error(
      "The install failed. Check that this machine reaches an npm registry, then run the command again.",
    );
    process.exit(status ?? 1);
  }
  writeFileSync(stampFile, hash);
}

const args = process.argv.slice(2);
if (args.length === 0) {
  console.error("usage: node scripts/installed.mjs FILE [ARG ...]");
  process.exit(2);
}
installOnce();
const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
// A terminal signals the whole group; a supervisor signals only us, so pass its signal on.
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
process.on("SIGINT", () => {});
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
