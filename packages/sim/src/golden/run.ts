import { toHex } from "@consilium/crypto";
import { queries } from "@consilium/ledger";
import {
  ChainAnchor,
  MemberPropose,
  ProposalAction,
  TransactionKind,
  type Transport,
} from "@consilium/protocol";
import { actors } from "../byzantine/index.js";
import { meddle } from "../byzantine/tools.js";
import { readMessage, type SeenMessage } from "../checkers/wire.js";
import { profileNamed } from "../profiles.js";
import { type Plan, planOf } from "../scenario.js";
import { standInPossession } from "../world/pool.js";
import { makeWorld, type World } from "../world/world.js";
import { type Act, type Loss, parseScript, type Script } from "./script.js";
import { Story } from "./story.js";

const SEED = 1;
/** Every disk takes as long: what differs between nodes is what the script says. */
const SYNC_MS = [1, 1] as const;
const GRACE_MS = 2_000;

/** Runs a script and tells what happened, a line each. The same script and code give the same lines. */
export async function runScript(text: string): Promise<string[]> {
  const script = parseScript(text);
  const story = new Story({ votes: script.showVotes, facts: script.showFacts });
  const world = await prepare(script, story);
  for (const { atMs, act } of script.acts) world.queue.at(atMs, () => perform(world, act, story));
  for (const index of world.members) world.queue.at(0, () => world.nodes[index]!.start());
  await world.queue.runUntil(script.untilMs);
  await world.checkers.finish();
  return [`# ${script.about}`, ...story.lines(), "", ...ending(world)];
}

async function prepare(script: Script, story: Story): Promise<World> {
  const { nodes, epochLengthHeights, blockIntervalMs, untilMs } = script;
  const parameters = { epochLengthHeights, blockIntervalMs, deltaMs: 400, heartbeatMs: 2_000 };
  const bases = { seed: SEED, nodes, profile: "calm", roughMs: untilMs, totalMs: untilMs + GRACE_MS };
  let made: World | undefined;
  const world = await makeWorld(bases, planFor(script, planOf(bases)), {
    parameters,
    plant: (options, index) => ({
      ...options,
      transport: shaped(options.transport, index, script, () => made!),
    }),
    sent(nowMs, from, _to, message) {
      story.sent(nowMs, from, message);
      if (made !== undefined) pullTriggers(made, script, from, message, story);
    },
  });
  made = world;
  for (const { disk } of world.nodes) Object.assign(disk.quality, { syncMs: SYNC_MS });
  listen(world, story);
  return world;
}

function planFor(script: Script, plan: Plan): Plan {
  const quality = { delayMedianMs: script.delayMs, delaySigma: 0, loss: 0, duplication: 0 };
  const profile = {
    ...profileNamed("calm")!,
    ...{ name: "golden", rough: quality, calm: quality, clockSkewMs: 0, churn: script.newcomers },
  };
  const chosen = script.actors.map(
    ([machine, name]) => [machine, actors.find((actor) => actor.name === name)!] as const,
  );
  return { ...plan, profile, actors: { actors: chosen, twinsOf: [] }, faults: [] };
}

/** What a script loses or delays, on the way out of a node. */
function shaped(transport: Transport, index: number, script: Script, world: () => World): Transport {
  const { losses, late } = script;
  const byMs = late.find(([machine]) => machine === index)?.[1] ?? 0;
  const lost = (message: Uint8Array): boolean => {
    const seen = readMessage(message);
    const { nowMs } = world().queue;
    return seen !== undefined && losses.some((loss) => nowMs < loss.untilMs && matches(seen, loss));
  };
  return meddle(transport, {
    send(to, message) {
      if (lost(message)) return [];
      if (byMs === 0) return [message];
      world().queue.after(byMs, () => transport.send(to, message));
      return [];
    },
  });
}

const VOTE_KINDS = ["", "notarize", "nullify", "finalize"];
const CERTIFICATE_KINDS = ["", "notarization", "nullification", "finalization"];

function matches(seen: SeenMessage, { what, epoch, view }: Loss): boolean {
  const subject = seen.kind === "certificate" ? seen.certificate : seen.vote;
  if (subject.epoch !== epoch || subject.view !== view) return false;
  if (seen.kind === "proposal") return what === "proposal";
  return what === (seen.kind === "vote" ? VOTE_KINDS : CERTIFICATE_KINDS)[subject.kind];
}

const pulled = new WeakMap<World, Set<number>>();

/** A node crashes with its vote on the wire: not before, so the vote is out and recorded. */
function pullTriggers(
  world: World,
  { triggers }: Script,
  from: number,
  message: Uint8Array,
  story: Story,
): void {
  const done = pulled.get(world) ?? new Set<number>();
  pulled.set(world, done);
  const seen = readMessage(message);
  for (const [place, { node, vote, forMs }] of triggers.entries()) {
    if (done.has(place) || node !== from || seen === undefined || !matches(seen, vote)) continue;
    done.add(place);
    world.queue.after(0, () => perform(world, { kind: "crash", nodes: [node], forMs }, story));
  }
}

