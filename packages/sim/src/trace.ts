import { createHash } from "node:crypto";
import { readMessage, type SeenMessage, type SeenSubject } from "./checkers/wire.js";

const HASHED_AT_ONCE = 32_768;
const KINDS = ["?", "notarize", "nullify", "finalize"];

/** Everything that happened, a line each, hashed; the text itself is kept only when somebody wants to read it. */
export class Trace {
  private readonly hash = createHash("sha256");
  private pending = "";
  private readonly described = new WeakMap<Uint8Array, string>();
  /** The lines so far, when kept. */
  readonly lines: string[] = [];

  constructor(private readonly keep: boolean) {}

  line(timeMs: number, text: string): void {
    const line = `${timeMs} ${text}\n`;
    if (this.keep) this.lines.push(line);
    this.pending += line;
    if (this.pending.length < HASHED_AT_ONCE) return;
    this.hash.update(this.pending);
    this.pending = "";
  }

  sent(timeMs: number, from: number, to: number, message: Uint8Array): void {
    let text = this.described.get(message);
    if (text === undefined) {
      text = describe(readMessage(message));
      this.described.set(message, text);
    }
    this.line(timeMs, `${from}>${to} ${text}`);
  }

  /** SHA-256 of all lines, in hex. */
  digest(): string {
    return this.hash.copy().update(this.pending).digest("hex");
  }
}

function describe(message: SeenMessage | undefined): string {
  if (message === undefined) return "garbage";
  if (message.kind === "vote") return `vote ${subject(message.vote)} by ${message.vote.validator}`;
  if (message.kind === "certificate")
    return `certificate ${subject(message.certificate)} of ${message.certificate.signers.join(",")}`;
  const { header, vote, parent, nullifications } = message;
  const carried = `parent ${parent === undefined ? "none" : subject(parent)}, ${nullifications.length} nullifications`;
  return `proposal ${subject(vote)} by ${vote.validator} height ${header.height}, ${carried}`;
}

const subject = ({ kind, epoch, view, parentView, digest }: SeenSubject): string =>
  kind === 2
    ? `nullify e${epoch} v${view}`
    : `${KINDS[kind] ?? kind} e${epoch} v${view} on v${parentView} ${digest.slice(0, 10)}`;
