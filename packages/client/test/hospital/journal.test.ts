import { codeOf } from "@consilium/crypto";
import { describe, expect, it } from "vitest";
import { JournalFile, memoryJournal } from "../../src/index.js";

describe("the import journal", () => {
  it("keeps the records of one bundle and one owner apart from all others", async () => {
    const journal = memoryJournal();
    const file = await JournalFile.open(journal, "bundle", "owner");
    await file.write("laboratory", { recordId: "aa", put: "bb" });
    const again = await JournalFile.open(journal, "bundle", "owner");
    expect(again.entry("laboratory")).toEqual({ recordId: "aa", put: "bb" });
    expect((await JournalFile.open(journal, "bundle", "other")).entry("laboratory")).toBeUndefined();
    expect((await JournalFile.open(journal, "other", "owner")).entry("laboratory")).toBeUndefined();
  });

  it("forgets a record that has to be sealed again", async () => {
    const journal = memoryJournal();
    const file = await JournalFile.open(journal, "bundle", "owner");
    await file.write("laboratory", { recordId: "aa", put: "bb" });
    await file.drop("laboratory");
    expect((await JournalFile.open(journal, "bundle", "owner")).entry("laboratory")).toBeUndefined();
  });

  it.each(["", "{}", "[1]", '{"version":2,"entries":{}}'])(
    "is refused when %j stands in its place",
    async (text) => {
      const journal = memoryJournal();
      await journal.write("bundle-owner", text);
      expect(await JournalFile.open(journal, "bundle", "owner").then(() => "opened", codeOf)).toBe(
        "JOURNAL_UNKNOWN",
      );
    },
  );
});
