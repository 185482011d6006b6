import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runCommand } from "../src/cli/program.js";
import { loadManifest } from "../src/manifest/load.js";
import { randomManifest } from "../src/manifest/random.js";

let dir: string;
let printed: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "consilium-e2e-command-"));
  printed = "";
  const keep = (text: string | Uint8Array) => {
    printed += String(text);
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(keep);
  vi.spyOn(process.stderr, "write").mockImplementation(keep);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true, force: true });
});

describe("the command line", () => {
  it("writes the manifest that its seed draws", async () => {
    const file = join(dir, "a.yml");
    expect(await runCommand(["generate", "--seed", "7", "--minutes", "2", "--out", file])).toBe(0);
    expect(readFileSync(file, "utf8")).toContain("docs/e2e.md");
    expect(loadManifest(file)).toEqual(randomManifest({ seed: 7, durationSeconds: 120 }));
  });

  it("prints the plan and runs nothing when asked so", async () => {
    const file = join(dir, "a.yml");
    const act = "{ act: kill, at: 5, for: 2, nodes: [validator-2] }";
    writeFileSync(file, `name: a\nvalidators: 4\ndurationSeconds: 10\nperturbations:\n  - ${act}\n`);
    expect(await runCommand([file, "--plan"])).toBe(0);
    expect(printed).toMatch(/5\.0 s {2}begin {2}kill validator-2\n +7\.0 s {2}end {4}kill validator-2/);
  });

  it("ends with 2 and a code when the manifest cannot be used, or nothing was asked", async () => {
    expect(await runCommand([join(dir, "none.yml"), "--json"])).toBe(2);
    expect(JSON.parse(printed)).toMatchObject({ error: { code: "MANIFEST_NOT_FOUND" } });
    expect(await runCommand([])).toBe(2);
    expect(await runCommand(["run-random", "--seed", "x"])).toBe(2);
  });
});
