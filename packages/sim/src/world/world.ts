import { toHex } from "@consilium/crypto";
import type { Application } from "@consilium/ledger";
import { createAllianceLedger } from "@consilium/ledger";
import { type ChainParameters, type Genesis, installFastTreeHasher } from "@consilium/protocol";
import { twin } from "../byzantine/twins.js";
import { Checkers } from "../checkers/index.js";
import { SimulatedDisk } from "../ports/disk.js";
import { EventQueue } from "../ports/event-queue.js";
import { SimulatedNetwork } from "../ports/network.js";
import type { Profile } from "../profiles.js";
import type { SeededRandom } from "../random.js";
import type { Plan, Scenario } from "../scenario.js";
import type { SimulationHooks } from "../simulation.js";
import { Trace } from "../trace.js";
import { makeGenesis, simulatedParameters } from "./genesis.js";
import { type Actor, type NodeObserver, SimulatedNode } from "./node.js";
import { installNodeSignatures, makeNodeKeys, type NodeKey } from "./node-keys.js";
import { simulatedPool } from "./pool.js";
import { blsVoteKeys, standInVoteKeys, type VoteKeys } from "./vote-keys.js";

/** Every hundredth seed signs with real BLS and memoises nothing. */
const UNMEMOISED_SEED_STEP = 100;
/** Most disks are fast; some are old. */
const FAST_SYNC_MS = [0, 3] as const;
const SLOW_SYNC_MS = [4, 25] as const;

/** One simulated alliance with everything around it. */
export interface World {
  readonly scenario: Scenario;
  readonly profile: Profile;
  readonly queue: EventQueue;
  readonly network: SimulatedNetwork;
  /** Machines: founders, then members that join later, then copies of twins. */
  readonly nodes: SimulatedNode[];
  readonly keys: readonly NodeKey[];
  readonly voteKeys: VoteKeys;
  readonly genesis: Genesis;
  readonly parameters: ChainParameters;
  /** An application of its own for whoever reads states. */
  readonly application: Application;
  readonly checkers: Checkers;
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly actors: ReadonlyMap<number, Actor>;
  /** Machines down to the end, and those that lost their folder once. */
  readonly gone: Set<number>;
  readonly wiped: Set<number>;
  readonly baseOffsetMs: readonly number[];
  readonly crashCount: { value: number };
  readonly log: LogCount;
  /** How many machines belong to the first members. */
  readonly founders: number;
  /** Machines that should run now: founders from the start, others from their admission, all until they leave. */
  readonly members: Set<number>;
  honest(index: number): boolean;
  /** Whether liveness may ask for this machine: honest, a member now, and not gone. */
  counts(index: number): boolean;
  belongs(index: number): boolean;
}

/** Members that may join a chain with churn. */
const NEWCOMERS = 3;

/** Log lines by event name, so that a run can say what it tried. */
export type LogCount = Map<string, number>;

