import { existsSync } from "node:fs";
import { relative } from "node:path";
import { parseArgs } from "node:util";
import { type Curve, loadCurve } from "../src/curve/index.js";
import type { CurveBackend } from "../src/index.js";
import { type KatFile, type KatResult, listKatFiles, readKatFile, runKatCase } from "./runner.js";

/** `pnpm kat [--backend mcl|noble|both] [--json] FILE|FOLDER…`: runs known answers through the public interface. */

interface Report {
  readonly file: string;
  readonly case: string;
  readonly backend: string;
  readonly outcome: KatResult["outcome"];
  readonly detail: string;
}

interface Totals {
  passed: number;
  failed: number;
  unsupported: number;
}

const USAGE = `Usage: pnpm kat [--backend mcl|noble|both] [--json] FILE|FOLDER…

Runs files of known answers through the public interface, on both curve backends unless --backend names one.
--json prints one JSON object with totals and every case that did not pass.
Example: pnpm kat packages/crypto/vectors
Exit codes: 0 all passed; 1 a case failed or an operation is unsupported; 2 wrong usage.`;

async function loadBackends(choice: string): Promise<Curve[]> {
  const names: CurveBackend[] = choice === "both" ? ["mcl", "noble"] : [choice as CurveBackend];
  return Promise.all(names.map((name) => loadCurve({ backend: name })));
}

/** Runs a file; a case counts once, and passes when it passes on every backend. */
async function runFile(
  path: string,
  file: KatFile,
  curves: readonly Curve[],
  totals: Totals,
): Promise<Report[]> {
  const reports: Report[] = [];
  for (const testCase of file.cases) {
    let worst: KatResult["outcome"] = "passed";
    for (const curve of curves) {
      const { outcome, detail = "" } = await runKatCase(curve, file.op, testCase);
      if (outcome === "passed") continue;
      worst = outcome;
      reports.push({ file: path, case: testCase.name, backend: curve.name, outcome, detail });
      if (outcome === "unsupported") break;
    }
    totals[worst] += 1;
  }
  return reports;
}

async function runAll(paths: readonly string[], curves: readonly Curve[]) {
  const totals: Totals = { passed: 0, failed: 0, unsupported: 0 };
  const reports: Report[] = [];
  for (const path of listKatFiles(paths)) {
    const name = relative(process.cwd(), path);
    const file = readKatFile(path);
    if (typeof file === "string") {
      totals.unsupported += 1;
      reports.push({ file: name, case: "-", backend: "-", outcome: "unsupported", detail: file });
      continue;
    }
    reports.push(...(await runFile(name, file, curves, totals)));
  }
  return { totals, reports };
}

function parseOptions() {
  return parseArgs({
    allowPositionals: true,
    options: {
      backend: { type: "string", default: "both" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
}

async function main(): Promise<number> {
  let parsed: ReturnType<typeof parseOptions>;
  try {
    parsed = parseOptions();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
  const { values, positionals } = parsed;
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const paths = positionals.filter((path) => path !== "--");
  if (paths.length === 0 || !["mcl", "noble", "both"].includes(values.backend)) {
    console.error(USAGE);
    return 2;
  }
  const missing = paths.find((path) => !existsSync(path));
  if (missing !== undefined) {
    console.error(`There is no file or folder ${missing}.\n${USAGE}`);
    return 2;
  }
  const { totals, reports } = await runAll(paths, await loadBackends(values.backend));
  if (values.json) {
    console.log(JSON.stringify({ ...totals, reports }, undefined, 2));
  } else {
    for (const report of reports) {
      console.log(`${report.outcome} ${report.file} "${report.case}" on ${report.backend}: ${report.detail}`);
    }
    console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.unsupported} unsupported`);
  }
  return totals.failed + totals.unsupported === 0 ? 0 : 1;
}

process.exitCode = await main();
