import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
const MAIN = join(ROOT, "packages/node/dist/src/cli/main.js");
const COMPILED = ["--import", new URL("../../../../scripts/polyfill.mjs", import.meta.url).href, MAIN];
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

export interface CommandEnd {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `start --json` prints once the node is up. */
export interface StartedFacts {
  readonly node: string;
  readonly api: string;
  readonly addresses: readonly string[];
  readonly pid: number;
}

/** One temporary folder, the real command line in processes of its own, and the nodes that were started there. */
export class CommandLine {
  readonly dir = mkdtempSync(join(tmpdir(), "consilium-commands-"));
  readonly #nodes: ChildProcess[] = [];

  /** Compiles the sources, so that a process starts in half the time, and says what `--version` printed. */
  static async compile(): Promise<string> {
    const end = await run(["scripts/compiled.mjs", "--version"], ROOT);
    if (end.exitCode !== 0) throw new Error(`The sources do not compile: ${end.stderr}`);
    return end.stdout.trim();
  }

  path(...parts: readonly string[]): string {
    return join(this.dir, ...parts);
  }

  /** Runs one command to its end. */
  run(...args: readonly string[]): Promise<CommandEnd> {
    return run([...COMPILED, ...args], this.dir);
  }

  /** Runs one command with `--json`, which must succeed and print nothing but one JSON object. */
  async json<Result>(...args: readonly string[]): Promise<Result> {
    const { exitCode, stdout, stderr } = await this.run(...args, "--json");
    if (exitCode !== 0 || stderr !== "") {
      throw new Error(`consilium ${args.join(" ")} ended with ${exitCode}: ${stdout}${stderr}`);
    }
    return JSON.parse(stdout) as Result;
  }

  /** Starts a node and waits until it says that it is up. */
  async start(configFile: string): Promise<StartedFacts> {
    const child = spawn(process.execPath, [...COMPILED, "start", "--config", configFile, "--json"], {
      cwd: this.dir,
      // The channel carries nothing: should the test die, it closes and the node stops by itself.
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    this.#nodes.push(child);
    const lines = createInterface({ input: child.stdout! });
    const [line] = (await Promise.race([once(lines, "line"), once(child, "exit")])) as [unknown];
    if (typeof line !== "string") throw new Error(`The node ended with ${String(line)} before it was up.`);
    return (JSON.parse(line) as { started: StartedFacts }).started;
  }

  /** Sends each node its signal, all at once, and says how each ended. */
  stop(signals: readonly NodeJS.Signals[]): Promise<{ code: number | null; durationMs: number }[]> {
    return Promise.all(
      this.#nodes.map(async (child, index) => {
        const sentMs = performance.now();
        const ended = once(child, "exit");
        child.kill(signals[index % signals.length]!);
        const [code] = (await ended) as [number | null];
        return { code, durationMs: performance.now() - sentMs };
      }),
    );
  }

  /** Kills what still runs, by its process id, and removes the folder. */
  async remove(): Promise<void> {
    for (const child of this.#nodes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function run(args: readonly string[], cwd: string): Promise<CommandEnd> {
  return new Promise((resolve, reject) => {
    const options = { cwd, maxBuffer: OUTPUT_BYTES_MAX };
    execFile(process.execPath, [...args], options, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : error.code;
      if (typeof exitCode === "number") resolve({ exitCode, stdout, stderr });
      else reject(error);
    });
  });
}
