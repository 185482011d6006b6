/** The importer's journal: which records of a bundle were sealed and indexed, so that an import can go on. */
import { ConsiliumError } from "@consilium/crypto";

/** Where journals are kept, one text per bundle and owner; `write` is atomic. They hold no key and no plaintext. */
export interface ImportJournal {
  read(name: string): Promise<string | undefined>;
  write(name: string, text: string): Promise<void>;
}

export interface JournalEntry {
  readonly recordId: string;
  /** SSZ of RecordPut, hex: what is entered once its ciphertext was uploaded. */
  readonly put: string;
  readonly done?: { readonly privateHeight: number; readonly height: number };
}

interface JournalContent {
  readonly version: 1;
  readonly entries: Readonly<Record<string, JournalEntry>>;
}

/** A journal in memory: for one import without resuming, and for tests. */
export function memoryJournal(): ImportJournal {
  const texts = new Map<string, string>();
  return {
    read: async (name) => texts.get(name),
    write: async (name, text) => {
      texts.set(name, text);
    },
  };
}

/** The journal of one bundle for one owner. */
export class JournalFile {
  private constructor(
    private readonly journal: ImportJournal,
    private readonly name: string,
    private entries: Readonly<Record<string, JournalEntry>>,
  ) {}

  /** Throws `JOURNAL_UNKNOWN` when something else stands in its place. */
  static async open(journal: ImportJournal, bundleId: string, owner: string): Promise<JournalFile> {
    const name = `${bundleId}-${owner}`;
    const text = await journal.read(name);
    return new JournalFile(journal, name, text === undefined ? {} : parse(text).entries);
  }

  entry(type: string): JournalEntry | undefined {
    return this.entries[type];
  }

  async write(type: string, entry: JournalEntry): Promise<void> {
    await this.#save({ ...this.entries, [type]: entry });
  }

  async drop(type: string): Promise<void> {
    const { [type]: _dropped, ...rest } = this.entries;
    await this.#save(rest);
  }

  async #save(entries: Readonly<Record<string, JournalEntry>>): Promise<void> {
    this.entries = entries;
    const content: JournalContent = { version: 1, entries };
    await this.journal.write(this.name, JSON.stringify(content));
  }
}

function parse(text: string): JournalContent {
  try {
    const content = JSON.parse(text) as JournalContent;
    if (content.version === 1 && typeof content.entries === "object") return content;
  } catch {
    // Falls through to the refusal below.
  }
  throw new ConsiliumError(
    "JOURNAL_UNKNOWN",
    "This import journal cannot be read; remove it to import again.",
  );
}
