import { codeOf } from "@consilium/crypto";

/** What one finished step leaves in the report. */
export interface StepReport {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  /** True when an earlier run had finished it and this one only verified that it still holds. */
  readonly resumed: boolean;
  readonly detail?: string;
  readonly code?: string;
}

/** Where progress lines go; a terminal gets a line that rewrites itself, a pipe gets whole lines. */
export interface ProgressOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** Prints numbered progress lines with a timing each, and keeps what they reported. */
export class Progress {
  readonly steps: StepReport[] = [];
  readonly #now: () => number;

  constructor(
    private readonly output: ProgressOutput,
    private readonly total: number,
    now: () => number = () => performance.now(),
  ) {
    this.#now = now;
  }

  /**
   * Runs one step. `work` may call `note` any number of times while it waits; its result's `detail` ends the line.
   * A failure is printed with its code, recorded and thrown on.
   */
  async step<Result extends StepResult>(
    name: string,
    work: (note: (text: string) => void) => Promise<Result>,
  ): Promise<Result> {
    const number = `[${String(this.steps.length + 1).padStart(2)}/${this.total}]`;
    const started = this.#now();
    const note = (text: string) => this.#live(`${number} ${name} … ${text}`);
    note("");
    try {
      const result = await work(note);
      const ms = Math.round(this.#now() - started);
      this.steps.push({
        name,
        ok: true,
        ms,
        resumed: result.resumed ?? false,
        ...(result.detail && { detail: result.detail }),
      });
      const resumed = result.resumed ? " (already done, verified)" : "";
      this.#final(`${number} ✓ ${name}${resumed}: ${result.detail ?? "ok"}  (${seconds(ms)})`);
      return result;
    } catch (error) {
      const ms = Math.round(this.#now() - started);
      const sentence = error instanceof Error ? error.message : String(error);
      this.steps.push({ name, ok: false, ms, resumed: false, detail: sentence, code: codeOf(error) });
      this.#final(`${number} ✗ ${name}: ${codeOf(error)}: ${sentence}  (${seconds(ms)})`);
      throw error;
    }
  }

  /** A line of its own between steps. */
  say(text: string): void {
    this.#final(text);
  }

  #live(text: string): void {
    if (this.output.isTTY) this.output.write(`\r\u001b[2K${text}`);
  }

  #final(text: string): void {
    this.output.write(this.output.isTTY ? `\r\u001b[2K${text}\n` : `${text}\n`);
  }
}

export interface StepResult {
  readonly detail?: string;
  readonly resumed?: boolean;
}

const seconds = (ms: number): string => (ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`);
