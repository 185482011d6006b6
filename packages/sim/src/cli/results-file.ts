import { appendFileSync, existsSync, readFileSync } from "node:fs";
import type { Scenario } from "../scenario.js";
import type { StoredResult } from "./report.js";

/** A scenario's name in a results file: a changed scenario is another one. */
const nameOf = (scenario: Scenario): string =>
  JSON.stringify([
    scenario.seed,
    scenario.nodes,
    scenario.profile,
    scenario.drop,
    scenario.roughMs,
    scenario.totalMs,
  ]);

/** Results as JSON lines, so that a long run can be stopped at any time and taken up again. */
export class ResultsFile {
  private readonly known = new Map<string, StoredResult>();

  constructor(private readonly path: string | undefined) {
    if (path === undefined || !existsSync(path)) return;
    for (const line of readFileSync(path, "utf8").split("\n")) {
      const result = parseLine(line);
      if (result !== undefined) this.known.set(nameOf(result.scenario), result);
    }
  }

  resultOf(scenario: Scenario): StoredResult | undefined {
    return this.known.get(nameOf(scenario));
  }

  append(result: StoredResult): void {
    if (this.path !== undefined) appendFileSync(this.path, `${JSON.stringify(result)}\n`);
  }
}

/** The last line may be cut short where a run was killed. */
function parseLine(line: string): StoredResult | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
