import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runSimulator } from "../src/cli/index.js";
import { failureLines, type StoredResult, storedResult } from "../src/cli/report.js";
import { shrink } from "../src/cli/shrink.js";
import { simulate } from "../src/simulation.js";

const folder = mkdtempSync(join(tmpdir(), "consilium-sim-"));
afterAll(() => rmSync(folder, { recursive: true }));

const SHORT = ["--rough-ms", "4000", "--total-ms", "4500"];
const SEED_7 = { seed: 7, nodes: 4, profile: "calm", roughMs: 4_000, totalMs: 4_500 };

async function printed(...args: string[]): Promise<string[]> {
  const lines: string[] = [];
  const code = await runSimulator(args, (line) => lines.push(line));
  expect(code).toBe(0);
  return lines;
}

describe("command line", () => {
  it("prints a summary with the trace digest of a single seed", async () => {
    const lines = await printed("run", "--seeds", "1", "--first-seed", "7", "--profile", "calm", ...SHORT);
    const { traceDigest } = await simulate(SEED_7);
    expect(lines[0]).toBe("1 seeds, 0 failed");
    expect(lines[1]).toBe(`trace digest ${traceDigest}`);
    expect(lines.find((line) => line.startsWith("calm"))).toMatch(/^calm +1 +0 /);
  });

  it("prints one JSON object a seed", async () => {
    const lines = await printed("run", "--seeds", "2", "--first-seed", "7", "--json", ...SHORT);
    expect(lines.map((line) => JSON.parse(line).scenario.seed)).toEqual([7, 8]);
  });

  it("appends results to a file and does not run again what it holds, a cut last line apart", async () => {
    const file = join(folder, "results.jsonl");
    const args = ["run", "--first-seed", "7", "--profile", "calm", "--append", file, ...SHORT];
    await printed(...args, "--seeds", "1");
    const { appendFileSync } = await import("node:fs");
    appendFileSync(file, '{"scenario":{"se\n');
    const lines = await printed(...args, "--seeds", "2", "--json");
    expect(lines).toHaveLength(2);
    const kept = readFileSync(file, "utf8").trim().split("\n");
    expect(kept).toHaveLength(3);
    expect(JSON.parse(kept[2]!).scenario.seed).toBe(8);
  });

  it("writes what happened as text", async () => {
    const file = join(folder, "trace.txt");
    await printed("run", "--seeds", "1", "--first-seed", "7", "--profile", "calm", "--trace", file, ...SHORT);
    const text = readFileSync(file, "utf8");
    expect(text).toMatch(/^\d+ \d>\d vote notarize e0 v1 on v0 [0-9a-f]{10} by \d$/m);
    expect(text).toMatch(/^\d+ \d final 1 e0 v1 /m);
  });

  it("prints, with a failure, a command that runs that seed again", async () => {
    const stored = storedResult(await simulate(SEED_7));
    const broken: StoredResult = { ...stored, violations: [{ invariant: "liveness", sentence: "it stood" }] };
    const lines = failureLines(broken, "0123456789ab");
    expect(lines[0]).toContain("commit 0123456789ab");
    const command = lines.at(-1)!.split("pnpm sim ")[1]!;
    const replayed = await printed(...command.split(" "), "--json");
    expect(JSON.parse(replayed[0]!).traceDigest).toBe(stored.traceDigest);
  });

  it("says that a seed which does not fail cannot be shrunk", async () => {
    expect(await shrink(SEED_7, () => {})).toBeUndefined();
    expect(await printed("shrink", "--seed", "7", "--profile", "calm", ...SHORT)).toEqual([
      "seed 7 does not fail",
    ]);
  });
});
