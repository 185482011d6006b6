import { mkdtempSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { codeOf } from "@consilium/crypto";
import { describe, expect, it } from "vitest";
import { ImportJournalFolder } from "../../src/cli/user/import-journal.js";

const freshDir = (): string => join(mkdtempSync(join(tmpdir(), "consilium-journal-")), "imports");

describe("the folder of import journals", () => {
  it("gives back what an earlier import wrote, readable by its user alone", async () => {
    const dir = freshDir();
    const first = ImportJournalFolder.acquire(dir);
    expect(await first.read("bundle-owner")).toBeUndefined();
    await first.write("bundle-owner", "half");
    await first.write("bundle-owner", "whole");
    first.release();
    const second = ImportJournalFolder.acquire(dir);
    expect(await second.read("bundle-owner")).toBe("whole");
    expect(statSync(join(dir, "bundle-owner.json")).mode & 0o777).toBe(0o600);
    second.release();
  });

  it("lets one import run at a time", () => {
    const dir = freshDir();
    const running = ImportJournalFolder.acquire(dir);
    let code = "";
    try {
      ImportJournalFolder.acquire(dir);
    } catch (error) {
      code = codeOf(error);
    }
    expect(code).toBe("IMPORT_RUNNING");
    running.release();
    ImportJournalFolder.acquire(dir).release();
  });

  it("names the process that holds it", () => {
    const dir = freshDir();
    ImportJournalFolder.acquire(dir).release();
    writeFileSync(join(dir, "import.lock"), `${process.ppid}\n`);
    expect(() => ImportJournalFolder.acquire(dir)).toThrow(`process ${process.ppid}`);
  });
});
