import { createHash } from "node:crypto";
import { deltaMs, type EngineConfig, epochContext, type FinalizedTip, nodeIdsOf } from "@consilium/consensus";
import { presets, toEpoch, toHeight, toView } from "@consilium/protocol";
import { behaviours } from "./byzantine/index.js";
import { Checkers } from "./checkers.js";
import { SimulatedClock } from "./clock.js";
import { SimulatedDisk } from "./disk.js";
import { scheduleFaults } from "./faults.js";
import { SimulatedNetwork, type Wire } from "./network.js";
import { SimulatedNode, SYNC_TIMEOUT_MS } from "./node.js";
import { type Behaviour, type Observer, type SafetyRules, safetyRules } from "./node-parts.js";
import { calmQuality, type Profile, profileOfSeed } from "./profiles.js";
import { type SeededRandom, seededRandom } from "./random.js";
import { blsKeys, type SimulatedKeys, standInKeys } from "./signatures.js";
import { MessageCheck } from "./verification.js";

export interface SimulationOptions {
  readonly seed: number;
  readonly nodes: number;
  /** By default the one that `profileOfSeed` gives, so that seed and size alone name a run. */
  readonly profile?: Profile;
  /** Simulated milliseconds until the network heals; a run with another value than the default has no replay command. */
  readonly roughMs?: number;
  /** Tests plant bugs here. */
  readonly rules?: SafetyRules;
  /** How much too early the disks say "synced"; tests plant this. */
  readonly diskLieMs?: number;
}

export interface SimulationResult {
  readonly seed: number;
  readonly nodes: number;
  readonly profile: string;
  readonly signatures: SimulatedKeys["scheme"];
  readonly violations: readonly string[];
  readonly height: number;
  readonly view: number;
  readonly nullifyVotes: number;
  readonly faultsReported: number;
  readonly messages: number;
  /** How often each effect of the engine ran, and how many crashes there were. */
  readonly ran: Readonly<Record<string, number>>;
  readonly simulatedMs: number;
  /** From healing until all honest nodes had finalized new blocks; undefined when they did not. */
  readonly healedInMs: number | undefined;
  readonly healBoundMs: number;
  /** SHA-256 of everything that was sent and finalized, in order: equal for equal seeds. */
  readonly traceDigest: string;
}

/** The one default for tests and command line alike: a seed that failed in one must fail in the other. */
const ROUGH_MS = 12_000;
/** Time a synced write takes. */
const SYNC_MS = [0, 4] as const;
/** Every hundredth seed signs with real BLS. */
const BLS_SEED_STEP = 100;
const BLOCKS_AFTER_HEALING = 3;

/** Runs one seed: a rough time, healing, and then the chain must make progress within the stated bound. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { profile = profileOfSeed(options.seed), roughMs = ROUGH_MS } = options;
  const world = await makeWorld(options, profile);
  const { clock, nodes, checkers, network, trace } = world;
  for (const node of nodes) clock.after(0, () => node.start());
  scheduleFaults(world, profile, roughMs);
  await clock.runUntil(roughMs);
  const healed = await heal(world, profile);
  if (profile.work === "never" && checkers.nullifyVotes > 0) {
    checkers.violate(`an idle chain with all validators up nullified: ${checkers.nullifyVotes} votes`);
  }
  checkers.finish();
  const honest = nodes.filter((_, index) => world.honest(index));
  return {
    seed: options.seed,
    nodes: options.nodes,
    profile: profile.name,
    signatures: world.keys.scheme,
    violations: checkers.violations,
    height: Math.max(...nodes.map((_, index) => checkers.heightOf(index))),
    view: Math.max(...honest.map((node) => node.state.view)),
    nullifyVotes: checkers.nullifyVotes,
    faultsReported: world.faults.length,
    messages: network.sent,
    ran: Object.fromEntries([...world.ran].sort()),
    simulatedMs: clock.nowMs,
    ...healed,
    traceDigest: trace.digest("hex"),
  };
}

/** Everything is repaired; from here each view takes bounded time, so a few views bound the healing. */
async function heal(
  world: World,
  profile: Profile,
): Promise<{ healedInMs: number | undefined; healBoundMs: number }> {
  const { clock, nodes, checkers, network, config } = world;
  network.heal();
  network.quality = calmQuality;
  for (const node of nodes) if (!node.alive) clock.after(0, () => node.start());
  if (profile.work !== "never") for (const node of nodes) clock.after(1, () => node.setWork(true));
  const honest = nodes.map((_, index) => index).filter(world.honest);
  const goal = Math.max(...honest.map((index) => checkers.heightOf(index))) + BLOCKS_AFTER_HEALING;
  const healBoundMs = healBound(config, nodes, profile);
  const startMs = clock.nowMs;
  const reached = (): boolean => honest.every((index) => checkers.heightOf(index) >= goal);
  await clock.runUntil(startMs + healBoundMs, reached);
  if (reached()) return { healedInMs: clock.nowMs - startMs, healBoundMs };
  const heights = honest.map((index) => checkers.heightOf(index)).join(", ");
  checkers.violate(`no progress within ${healBoundMs} ms of healing: heights ${heights}, wanted ${goal}`);
  return { healedInMs: undefined, healBoundMs };
}

/**
 * The bound: 2f + 2 views until two honest proposers in a row (f faulty ones before, one view disturbed by what went
 * before), and one for each block wanted. A view takes at most the wait for work, 3Δ of timers and 8Δ of rebroadcast
 * pause, with the largest Δ that any node adapted to. Two heartbeats and two syncs come on top.
 */
