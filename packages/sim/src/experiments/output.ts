import { mkdirSync, writeFileSync } from "node:fs";
import { arch, cpus, platform, release } from "node:os";
import { join } from "node:path";
import { commitOf } from "../cli/report.js";
import type { Experiment, ExperimentResult, Row } from "./experiment.js";
import { plotSvg } from "./plot.js";

export interface Provenance {
  readonly seed: number;
  readonly quick: boolean;
}

/** Writes NAME.csv, NAME.json and NAME.svg, and returns their paths. */
export function writeExperiment(
  folder: string,
  { name, about }: Pick<Experiment, "name" | "about">,
  result: ExperimentResult,
  provenance: Provenance,
): string[] {
  mkdirSync(folder, { recursive: true });
  const { parameters, assumptions, rows, panels } = result;
  const document = {
    experiment: name,
    about,
    ...provenance,
    parameters,
    assumptions,
    commit: commitOf() ?? null,
    date: new Date().toISOString(),
    machine: machineOf(),
    rows: rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([key, cell]) => [key, cell ?? null])),
    ),
  };
  const files = [
    [`${name}.csv`, csvOf(rows)],
    [`${name}.json`, `${JSON.stringify(document, undefined, 1)}\n`],
    [`${name}.svg`, plotSvg(about, panels)],
  ] as const;
  return files.map(([file, content]) => {
    const path = join(folder, file);
    writeFileSync(path, content);
    return path;
  });
}

export function machineOf(): Record<string, string | number> {
  const [first] = cpus();
  return {
    processor: first?.model.trim() ?? "unknown",
    cores: cpus().length,
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
  };
}

/** RFC 4180, with the columns of all rows in the order in which they first appear. */
export function csvOf(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cell = (value: unknown): string => {
    const text = value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column]))];
  return lines.map((line) => `${line.map(cell).join(",")}\r\n`).join("");
}
