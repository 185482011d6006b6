import { spawn } from "node:child_process";
import { constants } from "node:os";
import { codeOf } from "@consilium/crypto";
import { nodeNames } from "../manifest/nodes.js";
import type { Manifest } from "../manifest/schema.js";
import { Namespaces } from "../network/namespaces.js";
import type { Placement } from "../network/relays.js";

/** Tells the inner runner which hub it lives in. */
const HUB_VARIABLE = "CONSILIUM_E2E_HUB";

/** Where the nodes of this process's run go: into the namespaces that an outer runner made, if it is an inner one. */
export async function placementInside(
  manifest: Manifest,
  say: (line: string) => void,
): Promise<Placement | undefined> {
  const hub = process.env[HUB_VARIABLE];
  if (hub === undefined) return undefined;
  const namespaces = Namespaces.named(hub, nodeNames(manifest));
  const { delayMs, jitterMs, lossPercent, kilobytesPerSecond } = manifest.links;
  const shapes = await namespaces.shape({ delayMs, jitterMs, lossPercent, kilobytesPerSecond });
  say(
    shapes
      ? "links: one network namespace per node; the kernel delays and loses packets (netem)"
      : "links: one network namespace per node; this kernel has no netem, so the relays delay and lose in user space",
  );
  return namespaces.placement(shapes);
}

/**
 * Makes the namespaces, runs this same command line inside their hub, and removes them whatever happens.
 * @returns the inner runner's exit code, or undefined when there can be no namespaces here: the caller then runs without.
 */
export async function runInNamespaces(
  manifest: Manifest,
  args: readonly string[],
  say: (line: string) => void,
): Promise<number | undefined> {
  let namespaces: Namespaces;
  // From here on Ctrl-C is for the inner runner, which gets it too; the namespaces go when it has ended.
  const ignore = () => {};
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, ignore);
  try {
    namespaces = await Namespaces.create(nodeNames(manifest));
  } catch (error) {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, ignore);
    say(`${codeOf(error)}: ${(error as Error).message} Going on with all nodes on 127.0.0.1.`);
    return undefined;
  }
  try {
    return await runInner(namespaces, args);
  } finally {
    await namespaces.remove();
    for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, ignore);
  }
}

export const isInner = (): boolean => process.env[HUB_VARIABLE] !== undefined;

function runInner({ hub, hubWrapper }: Namespaces, args: readonly string[]): Promise<number> {
  const [program, ...wrapper] = hubWrapper as [string, ...string[]];
  const command = [...wrapper, process.execPath, ...process.execArgv, process.argv[1]!, ...args];
  return new Promise((resolve, reject) => {
    const child = spawn(program, command, { stdio: "inherit", env: { ...process.env, [HUB_VARIABLE]: hub } });
    // A supervisor signals the outer runner alone.
    const passOn = () => child.kill("SIGTERM");
    process.once("SIGTERM", passOn);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      process.off("SIGTERM", passOn);
      resolve(code ?? 128 + (constants.signals[signal ?? "SIGTERM"] ?? 0));
    });
  });
}
