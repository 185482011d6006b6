import type { ChainDriverOptions, FinalizedBlockEvent } from "@consilium/driver";
import type { ChainParameters, StateReader } from "@consilium/protocol";
import type { LinkQuality } from "../ports/network.js";
import { START_MS } from "../ports/node-clock.js";
import { type Profile, profileNamed } from "../profiles.js";
import { type Plan, planOf } from "../scenario.js";
import type { SimulationHooks } from "../simulation.js";
import { Load } from "../world/load.js";
import type { Actor } from "../world/node.js";
import { makeWorld, type World } from "../world/world.js";

/** One healthy alliance on lines of one quality, for a stated simulated time. */
export interface WorldRunOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly quality: LinkQuality;
  readonly durationMs: number;
  readonly parameters?: Partial<ChainParameters>;
  readonly load?: Profile["load"];
  readonly actors?: readonly (readonly [machine: number, actor: Actor])[];
  readonly plant?: (options: ChainDriverOptions, index: number) => ChainDriverOptions;
  readonly travelled?: SimulationHooks["travelled"];
  readonly sent?: SimulationHooks["sent"];
  readonly seats?: number;
  /** Called once everything is made and before time starts. */
  readonly prepared?: (world: World) => void;
  /** Each block that becomes final, on each node. */
  readonly finalized?: (final: FinalOnNode) => void;
}

export interface FinalOnNode {
  readonly node: number;
  readonly nowMs: number;
  readonly event: FinalizedBlockEvent;
  /** The node's state after the block; it moves on with the node. */
  readonly state: StateReader;
  /** From the time that the block was built until it was final on this node, simulated. */
  readonly latencyMs: number;
}

/** Runs it and returns the world as it stands at the end. */
export async function runWorld(options: WorldRunOptions): Promise<World> {
  const { nodes, durationMs, parameters, plant, travelled, sent, seats } = options;
  // Every hundredth seed signs with real BLS; an experiment does not want to change with that.
  const seed = options.seed % 100 === 0 ? options.seed + 1 : options.seed;
  const hooks: SimulationHooks = {
    ...(parameters === undefined ? {} : { parameters }),
    ...(plant === undefined ? {} : { plant }),
    ...(travelled === undefined ? {} : { travelled }),
    ...(sent === undefined ? {} : { sent }),
    ...(seats === undefined ? {} : { seats }),
  };
  const scenario = { seed, nodes, profile: "calm", roughMs: durationMs, totalMs: durationMs };
  const world = await makeWorld(scenario, planFor(options, planOf(scenario)), hooks);
  if (options.finalized !== undefined) listen(world, options.finalized);
  options.prepared?.(world);
  for (const node of world.nodes) world.queue.at(0, () => node.start());
  new Load(world).start();
  await world.queue.runUntil(durationMs);
  return world;
}

function planFor({ quality, load = "none", actors = [] }: WorldRunOptions, plan: Plan): Plan {
  const calm = profileNamed("calm")!;
  const profile = { ...calm, name: "experiment", rough: quality, calm: quality, load, clockSkewMs: 0 };
  return { ...plan, profile, actors: { actors, twinsOf: [] }, faults: [] };
}

function listen(world: World, finalized: (final: FinalOnNode) => void): void {
  const observer = world.nodes[0]!.options.observer;
  const before = observer.finalized.bind(observer);
  observer.finalized = (node, event, state) => {
    before(node, event, state);
    const { nowMs } = world.queue;
    const builtMs = event.tip.timestampMs - START_MS;
    finalized({ node, nowMs, event, state, latencyMs: nowMs - builtMs });
  };
}

/** Whether the checkers found something: an experiment on a broken run would be worth nothing. */
export function requireSound(world: World): void {
  const [first] = world.checkers.findings.violations;
  if (first !== undefined) throw new Error(`The run violates ${first.invariant}: ${first.sentence}`);
}
