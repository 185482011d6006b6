import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConsiliumError } from "@consilium/crypto";

/** Pause before a node that died by itself is started again, and how often that is tried in a row. */
const RESTART_DELAY_MS = 2_000;
const RESTARTS_MAX = 20;
/** A node that lived this long was well: the next death begins a new row. */
const WELL_AFTER_MS = 60_000;
const STOP_GRACE_MS = 5_000;

export interface NodeProcessOptions {
  readonly name: string;
  readonly configFile: string;
  /** Folder for the process's pid file and its standard output. */
  readonly folder: string;
  /** How the command line is started: program and leading arguments, before `start --config FILE`. */
  readonly command: readonly [program: string, ...args: string[]];
  /** Told when the process ended by itself and is started again. */
  readonly onRestart?: (reason: string) => void;
}

/**
 * One hospital's node as a process of its own. A process that dies unasked is started again after a pause, as a
 * supervisor such as systemd would; if somebody else started it meanwhile, the data folder's lock refuses the second
 * one and the first goes on.
 */
export class NodeProcess {
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #restartTimer: NodeJS.Timeout | undefined;
  #restarts = 0;
  #wanted = false;

  constructor(readonly options: NodeProcessOptions) {}

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    this.#wanted = true;
    clearTimeout(this.#restartTimer);
    if (this.#child) return;
    const { command, configFile, folder } = this.options;
    const output = openSync(join(folder, "process.log"), "a");
    const child = spawn(command[0], [...command.slice(1), "start", "--config", configFile], {
      // The channel carries nothing: it closes when the demo dies, and the node then stops by itself.
      stdio: ["ignore", output, output, "ipc"],
      // A group of its own: Ctrl-C reaches the demo alone, which then stops the nodes in order.
      detached: true,
    });
    closeSync(output);
    this.#child = child;
    if (child.pid !== undefined) writeFileSync(pidFileOf(folder), `${child.pid}\n`);
    const startedMs = Date.now();
    this.#exited = new Promise((resolve) => {
      const ended = (reason: string) => {
        if (this.#child === child) this.#child = undefined;
        if (pidIn(folder) === child.pid) rmSync(pidFileOf(folder), { force: true });
        if (Date.now() - startedMs > WELL_AFTER_MS) this.#restarts = 0;
        resolve();
        this.#startAgain(reason);
      };
      child.once("exit", (code, signal) => ended(signal ?? `code ${code}`));
      child.once("error", (error) => ended(error.message));
    });
  }

  /** Kills without warning, as a power cut would; the process is not started again by itself. */
  async killHard(): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#restartTimer);
    this.#child?.kill("SIGKILL");
    await this.#exited;
  }

  /** Asks the process to stop and, after a grace period, kills it. */
  async stop(): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#restartTimer);
    const child = this.#child;
    if (!child) return;
    child.kill("SIGTERM");
    const killer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
    await this.#exited;
    clearTimeout(killer);
  }

  #startAgain(reason: string): void {
    if (!this.#wanted) return;
    this.#restarts += 1;
    if (this.#restarts > RESTARTS_MAX) {
      this.#wanted = false;
      this.options.onRestart?.(`ended ${RESTARTS_MAX} times (${reason}); it stays down`);
      return;
    }
    this.options.onRestart?.(`ended (${reason}); starting it again`);
    this.#restartTimer = setTimeout(() => this.start(), RESTART_DELAY_MS);
  }
}

/** Where the process id of a member's node stands while it runs. */
export const pidFileOf = (folder: string): string => join(folder, "pid");

/** The process id that a member's folder names, or undefined. */
export function pidIn(folder: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFileOf(folder), "utf8"));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Polls until `probe` gives a value. Errors count as "not yet"; the last one is named when time runs out.
 * @throws ConsiliumError `DEMO_TIMEOUT`
 */
export async function until<Value>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<Value | undefined>,
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  let last = "";
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined) return value;
    } catch (error) {
      last = error instanceof Error ? ` (last: ${error.message})` : "";
    }
    if (Date.now() > deadline) {
      throw new ConsiliumError(
        "DEMO_TIMEOUT",
        `${what} did not happen within ${timeoutMs / 1_000} s${last}; see the nodes' logs`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
