import type { ChainDriverOptions } from "@consilium/driver";
import { Certificate, type ChainParameters } from "@consilium/protocol";
import type { Violation } from "./checkers/findings.js";
import { BLOCKS_AFTER_HEALING, liveBoundMs } from "./checkers/liveness.js";
import { adaptedDeltaMs } from "./inspect.js";
import { planOf, type Scenario } from "./scenario.js";
import { Churn } from "./world/churn.js";
import type { FaultEvent } from "./world/fault-plan.js";
import { keepActorsBusy, repair, scheduleFaults } from "./world/faults.js";
import { Load } from "./world/load.js";
import { makeWorld, type World } from "./world/world.js";

/** For experiments and for tests of the tests; a plain run has none. */
export interface SimulationHooks {
  readonly parameters?: Partial<ChainParameters>;
  /** Validator seats; as many as founders when absent. */
  readonly seats?: number;
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
  /** Members admitted while the chain worked. */
  readonly joined: number;
  /** Members convicted on evidence. */
  readonly convicted: number;
  /** Entries of the largest list, map or set of any driver. */
  readonly largestCollection: number;
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

/** Runs one scenario: a rough time, healing, and then the chain must make progress within the stated bound. */
export async function simulate(scenario: Scenario, hooks: SimulationHooks = {}): Promise<SimulationResult> {
  const plan = planOf(scenario);
  const world = await makeWorld(scenario, plan, hooks);
  const { queue, nodes, checkers, network, trace } = world;
  const faults = plan.faults.filter((_, place) => scenario.drop?.includes(place) !== true);
  hooks.prepared?.(world);
  scheduleFaults(world, faults);
  for (const index of world.members) queue.at(0, () => nodes[index]!.start());
  keepActorsBusy(world);
  new Load(world).start();
  const churn = new Churn(world);
  churn.start();
  await queue.runUntil(plan.roughMs);
  const healed = await heal(world);
  await queue.runUntil(Math.max(queue.nowMs, plan.totalMs));
  await judge(world);
  return {
    scenario,
    profile: plan.profile.name,
    signatures: world.voteKeys.scheme,
    violations: checkers.findings.violations,
    height: Math.max(...nodes.map(({ index }) => checkers.heightOf(index))),
    epoch: Math.max(...nodes.map(({ driver }) => driver?.status().epoch ?? 0)),
    transactions: checkers.nothingLost.transactionCount,
    joined: churn.joined,
    convicted: checkers.punishment.convicted.size,
    largestCollection: checkers.largestCollection,
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

/** Everything is repaired; from here each view takes bounded time, so a few views bound the healing. */
async function heal(world: World): Promise<{ healedInMs: number | undefined; healBoundMs: number }> {
  const { queue, nodes, checkers, profile } = world;
  for (const node of nodes) if (node.driver !== undefined) checkers.memory(node.index, node.driver);
  repair(world);
  const healing = nodes.map(({ index }) => index).filter((index) => world.counts(index));
  // Asked anew each time: members may leave meanwhile, and their machines stop.
  const honest = (): number[] => healing.filter((index) => world.counts(index));
  const goal = Math.max(...honest().map((index) => checkers.heightOf(index))) + BLOCKS_AFTER_HEALING;
  const healBoundMs = liveBoundMs({ ...world.parameters, ...widest(world) });
  const startMs = queue.nowMs;
  const reached = (): boolean => honest().every((index) => checkers.heightOf(index) >= goal);
  if (profile.overBudget) return { healedInMs: undefined, healBoundMs };
  if (await queue.runUntil(startMs + healBoundMs, reached)) {
    return { healedInMs: queue.nowMs - startMs, healBoundMs };
  }
  const heights = honest()
    .map((index) => checkers.heightOf(index))
    .join(", ");
  const sentence = `no progress within ${healBoundMs} ms of healing: heights ${heights}, wanted ${goal}`;
  checkers.findings.report("liveness", sentence);
  return { healedInMs: undefined, healBoundMs };
}

function widest({ nodes, parameters, scenario }: World): { validators: number; deltaMs: number } {
  const deltas = nodes.map(({ driver }) => (driver && adaptedDeltaMs(driver)) ?? parameters.deltaMs);
  return { validators: scenario.nodes, deltaMs: Math.max(...deltas) };
}

/** Asks every node once more for what it said, and judges the run as a whole. */
async function judge(world: World): Promise<void> {
  const { nodes, checkers } = world;
  for (const { index, driver, firstHeight } of nodes) {
    if (driver === undefined || !world.honest(index)) continue;
    checkers.memory(index, driver);
    const { height, digest } = driver.finalized();
    const proof = driver.finalization();
    if (proof !== undefined) checkers.proof(index, Certificate.serialize(proof), digest);
    const result = (id: Uint8Array) => driver.transactionResult(id);
    checkers.ask({ node: index, height, fromHeight: firstHeight, result });
  }
  await checkers.finish();
}