function healBound(config: EngineConfig, nodes: readonly SimulatedNode[], profile: Profile): number {
  const faulty = Math.floor((nodes.length - 1) / 3);
  const delta = Math.max(...nodes.map((node) => deltaMs(node.state)));
  const waitMs = profile.work === "never" ? config.heartbeatMs : config.blockIntervalMs;
  const viewMs = waitMs + 11 * delta;
  return (2 * faulty + 2 + BLOCKS_AFTER_HEALING) * viewMs + 2 * config.heartbeatMs + 2 * SYNC_TIMEOUT_MS;
}

/** One simulated alliance. */
export interface World {
  readonly clock: SimulatedClock;
  readonly network: SimulatedNetwork;
  readonly nodes: readonly SimulatedNode[];
  readonly checkers: Checkers;
  readonly keys: SimulatedKeys;
  readonly config: EngineConfig;
  readonly random: SeededRandom;
  readonly trace: ReturnType<typeof createHash>;
  readonly faults: string[];
  readonly ran: Map<string, number>;
  honest(index: number): boolean;
}

async function makeWorld(options: SimulationOptions, profile: Profile): Promise<World> {
  const random = seededRandom(`${options.seed}/${options.nodes}/${profile.name}`);
  const clock = new SimulatedClock();
  const chainId = random.fork("chain").bytes(32);
  const makeKeys = options.seed % BLS_SEED_STEP === 0 ? blsKeys : standInKeys;
  const keys = await makeKeys(chainId, options.nodes, random.fork("keys"));
  const actors = profile.byzantine ? chooseActors(options.nodes, random.fork("byzantine")) : new Map();
  const honest = (index: number): boolean => !actors.has(index);
  const network = new SimulatedNetwork(clock, random.fork("network"), profile.quality);
  const genesis: FinalizedTip = {
    digest: random.fork("genesis").bytes(32),
    height: toHeight(0),
    timestampMs: 0,
    view: toView(0),
    finalization: undefined,
  };
  const checkers = new Checkers(options.nodes, honest, genesis.digest);
  const trace = createHash("sha256");
  const faults: string[] = [];
  const ran = new Map<string, number>();
  const observer = observe({ clock, checkers, trace, faults, ran });
  const epoch = epochContext(toEpoch(0), keys.set, genesis.digest, toHeight(Number.MAX_SAFE_INTEGER));
  const check = new MessageCheck(keys, chainId);
  const { deltaMs, blockIntervalMs, heartbeatMs, inactivityViews, blockPayloadBytes } = presets.devnet;
  const config = {
    chainId,
    self: "",
    deltaMs,
    blockIntervalMs,
    heartbeatMs,
    inactivityViews,
    blockPayloadBytes,
  };
  const nodes = nodeIdsOf(keys.set).map((self, index) => {
    const own = random.fork(`node ${index}`);
    return new SimulatedNode({
      index,
      config: { ...config, self },
      epoch,
      genesis,
      clock,
      network,
      disk: new SimulatedDisk(clock, own.fork("disk"), SYNC_MS, options.diskLieMs),
      keys,
      random: own.fork("work"),
      observer,
      rules: options.rules ?? safetyRules,
      behaviour: actors.get(index),
      clockSkewMs: own.between(-profile.clockSkewMs, profile.clockSkewMs),
      check,
    });
  });
  return { clock, network, nodes, checkers, keys, config, random, trace, faults, ran, honest };
}

function chooseActors(nodes: number, random: SeededRandom): Map<number, Behaviour> {
  const faulty = Math.floor((nodes - 1) / 3);
  const indices = random.shuffle(Array.from({ length: nodes }, (_, index) => index)).slice(0, faulty);
  return new Map(indices.map((index) => [index, random.pick(behaviours)]));
}

function observe(world: Pick<World, "clock" | "checkers" | "trace" | "faults" | "ran">): Observer {
  const { clock, checkers, trace, faults, ran } = world;
  return {
    ran: (_node, what) => void ran.set(what, (ran.get(what) ?? 0) + 1),
    sent(node, to, wire) {
      trace.update(`${clock.nowMs} ${node}>${to} ${describe(wire)}\n`);
      checkers.sent(node, wire);
    },
    assembled: (_node, certificate) => checkers.certificate(certificate),
    finalized(node, blocks, finalization) {
      trace
        .update(`${clock.nowMs} ${node} final ${finalization.view} ${blocks.length}\n`)
        .update(finalization.digest);
      checkers.finalized(node, blocks, finalization);
    },
    synced(node, blocks, finalization) {
      trace.update(`${clock.nowMs} ${node} synced ${finalization.view} ${blocks.length}\n`);
      checkers.finalized(node, blocks, finalization);
    },
    fault(node, { code, reason }) {
      trace.update(`${clock.nowMs} ${node} fault ${code}\n`);
      faults.push(`${node}: ${code} ${reason}`);
    },
  };
}

function describe(wire: Wire): string {
  if (wire.kind !== "engine") return wire.kind;
  const { message } = wire;
  const said =
    message.kind === "vote"
      ? message.vote
      : message.kind === "proposal"
        ? message.proposal.vote
        : message.certificate;
  return `${message.kind} ${said.kind} ${said.view} ${said.parentView} ${Buffer.from(said.digest.subarray(0, 8)).toString("hex")}`;
}
