import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "../../keys/index.js";

/** One sealed and indexed record of the import. */
export interface ImportedRecord {
  readonly type: string;
  readonly recordId: string;
  /** Length and SHA-256 of the plaintext: the container of the type's original resource bytes. */
  readonly bytes: number;
  readonly sha256: string;
}

/** One opening that gave back exactly what was imported. */
export interface OpenedRecord {
  readonly type: string;
  readonly requestId: string;
  readonly height: number;
  readonly bytes: number;
  readonly sha256: string;
  /** Proxies (from 1) whose fragments were combined, and those that were found lying. */
  readonly proxies: readonly number[];
  readonly liars: readonly number[];
  /** From the submission of access/open to the plaintext in the recipient's hands. */
  readonly ms: number;
}

/** Something that must not work, and the code with which it was refused. */
export interface Refusal {
  readonly what: string;
  readonly code: string;
}

/** Facts of finished steps, kept in the demo's folder so that another run can go on. */
export interface DemoFacts {
  bundleSha256?: string;
  imported?: readonly ImportedRecord[];
  /** The type that is shared: laboratory, or the bundle's largest type where it has none. */
  sharedType?: string;
  grantId?: string;
  opened?: OpenedRecord;
  replayedRecordId?: string;
  refused?: readonly Refusal[];
  openedDespiteLiar?: OpenedRecord;
  /** Grant of the opening while a node is down. */
  secondGrantId?: string;
  openedWhileDown?: OpenedRecord;
  caughtUpHeight?: number;
}

/** The file of facts. Every change is durable before the story goes on. */
export class DemoState {
  readonly #file: string;
  #facts: DemoFacts;

  constructor(dir: string) {
    this.#file = join(dir, "story.json");
    this.#facts = existsSync(this.#file) ? (JSON.parse(readFileSync(this.#file, "utf8")) as DemoFacts) : {};
  }

  get facts(): Readonly<DemoFacts> {
    return this.#facts;
  }

  keep(change: Partial<DemoFacts>): void {
    this.#facts = { ...this.#facts, ...change };
    writeDurably(this.#file, `${JSON.stringify(this.#facts, undefined, 2)}\n`);
  }
}
