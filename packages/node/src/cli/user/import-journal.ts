import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ImportJournal } from "@consilium/client";
import { ConsiliumError } from "@consilium/crypto";
import { writeDurably } from "../../keys/index.js";
import { FileLock } from "./file-lock.js";

const FOLDER_MODE = 0o700;

/**
 * A hospital's import journals, one file per bundle and owner, so that an import that was cut off goes on. They hold no
 * key and no plaintext. One import at a time: record numbers must reach the chain in rising order.
 */
export class ImportJournalFolder implements ImportJournal {
  private constructor(
    readonly dir: string,
    private readonly lock: FileLock,
  ) {}

  /** @throws ConsiliumError `IMPORT_RUNNING` while another import uses the folder. */
  static acquire(folder: string): ImportJournalFolder {
    const dir = resolve(folder);
    mkdirSync(dir, { recursive: true, mode: FOLDER_MODE });
    return new ImportJournalFolder(
      dir,
      FileLock.acquire(join(dir, "import.lock"), (owner) => running(dir, owner)),
    );
  }

  async read(name: string): Promise<string | undefined> {
    const path = this.#pathOf(name);
    return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  }

  async write(name: string, text: string): Promise<void> {
    writeDurably(this.#pathOf(name), text);
  }

  release(): void {
    this.lock.release();
  }

  #pathOf(name: string): string {
    return join(this.dir, `${name}.json`);
  }
}

function running(dir: string, owner: number | undefined): ConsiliumError {
  const who = owner === undefined ? "Another import" : `Another import (process ${owner})`;
  return new ConsiliumError(
    "IMPORT_RUNNING",
    `${who} of this hospital runs; wait until it has ended. If none runs, remove ${join(dir, "import.lock")}.`,
    { dir, ...(owner === undefined ? {} : { owner }) },
  );
}
