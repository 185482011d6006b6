import { describe, expect, it } from "vitest";
import { failureLines, runSimulator } from "../src/cli.js";
import { profileNamed } from "../src/profiles.js";
import { simulate } from "../src/simulation.js";

describe("command line", () => {
  it("prints a summary with the trace digest of a single seed", async () => {
    const lines: string[] = [];
    const code = await runSimulator(
      ["run", "--seeds", "1", "--first-seed", "7", "--nodes", "4", "--profile", "calm"],
      (line) => lines.push(line),
    );
    const { traceDigest } = await simulate({ seed: 7, nodes: 4, profile: profileNamed("calm")! });
    expect(code).toBe(0);
    expect(lines[0]).toBe("1 seeds, 0 failed");
    expect(lines.join("\n")).toContain(traceDigest);
  });

  it("prints one JSON object a seed", async () => {
    const lines: string[] = [];
    await runSimulator(["run", "--seeds", "2", "--first-seed", "7", "--nodes", "4", "--json"], (line) =>
      lines.push(line),
    );
    expect(lines.map((line) => JSON.parse(line).seed)).toEqual([7, 8]);
  });

  it("prints the command that replays a failing seed", async () => {
    const result = await simulate({ seed: 7, nodes: 4, profile: profileNamed("idle")! });
    const lines = failureLines({ ...result, violations: ["something broke"] });
    expect(lines.at(-1)?.trim()).toBe(
      "replay: pnpm sim run --seeds 1 --first-seed 7 --nodes 4 --profile idle",
    );
  });
});