function listen(world: World, story: Story): void {
  const { queue } = world;
  const observer = world.nodes[0]!.options.observer;
  const before = { ...observer };
  let epoch = -1;
  observer.started = (node) => {
    before.started(node);
    story.restarted(node);
    story.add(queue.nowMs, [node], "starts");
  };
  observer.crashed = (node) => {
    before.crashed(node);
    story.add(queue.nowMs, [node], "is down");
  };
  observer.finalized = (node, event, state) => {
    before.finalized(node, event, state);
    story.final(queue.nowMs, node, event);
    if (event.tip.epoch <= epoch) return;
    epoch = event.tip.epoch;
    story.add(
      queue.nowMs,
      [],
      `epoch ${epoch} begins; seats now ${seats(world, state, epoch)}, next ${seats(world, state, epoch + 1)}`,
    );
  };
  observer.adopted = (node, height) => {
    before.adopted(node, height);
    story.add(queue.nowMs, [node], `takes the state after block ${height} from a snapshot`);
  };
  observer.evidence = (node, first, second) => {
    before.evidence(node, first, second);
    story.add(
      queue.nowMs,
      [node],
      `has evidence: validator ${first.validator} voted twice in view ${first.epoch}.${first.view}`,
    );
  };
  observer.broken = (node, sentence) => {
    before.broken(node, sentence);
    story.add(queue.nowMs, [node], sentence);
  };
  observer.logged = (node, level, fields, event) => {
    before.logged(node, level, fields, event);
    if (event === "range sync ended")
      story.add(queue.nowMs, [node], `has caught up to block ${(fields as { height?: number }).height}`);
    if (event === "catching up" && "targetEpoch" in fields)
      story.add(queue.nowMs, [node], "starts to catch up");
  };
}

function perform(world: World, act: Act, story: Story): void {
  const { network, nodes, queue } = world;
  const say = (text: string): void => story.add(queue.nowMs, [], `* ${text}`);
  switch (act.kind) {
    case "cut":
      say(`lines between ${act.left.join(",")} and ${act.right.join(",")} are cut`);
      network.cut(act.left, act.right, false);
      return;
    case "heal":
      say("lines are mended");
      network.heal();
      return;
    case "crash":
    case "wipe":
      say(`${act.kind} of ${act.nodes.join(",")} for ${act.forMs} ms`);
      for (const index of act.nodes) {
        const node = nodes[index]!;
        node.crash();
        if (act.kind === "wipe") {
          node.disk.wipe();
          node.hasVoted = true;
        }
        queue.after(act.forMs, () => node.start());
      }
      return;
    case "send":
      for (const index of act.nodes) anchor(world, index);
      return;
    case "start":
      for (const index of act.nodes) {
        world.members.add(index);
        nodes[index]!.start();
      }
      return;
    default:
      say(`${act.by} proposes to ${act.kind} ${act.node}`);
      propose(world, act);
  }
}

function anchor(world: World, index: number): void {
  const { sender, options } = world.nodes[index]!;
  const chainId = new Uint8Array(32).fill(1 + options.identity);
  const height = world.queue.nowMs + 1;
  sender?.send(TransactionKind.chainAnchor, ChainAnchor.serialize({ chainId, height, digest: chainId }));
}

function propose(world: World, { kind, node, by }: Extract<Act, { kind: "admit" | "expel" }>): void {
  const { nodes, voteKeys, random, keys } = world;
  const nothing = { subject: new Uint8Array(32), stake: 0, seats: 0, newcomer: null };
  const { publicKey } = keys[node]!;
  const voteKey = voteKeys.publicKeys[node]!;
  const newcomer = {
    name: new TextEncoder().encode(`newcomer ${node}`),
    nodeKey: publicKey,
    exchangeKey: random.fork(`exchange ${node}`).bytes(32),
    voteKey,
    votePossession: standInPossession(voteKey),
  };
  const decision: MemberPropose =
    kind === "admit"
      ? { ...nothing, action: ProposalAction.admit, stake: 200, newcomer }
      : { ...nothing, action: ProposalAction.expel, subject: publicKey };
  nodes[by]!.sender?.send(TransactionKind.memberPropose, MemberPropose.serialize(decision));
}

type State = Parameters<typeof queries.validators>[0];

/** Machines in the order of their numbers. */
function seats(world: World, state: State, epoch: number): string {
  const ids = queries.validators(state, epoch).map(toHex);
  const machines = world.nodes.filter(({ options }) => ids.includes(toHex(options.key.publicKey)));
  return machines.map(({ index }) => index).join(",") || "unknown";
}

function ending(world: World): string[] {
  const lines = world.nodes.map(({ index, driver, options }) => {
    if (driver === undefined) return `${index} is down`;
    const { finalized, role, followReason, epoch } = driver.status();
    const state = driver.state();
    const own = queries.candidate(state, options.key.publicKey);
    const credit = own === undefined ? "" : `, credit ${own.credit}`;
    const why = followReason === undefined ? "" : ` (${followReason})`;
    return `${index} is ${role}${why} in epoch ${epoch} at height ${finalized.height}${credit}`;
  });
  const { violations } = world.checkers.findings;
  const found = violations.map(({ invariant, sentence }) => `VIOLATED ${invariant}: ${sentence}`);
  return [...lines, ...(found.length === 0 ? ["all invariants hold"] : found)];
}
