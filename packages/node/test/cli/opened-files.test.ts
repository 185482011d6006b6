import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { codeOf, utf8 } from "@consilium/crypto";
import { describe, expect, it } from "vitest";
import { writeOpenedRecord } from "../../src/cli/user/opened-files.js";

const RECORD_ID = "0123456789abcdef".repeat(4);
const RESOURCE = utf8('{ "resourceType": "Observation",\n "value": 1.50 }');
const freshDir = (): string => mkdtempSync(join(tmpdir(), "consilium-opened-"));
const record = (...items: Uint8Array[]) => ({
  recordId: RECORD_ID,
  type: "laboratory",
  items: items.map((bytes) => ({ fullUrl: "urn:uuid:1", bytes })),
});

describe("the files of an opened record", () => {
  it("hold each resource byte for byte, readable by their user alone", () => {
    const dir = freshDir();
    const [written] = writeOpenedRecord(dir, record(RESOURCE));
    expect(relative(dir, written!.file)).toBe("laboratory-0123456789abcdef/0001-Observation.json");
    expect(Uint8Array.from(readFileSync(written!.file))).toEqual(RESOURCE);
    expect(written!.sha256).toBe(createHash("sha256").update(RESOURCE).digest("hex"));
    expect(statSync(written!.file).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(written!.file)).mode & 0o777).toBe(0o700);
  });

  it("take no name from a resource that could lead out of the folder", () => {
    const dir = freshDir();
    const hostile = utf8('{"resourceType":"../../escape"}');
    const names = writeOpenedRecord(dir, record(hostile, utf8("not JSON"))).map(({ file }) =>
      relative(dir, file),
    );
    expect(names).toEqual([
      "laboratory-0123456789abcdef/0001-resource.json",
      "laboratory-0123456789abcdef/0002-resource.bin",
    ]);
  });

  it("stay when the same record is opened again, and are never overwritten by other content", () => {
    const dir = freshDir();
    const [first] = writeOpenedRecord(dir, record(RESOURCE));
    expect(writeOpenedRecord(dir, record(RESOURCE))).toEqual([first]);
    writeFileSync(first!.file, "edited by hand");
    let code = "";
    try {
      writeOpenedRecord(dir, record(RESOURCE));
    } catch (error) {
      code = codeOf(error);
    }
    expect(code).toBe("FILE_EXISTS");
    expect(readFileSync(first!.file, "utf8")).toBe("edited by hand");
  });
});
