const PLAIN_PERIOD_MS = 5_000;
const BAR_WIDTH = 30;

/** Progress on stderr: a bar that redraws itself on a terminal, elsewhere a line every few seconds. */
export class Progress {
  private done = 0;
  private failed = 0;
  private readonly startedMs = Date.now();
  private lastLineMs = Date.now();

  constructor(
    private readonly total: number,
    private readonly stream: NodeJS.WriteStream = process.stderr,
  ) {}

  step(failed: boolean): void {
    this.done += 1;
    if (failed) this.failed += 1;
    if (this.stream.isTTY) this.stream.write(`\r${this.bar()} ${this.text()}`);
    else if (Date.now() - this.lastLineMs >= PLAIN_PERIOD_MS) {
      this.lastLineMs = Date.now();
      this.stream.write(`${this.text()}\n`);
    }
  }

  end(): void {
    if (this.stream.isTTY && this.done > 0) this.stream.write("\n");
  }

  private bar(): string {
    const full = Math.round((BAR_WIDTH * this.done) / this.total);
    return `[${"#".repeat(full)}${".".repeat(BAR_WIDTH - full)}]`;
  }

  private text(): string {
    const passedS = (Date.now() - this.startedMs) / 1_000;
    const leftS = (passedS / this.done) * (this.total - this.done);
    return `${this.done}/${this.total} seeds, ${this.failed} failed, ${leftS.toFixed(0)} s left `;
  }
}
