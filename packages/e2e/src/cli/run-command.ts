import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Manifest } from "../manifest/schema.js";
import { describeStep, planOf } from "../plan/plan.js";
import { reportLines } from "../report.js";
import { runManifest } from "../run.js";
import { isInner, placementInside, runInNamespaces } from "./inside-namespaces.js";

export interface RunFlags {
  readonly json?: true;
  readonly keep?: string;
  readonly plan?: true;
  readonly netns?: true;
}

export const ExitCode = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/**
 * Prints the plan, runs the manifest and prints its report. The run's folder stays when it was asked for, and when
 * something did not hold.
 */
export async function run(manifest: Manifest, flags: RunFlags, args: readonly string[]): Promise<number> {
  const say = (line: string) => void (flags.json ? process.stderr : process.stdout).write(`${line}\n`);
  if (flags.netns && !flags.plan && !isInner()) {
    const exitCode = await runInNamespaces(manifest, args, say);
    if (exitCode !== undefined) return exitCode;
  }
  say(
    `plan of ${manifest.name}, seed ${manifest.seed}: ${manifest.validators} validators, ${manifest.fullNodes} full nodes, ${manifest.durationSeconds} s`,
  );
  for (const step of planOf(manifest)) say(describeStep(step));
  if (flags.plan) return ExitCode.ok;
  const dir = flags.keep === undefined ? mkdtempSync(join(tmpdir(), "consilium-e2e-")) : resolve(flags.keep);
  const interruption = interrupted();
  let isKept = true;
  try {
    const placement = await placementInside(manifest, say);
    const report = await runManifest(manifest, {
      ...{ dir, say, signal: interruption.signal },
      ...(placement === undefined ? {} : { placement }),
    });
    isKept = flags.keep !== undefined || !report.ok;
    if (flags.json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
    else for (const line of reportLines(report)) say(line);
    return report.isInterrupted ? ExitCode.interrupted : report.ok ? ExitCode.ok : ExitCode.failed;
  } finally {
    interruption.stop();
    if (isKept) say(`logs and data: ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  }
}

/** Aborts at the first Ctrl-C or SIGTERM; the nodes are then stopped in order. A second Ctrl-C ends the runner at once. */
function interrupted(): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(ExitCode.interrupted);
    controller.abort();
  };
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, onSignal);
  return {
    signal: controller.signal,
    stop: () => {
      for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, onSignal);
    },
  };
}
