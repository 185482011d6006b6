import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { NodeFiles } from "./alliance.js";
import { commandLine, type Preload } from "./command.js";

/** A node that was asked to stop must have done so by then; it promises five seconds. */
const STOP_GRACE_MS = 10_000;

export interface NodeProcessOptions {
  readonly files: NodeFiles;
  readonly wrapper: readonly string[];
  readonly preloads: readonly Preload[];
  readonly environment: Readonly<Record<string, string>>;
  /** Told when the process ends although nobody asked it to. */
  readonly onDeath: (reason: string) => void;
}

/** One node's process and what can be done to it. Knows only its own process id. */
export class NodeProcess {
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #mayEnd = false;
  #clockSkewMs = 0;

  constructor(private readonly options: NodeProcessOptions) {}

  get name(): string {
    return this.options.files.name;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    if (this.#child !== undefined) return;
    const { files, wrapper, preloads, environment } = this.options;
    this.#mayEnd = false;
    const output = openSync(join(files.dir, "process.log"), "a");
    const [program, ...args] = commandLine(["start", "--config", files.configFile], { preloads, wrapper });
    const child = spawn(program, args, {
      // The channel tells the node its clock's skew, and closes when the runner dies: the node then stops by itself.
      stdio: ["ignore", output, output, "ipc"],
      // A group of its own: Ctrl-C reaches the runner alone, which then stops the nodes.
      detached: true,
      env: { ...process.env, ...environment, CONSILIUM_E2E_CLOCK_SKEW_MS: String(this.#clockSkewMs) },
    });
    closeSync(output);
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      const ended = (reason: string) => {
        if (this.#child !== child) return;
        this.#child = undefined;
        resolve();
        if (!this.#mayEnd) this.options.onDeath(reason);
      };
      child.once("exit", (code, signal) => ended(signal ?? `exit code ${code}`));
      child.once("error", (error) => ended(error.message));
    });
  }

  /** Ends the process without warning, as a power cut would. */
  async kill(): Promise<void> {
    this.#mayEnd = true;
    this.#child?.kill("SIGKILL");
    await this.#exited;
  }

  /** Asks the process to stop, and kills it when it does not. */
  async stop(): Promise<void> {
    this.#mayEnd = true;
    const child = this.#child;
    child?.kill("SIGTERM");
    const killer = setTimeout(() => child?.kill("SIGKILL"), STOP_GRACE_MS);
    await this.#exited;
    clearTimeout(killer);
  }

  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  goOn(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Kills the process and removes what it stored; keystores, genesis and config stay. */
  async wipe(): Promise<void> {
    await this.kill();
    const { dataDir } = this.options.files;
    rmSync(dataDir, { recursive: true, force: true });
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  }

  /** Sets the clock of the running process, and of the next one. */
  skewClock(milliseconds: number): void {
    this.#clockSkewMs = milliseconds;
    if (this.#child?.connected === true) this.#child.send({ clockSkewMs: milliseconds }, () => {});
  }
}
