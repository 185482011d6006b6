import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { forget } from "../../src/cli/demo/run.js";

const folderWith = (...files: readonly string[]): string => {
  const dir = mkdtempSync(join(tmpdir(), "consilium-reset-"));
  for (const file of files) {
    mkdirSync(join(dir, file, ".."), { recursive: true });
    writeFileSync(join(dir, file), "x");
  }
  return dir;
};

const refusal = (code: string) => expect.objectContaining({ code });

describe("starting a demonstration over", () => {
  it("removes the folder of an earlier one", () => {
    const dir = folderWith("genesis.json", "hospital-a/node.log");
    forget(dir);
    expect(existsSync(dir)).toBe(false);
  });

  it("touches no folder of anything else", () => {
    const dir = folderWith("thesis.txt");
    expect(() => forget(dir)).toThrowError(refusal("DEMO_NOT_A_DEMO"));
    expect(existsSync(join(dir, "thesis.txt"))).toBe(true);
  });

  it("waits until the nodes of the folder have ended", () => {
    const dir = folderWith("genesis.json", "hospital-a/pid");
    writeFileSync(join(dir, "hospital-a", "pid"), `${process.pid}\n`);
    expect(() => forget(dir)).toThrowError(refusal("DEMO_STILL_RUNS"));
    expect(existsSync(join(dir, "genesis.json"))).toBe(true);
  });

  it("has nothing to do where there is no folder", () => {
    const dir = join(folderWith(), "none");
    forget(dir);
    expect(existsSync(dir)).toBe(false);
  });
});
