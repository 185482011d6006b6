import { type ChildProcess, fork } from "node:child_process";
import type { Scenario } from "../scenario.js";
import { simulate } from "../simulation.js";
import { type StoredResult, storedResult } from "./report.js";

/** Argument with which a process of this command serves as a worker. */
export const WORKER_ARGUMENT = "worker";

/**
 * Runs scenarios, in `jobs` processes when more than one is asked for, and hands each result over as it comes. Results
 * of one scenario do not depend on which process ran it or what ran there before.
 */
export async function runScenarios(
  scenarios: readonly Scenario[],
  jobs: number,
  take: (result: StoredResult) => void,
): Promise<void> {
  if (jobs <= 1 || scenarios.length <= 1) {
    for (const scenario of scenarios) take(storedResult(await simulate(scenario)));
    return;
  }
  const queue = [...scenarios];
  const count = Math.min(jobs, scenarios.length);
  await Promise.all(Array.from({ length: count }, () => runWorker(queue, take)));
}

function runWorker(queue: Scenario[], take: (result: StoredResult) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker: ChildProcess = fork(process.argv[1]!, [WORKER_ARGUMENT], { execArgv: process.execArgv });
    const next = (): void => {
      const scenario = queue.shift();
      if (scenario === undefined) worker.disconnect();
      else worker.send(scenario);
    };
    worker.on("message", (result: StoredResult) => {
      take(result);
      next();
    });
    worker.on("error", reject);
    worker.on("exit", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`A worker ended with code ${code}.`));
    });
    next();
  });
}

/** Serves the process that forked this one until it disconnects. */
export function serveAsWorker(): void {
  process.on("message", (scenario: Scenario) => {
    simulate(scenario).then(
      // Whoever asked may have gone; the result is then nobody's.
      (result) => process.send?.(storedResult(result), undefined, undefined, () => {}),
      (error: unknown) => {
        console.error(`seed ${scenario.seed}:`, error);
        process.exitCode = 1;
        process.disconnect();
      },
    );
  });
}
