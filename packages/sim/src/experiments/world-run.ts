import type { ChainDriverOptions, FinalizedBlockEvent } from "@consilium/driver";
import { ChainAnchor, type ChainParameters, type StateReader, TransactionKind } from "@consilium/protocol";
import type { LinkQuality } from "../ports/network.js";
import { START_MS } from "../ports/node-clock.js";
import { type Profile, profileNamed } from "../profiles.js";
import { type Plan, planOf } from "../scenario.js";
import type { SimulationHooks } from "../simulation.js";
import { Load } from "../world/load.js";
import type { Actor } from "../world/node.js";
import { makeWorld, type World } from "../world/world.js";

const KEEP_BUSY_MS = 100;
/** Members whose nodes have something to send at all times; more would only add transactions. */
const BUSY_MEMBERS = 4;

/** One healthy alliance on lines of one quality, for a stated simulated time. */
export interface WorldRunOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly quality: LinkQuality;
  readonly durationMs: number;
  readonly parameters?: Partial<ChainParameters>;
  readonly load?: Profile["load"];
  /** Something waits in the pools at all times, so that blocks follow each other at the chain's own pace. */
  readonly busy?: boolean;
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
  if (options.busy) keepBusy(world);
  for (const node of world.nodes) world.queue.at(0, () => node.start());
  new Load(world).start();
  await world.queue.runUntil(durationMs);
  return world;
}

function planFor({ quality, load = "steady", actors = [] }: WorldRunOptions, plan: Plan): Plan {
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

/** A driver only builds while something waits in its pool. */
function keepBusy(world: World): void {
  world.queue.after(KEEP_BUSY_MS, () => {
    for (const { sender, options } of world.nodes.slice(0, BUSY_MEMBERS)) {
      if (sender === undefined || sender.backlog > 1) continue;
      const anchor = {
        chainId: new Uint8Array(32).fill(1 + options.identity),
        height: world.queue.nowMs,
        digest: world.random.bytes(32),
      };
      sender.send(TransactionKind.chainAnchor, ChainAnchor.serialize(anchor));
    }
    keepBusy(world);
  });
}
