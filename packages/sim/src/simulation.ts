import type { ChainDriverOptions } from "@consilium/driver";
import type { ChainParameters } from "@consilium/protocol";
import type { Violation } from "./checkers/findings.js";
import { planOf, type Scenario } from "./scenario.js";
import type { FaultEvent } from "./world/fault-plan.js";
import { repair, scheduleFaults } from "./world/faults.js";
import { Load } from "./world/load.js";
import { makeWorld, type World } from "./world/world.js";

/** For experiments and for tests of the tests; a plain run has none. */
export interface SimulationHooks {
  readonly parameters?: Partial<ChainParameters>;
  readonly sent?: (nowMs: number, from: number, to: number, message: Uint8Array) => void;
  readonly travelled?: (nowMs: number, from: number, to: number, sizeBytes: number) => void;
  /** Changes the options of a node's driver; tests plant bugs here. */
  readonly plant?: (options: ChainDriverOptions, index: number) => ChainDriverOptions;
  /** How much too early the disks say "synced". */
  readonly diskLieMs?: number;
  /** Called with the world before time starts. */
  readonly prepared?: (world: World) => void;
}

export interface SimulationResult {
  readonly scenario: Scenario;
  readonly profile: string;
  readonly signatures: "stand-in" | "bls";
  readonly violations: readonly Violation[];
  readonly height: number;
  readonly epoch: number;
  readonly transactions: number;
  readonly messages: number;
  readonly bytes: number;
  readonly events: number;
  readonly crashes: number;
  readonly simulatedMs: number;
  /** From healing until all honest nodes had finalized new blocks; undefined when they did not, or safety alone counts. */
  readonly healedInMs: number | undefined;
  readonly healBoundMs: number;
  readonly faults: readonly FaultEvent[];
  readonly log: Readonly<Record<string, number>>;
  /** SHA-256 of everything that was sent and finalized, in order: equal for equal scenarios. */
  readonly traceDigest: string;
  readonly traceLines: readonly string[];
}

const BLOCKS_AFTER_HEALING = 3;

/** Runs one scenario: a rough time, healing, and then the chain must make progress within the stated bound. */
export async function simulate(scenario: Scenario, hooks: SimulationHooks = {}): Promise<SimulationResult> {
  const plan = planOf(scenario);
  const world = await makeWorld(scenario, plan, hooks);
  const { queue, nodes, checkers, network, trace } = world;
  const faults = plan.faults.filter((_, place) => scenario.drop?.includes(place) !== true);
  hooks.prepared?.(world);
  scheduleFaults(world, faults);
  for (const node of nodes) queue.at(0, () => node.start());
  new Load(world).start();
  await queue.runUntil(plan.roughMs);
  const healed = await heal(world);
  await queue.runUntil(Math.max(queue.nowMs, plan.totalMs));
  return {
    scenario,
    profile: plan.profile.name,
    signatures: world.voteKeys.scheme,
    violations: checkers.findings.violations,
    height: Math.max(...nodes.map(({ index }) => checkers.heightOf(index))),
    epoch: 0,
    transactions: 0,
    messages: network.messageCount,
    bytes: network.byteCount,
    events: queue.eventCount,
    crashes: world.crashCount.value,
    simulatedMs: queue.nowMs,
    ...healed,
    faults,
    log: Object.fromEntries([...world.log].sort()),
    traceDigest: trace.digest(),
    traceLines: trace.lines,
  };
}

async function heal(world: World): Promise<{ healedInMs: number | undefined; healBoundMs: number }> {
  const { queue, nodes, checkers } = world;
  repair(world);
  const honest = nodes
    .map(({ index }) => index)
    .filter((index) => world.honest(index) && !world.gone.has(index));
  const goal = Math.max(...honest.map((index) => checkers.heightOf(index))) + BLOCKS_AFTER_HEALING;
  const healBoundMs = 30_000;
  const startMs = queue.nowMs;
  const reached = (): boolean => honest.every((index) => checkers.heightOf(index) >= goal);
  if (await queue.runUntil(startMs + healBoundMs, reached)) {
    return { healedInMs: queue.nowMs - startMs, healBoundMs };
  }
  const heights = honest.map((index) => checkers.heightOf(index)).join(", ");
  checkers.findings.report(
    "liveness",
    `no progress within ${healBoundMs} ms of healing: heights ${heights}, wanted ${goal}`,
  );
  return { healedInMs: undefined, healBoundMs };
}
