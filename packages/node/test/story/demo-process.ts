import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { DemoReport } from "../../src/cli/demo/report.js";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));

export interface DemoEnd {
  readonly exitCode: number | null;
  readonly report: DemoReport;
  readonly output: string;
}

/** One folder of the demonstration, and runs of the real command in it. */
export class DemoFolder {
  readonly dir = mkdtempSync(join(tmpdir(), "consilium-story-"));
  #child: ChildProcess | undefined;

  /** Runs the demonstration to its end; `onLine` sees each line it prints. */
  async run(args: readonly string[] = [], onLine: (line: string) => void = () => {}): Promise<DemoEnd> {
    const jsonFile = join(this.dir, "report.json");
    const command = [
      "scripts/compiled.mjs",
      "demo",
      "--once",
      "--dir",
      this.dir,
      "--json",
      jsonFile,
      ...args,
    ];
    const child = spawn(process.execPath, command, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
    this.#child = child;
    let output = "";
    createInterface({ input: child.stdout }).on("line", (line) => {
      output += `${line}\n`;
      onLine(line);
    });
    const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
    this.#child = undefined;
    return { exitCode, output, report: JSON.parse(readFileSync(jsonFile, "utf8")) as DemoReport };
  }

  /** The process id of one hospital's node, such as "hospital-b". */
  pidOf(hospital: string): number {
    return Number(readFileSync(join(this.dir, hospital, "pid"), "utf8"));
  }

  /** Asks the running demonstration to stop, as Ctrl-C does. */
  interrupt(): void {
    this.#child?.kill("SIGTERM");
  }

  async remove(): Promise<void> {
    const child = this.#child;
    if (child !== undefined) {
      const closed = new Promise((resolve) => child.once("close", resolve));
      this.interrupt();
      await closed;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}
