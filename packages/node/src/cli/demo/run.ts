import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { splitBundle } from "@consilium/client";
import { ConsiliumError } from "@consilium/crypto";
import { isAlive } from "../process-alive.js";
import { nodePorts } from "../user/sdk.js";
import { type DemoOptions, Story } from "./context.js";
import { pidFileOf, pidIn } from "./node-process.js";
import { Progress, type ProgressOutput, type StepResult } from "./progress.js";
import { type DemoReport, makeReport, summaryLines } from "./report.js";
import { DemoState } from "./state.js";
import { survive } from "./steps/crash.js";
import { startNodes, waitForFinality, watchCeremonies, writeAlliance } from "./steps/network.js";
import { enrolPeople } from "./steps/people.js";
import { importBundle } from "./steps/records.js";
import { tryForbidden } from "./steps/refusals.js";
import { shareOneType } from "./steps/sharing.js";

type Step = (story: Story, note: (text: string) => void) => Promise<StepResult>;

const STEPS: readonly (readonly [name: string, step: Step])[] = [
  ["Write genesis, configs and keystores", writeAlliance],
  ["Start four nodes", startNodes],
  ["Finality on every node", waitForFinality],
  ["Key ceremonies", watchCeremonies],
  ["Enrol patient and clinicians", enrolPeople],
  ["Import the FHIR bundle", importBundle],
  ["Ask, grant, open", shareOneType],
  ["Refuse what must not work", tryForbidden],
  ["Kill a node, open, recover", survive],
];

export interface DemoRun extends DemoOptions {
  readonly reset: boolean;
  /** Exit at the end instead of keeping the network up. */
  readonly once: boolean;
  readonly jsonFile?: string;
}

/**
 * Tells the whole story, step by step, and returns its report. Without `once` the network stays up until `interrupted`
 * resolves. Nodes are stopped in every case.
 */
export async function runDemo(
  run: DemoRun,
  output: ProgressOutput,
  interrupted: Promise<void>,
): Promise<DemoReport> {
  const options = { ...run, dir: resolve(run.dir) };
  // A bundle that cannot be read is refused before anything is started or removed.
  const bundle = splitBundle(readFileSync(options.bundleFile));
  if (run.reset) forget(options.dir);
  mkdirSync(options.dir, { recursive: true });
  const progress = new Progress(output, STEPS.length + 1);
  const story = new Story(options, await nodePorts(), new DemoState(options.dir), progress, bundle);
  let hasInterrupt = false;
  const stopped = interrupted.then(() => {
    hasInterrupt = true;
  });
  try {
    await Promise.race([tell(story), stopped]);
    const report = await conclude(story, run.jsonFile);
    if (report.ok && !run.once && !hasInterrupt) {
      story.releaseWallets();
      progress.say("\nThe network stays up; Ctrl-C stops it. Run the same command again to go on from here.");
      await stopped;
    }
    return report;
  } finally {
    await story.stop();
  }
}

/**
 * Removes the folder of an earlier demonstration.
 * @throws ConsiliumError `DEMO_NOT_A_DEMO` for a folder of anything else, `DEMO_STILL_RUNS` while its nodes live.
 */
export function forget(dir: string): void {
  if (!existsSync(dir)) return;
  const entries = readdirSync(dir);
  if (entries.length > 0 && !entries.includes("genesis.json") && !entries.includes("story.json")) {
    throw new ConsiliumError(
      "DEMO_NOT_A_DEMO",
      `${dir} holds something else than a demonstration; --reset removes nothing there. Choose another --dir.`,
    );
  }
  for (const entry of entries) {
    const pid = pidIn(join(dir, entry));
    if (pid === undefined || !isAlive(pid)) continue;
    throw new ConsiliumError(
      "DEMO_STILL_RUNS",
      `Process ${pid} still runs a node of ${dir}; end that demonstration first. If it is not one, remove ${pidFileOf(join(dir, entry))}.`,
    );
  }
  rmSync(dir, { recursive: true, force: true });
}

/** Runs the steps until one fails; its failure stands in the progress. */
async function tell(story: Story): Promise<void> {
  try {
    for (const [name, step] of STEPS) await story.progress.step(name, (note) => step(story, note));
  } catch {
    // The failed step printed its code and sentence and is part of the report.
  }
}

async function conclude(story: Story, jsonFile: string | undefined): Promise<DemoReport> {
  const { progress } = story;
  const isWhole = progress.steps.length === STEPS.length && progress.steps.every(({ ok }) => ok);
  if (isWhole) {
    await progress.step("Summary", async () => {
      const audit = await story.owner.audit();
      return { detail: `${audit.length} openings in the patient's audit trail` };
    });
  }
  const gathered = await makeReport(story);
  const report = { ...gathered, ok: gathered.ok && isWhole };
  if (isWhole) for (const line of summaryLines(story, report)) progress.say(line);
  else
    progress.say(
      "\nThe story did not finish. Logs: process.log and node.log in each member's folder; run again to go on.",
    );
  if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify(report, undefined, 2)}\n`);
  return report;
}
