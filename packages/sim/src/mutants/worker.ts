import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { StoredResult } from "../cli/report.js";
import { WORKER_ARGUMENT } from "../cli/workers.js";
import type { Scenario } from "../scenario.js";
import { type PlantedEdit, rootUrl } from "./source.js";

/** What one seed showed: its result, or that the process did not survive it. */
export type SeedOutcome = StoredResult | { readonly died: string };

const fileOf = (path: string): string => fileURLToPath(new URL(path, rootUrl));

/** A process of the simulator with edits planted into it, one seed at a time. */
export class MutantWorker {
  private child: ChildProcess | undefined;
  private errors = "";

  constructor(private readonly edits: readonly PlantedEdit[]) {}

  async run(scenario: Scenario): Promise<SeedOutcome> {
    this.child ??= await this.start();
    const { child } = this;
    return new Promise((resolve) => {
      const onMessage = (result: StoredResult): void => {
        child.off("exit", onExit);
        resolve(result);
      };
      const onExit = (): void => {
        child.off("message", onMessage);
        this.child = undefined;
        resolve({ died: this.errors.trim().split("\n").slice(-12).join("\n") });
      };
      child.once("message", onMessage);
      child.once("exit", onExit);
      child.send(scenario);
    });
  }

  /** Resolves once the process is gone. */
  async stop(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.disconnect();
    await gone;
  }

  private async start(): Promise<ChildProcess> {
    const flags: { typescriptFlags: string[] } = await import(
      new URL("scripts/typescript-flags.mjs", rootUrl).href
    );
    this.errors = "";
    // Before tsx: of two loaders the one that was registered first is asked last, and hands the source to the other.
    const execArgv = ["--import", new URL("plant.mjs", import.meta.url).href, ...flags.typescriptFlags];
    const child = fork(fileOf("packages/sim/src/main.ts"), [WORKER_ARGUMENT], {
      execArgv,
      env: { ...process.env, CONSILIUM_SIM_MUTANT: JSON.stringify(this.edits) },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    child.stderr!.on("data", (text: Buffer) => {
      this.errors = (this.errors + text.toString()).slice(-8_192);
    });
    return child;
  }
}
