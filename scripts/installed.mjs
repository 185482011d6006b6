// Installs what the lockfile names (pinned pnpm through npx), then runs a script file with Node:
//   node scripts/installed.mjs FILE [ARG ...]
// Needs nothing but Node and npm. The install is skipped while the lockfile is the one last installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runNode } from "./run-node.mjs";

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

function installOnce() {
  const hash = createHash("sha256")
    .update(readFileSync(join(root, "pnpm-lock.yaml")))
    .digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === hash) return;
  console.log("Installing dependencies from the lockfile …");
  const args = ["--yes", packageManager, "install", "--frozen-lockfile", "--reporter=append-only"];
  const shell = process.platform === "win32";
  const { status } = spawnSync("npx", args, { cwd: root, stdio: "inherit", shell });
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
runNode(args, { cwd: root });
