import { execFileSync } from "node:child_process";
import type { SimulationResult } from "../simulation.js";
import { replayCommand } from "./options.js";

/** A result as it is appended to a file: everything but the trace and the plan. */
export type StoredResult = Omit<SimulationResult, "traceLines" | "faults" | "log">;

export function storedResult(result: SimulationResult): StoredResult {
  const { traceLines: _lines, faults: _faults, log: _log, ...stored } = result;
  return stored;
}

/** The commit of the checkout, where git is there to ask. */
export function commitOf(): string | undefined {
  try {
    return execFileSync("git", ["rev-parse", "--short=12", "HEAD"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return undefined;
  }
}

/** What a failing seed prints: what was found, the commit, and the command that replays it. */
export function failureLines(result: StoredResult, commit: string | undefined): string[] {
  const { scenario, profile, violations } = result;
  return [
    `seed ${scenario.seed} FAILED (${scenario.nodes} nodes, profile ${profile}, commit ${commit ?? "unknown"}):`,
    ...violations.map(({ invariant, sentence }) => `  ${invariant}: ${sentence}`),
    `  replay: ${replayCommand(scenario, profile)}`,
  ];
}

const COLUMNS = ["profile", "seeds", "failed", "blocks", "epochs", "median ms", "worst ms"] as const;

/** One row a profile, and a last one of all. */
export function summaryLines(results: readonly StoredResult[]): string[] {
  const names = [...new Set(results.map(({ profile }) => profile))].sort();
  const rows = names.map((name) =>
    rowOf(
      name,
      results.filter(({ profile }) => profile === name),
    ),
  );
  if (names.length > 1) rows.push(rowOf("all", results));
  const widths = COLUMNS.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]!.length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join("  ");
  const simulatedS = results.reduce((sum, each) => sum + each.simulatedMs, 0) / 1_000;
  const real = results.filter(({ signatures }) => signatures === "bls").length;
  return [
    line(COLUMNS),
    ...rows.map(line),
    `${simulatedS.toFixed(0)} simulated seconds; ${real} of ${results.length} seeds with real BLS and nothing memoised`,
    "median and worst ms: from healing until every honest node had finalized new blocks",
  ];
}

function rowOf(name: string, results: readonly StoredResult[]): string[] {
  const healed = results.flatMap(({ healedInMs }) => (healedInMs === undefined ? [] : [healedInMs]));
  healed.sort((left, right) => left - right);
  const failed = results.filter(({ violations }) => violations.length > 0).length;
  const sum = (of: (result: StoredResult) => number): string =>
    String(results.reduce((total, each) => total + of(each), 0));
  return [
    name,
    String(results.length),
    String(failed),
    sum(({ height }) => height),
    sum(({ epoch }) => epoch + 1),
    String(healed[healed.length >> 1] ?? "-"),
    String(healed.at(-1) ?? "-"),
  ];
}