export async function makeWorld(
  scenario: Scenario,
  { profile, random, actors: actorPlan }: Plan,
  hooks: SimulationHooks,
): Promise<World> {
  const unmemoised = scenario.seed % UNMEMOISED_SEED_STEP === 0;
  installNodeSignatures(!unmemoised);
  await installFastTreeHasher();
  const founders = scenario.nodes;
  const newcomers = profile.churn ? NEWCOMERS : 0;
  const makeVoteKeys = unmemoised ? blsVoteKeys : standInVoteKeys;
  const voteKeys = await makeVoteKeys(founders + newcomers, random.fork("vote keys"));
  const keys = makeNodeKeys(founders + newcomers, random.fork("node keys"));
  const parameters = { ...simulatedParameters, ...profile.parameters, ...hooks.parameters };
  const genesis = makeGenesis({
    ...{ founders: keys.slice(0, founders), voteKeys, seats: hooks.seats ?? scenario.nodes, parameters },
    random: random.fork("genesis"),
  });
  const application = createAllianceLedger(genesis, simulatedPool, { verifier: voteKeys.verifier });
  const identities = [...keys.keys(), ...actorPlan.twinsOf];
  const firstTwin = keys.length;
  const actors = new Map(actorPlan.actors);
  for (const [copy, original] of actorPlan.twinsOf.entries()) {
    actors.set(original, twin);
    actors.set(firstTwin + copy, twin);
  }
  const names = identities.map((identity) => keys[identity]!.name);
  const queue = new EventQueue();
  const trace = new Trace(scenario.keepTrace === true);
  const honest = (index: number): boolean => !actors.has(index);
  const checkers = new Checkers({ genesis, application, honest, names, idle: profile.load === "none" });
  await checkers.begin();
  const crashCount = { value: 0 };
  const log: LogCount = new Map();
  const observer = observe({ queue, trace, checkers, crashCount, log, honest });
  const network = new SimulatedNetwork(queue, random.fork("network"), profile.rough, {
    said(from, message) {
      if (honest(from)) checkers.sent(from, message);
    },
    sent(from, to, message) {
      trace.sent(queue.nowMs, from, to, message);
      hooks.sent?.(queue.nowMs, from, to, message);
    },
    travelled: (from, to, sizeBytes) => hooks.travelled?.(queue.nowMs, from, to, sizeBytes),
  });
  const torn = profile.torn && random.fork("torn").chance(0.5);
  const nodes = identities.map((identity, index) => {
    const own = random.fork(`node ${index}`);
    const syncMs = own.chance(0.25) ? SLOW_SYNC_MS : FAST_SYNC_MS;
    const quality = { syncMs, torn, lieMs: hooks.diskLieMs ?? 0 };
    return new SimulatedNode({
      ...{ index, identity, genesis, names, voteKeys, queue, network, observer },
      key: keys[identity]!,
      disk: new SimulatedDisk(queue, own.fork("disk"), quality),
      random: own.fork("run"),
      actor: actors.get(index),
      // Newcomers take a snapshot in half of the cases, and replay everything in the others.
      stateSync: index >= founders && own.chance(0.5),
      ...(hooks.plant === undefined ? {} : { plant: hooks.plant }),
    });
  });
  const clocks = random.fork("clock offsets");
  const baseOffsetMs = nodes.map(() => clocks.between(-profile.clockSkewMs, profile.clockSkewMs));
  for (const node of nodes) node.clockOffsetMs = baseOffsetMs[node.index]!;
  const gone = new Set<number>();
  const newcomer = (index: number): boolean => index >= founders && index < firstTwin;
  const members = new Set(nodes.map(({ index }) => index).filter((index) => !newcomer(index)));
  return {
    ...{ scenario, profile, queue, network, nodes, keys, voteKeys, genesis, parameters, application },
    ...{ checkers, random, trace, actors, baseOffsetMs, crashCount, log, honest },
    gone,
    wiped: new Set(),
    founders,
    members,
    belongs: (index) => members.has(index),
    counts: (index) => honest(index) && members.has(index) && !gone.has(index),
  };
}

function observe(world: Pick<World, "queue" | "trace" | "checkers" | "crashCount" | "log" | "honest">) {
  const { queue, trace, checkers, crashCount, log, honest } = world;
  const observer: NodeObserver = {
    started: (node) => trace.line(queue.nowMs, `${node} starts`),
    opened(node, height, digest) {
      if (honest(node)) checkers.opened(node, height, toHex(digest));
    },
    crashed(node) {
      crashCount.value += 1;
      trace.line(queue.nowMs, `${node} crashes`);
    },
    finalized(node, event, state) {
      const { height, epoch, view } = event.tip;
      trace.line(
        queue.nowMs,
        `${node} final ${height} e${epoch} v${view} ${toHex(event.tip.digest).slice(0, 10)}`,
      );
      if (honest(node)) checkers.finalized(node, event, state, queue.nowMs);
    },
    adopted(node, height) {
      trace.line(queue.nowMs, `${node} starts from a snapshot at height ${height}`);
      checkers.adopted(node, height);
    },
    evidence: (node, first, second) =>
      trace.line(
        queue.nowMs,
        `${node} has evidence against ${first.validator} e${first.epoch} v${first.view} ${first.kind}/${second.kind}`,
      ),
    peerFault: (node, peer, code) => trace.line(queue.nowMs, `${node} charges ${peer.slice(0, 8)} ${code}`),
    broken(node, sentence) {
      trace.line(queue.nowMs, `${node} ${sentence}`);
      if (honest(node)) checkers.findings.report("running", `node ${node} ${sentence}`);
    },
    logged(node, level, fields, event) {
      log.set(event, (log.get(event) ?? 0) + 1);
      if (level !== "info") trace.line(queue.nowMs, `${node} ${level} ${event} ${JSON.stringify(fields)}`);
    },
  };
  return observer;
}
