import type { FaultEvent } from "./fault-plan.js";
import type { World } from "./world.js";

/** Puts planned faults on the clock. */
export function scheduleFaults(world: World, events: readonly FaultEvent[]): void {
  for (const event of events) {
    world.queue.at(event.atMs, () => {
      world.trace.line(world.queue.nowMs, describeFault(event));
      inflict(world, event);
    });
  }
}

function inflict(world: World, event: FaultEvent): void {
  const { network, nodes } = world;
  switch (event.kind) {
    case "crash":
      for (const [place, node] of event.nodes.entries()) crash(world, node, event.downMs[place] ?? 0);
      return;
    case "cut":
      network.cut(event.left, event.right, event.oneWay);
      return;
    case "heal":
      network.heal();
      return;
    case "wipe":
      wipe(world, event.node, event.downMs);
      return;
    case "clock":
      nodes[event.node]!.clockOffsetMs = event.offsetMs;
      return;
    case "slow":
      nodes[event.node]!.processor.costMs = event.costMs;
      return;
    case "uplink":
      network.uplinks.set(event.node, event.bytesPerSecond);
      return;
    case "gone":
      for (const node of event.nodes) {
        world.gone.add(node);
        nodes[node]!.crash();
      }
  }
}

function crash(world: World, index: number, downMs: number): void {
  const node = world.nodes[index]!;
  if (!node.alive) return;
  node.crash();
  world.queue.after(downMs, () => {
    if (!world.gone.has(index) && world.belongs(index)) node.start();
  });
}

/** The folder is lost; the operator starts the node with the key that has voted, and asks the chain for a reset. */
function wipe(world: World, index: number, downMs: number): void {
  const node = world.nodes[index]!;
  node.crash();
  node.disk.wipe();
  node.hasVoted = true;
  world.wiped.add(index);
  world.queue.after(downMs, () => {
    if (world.belongs(index)) node.start();
  });
}

/** One line for people. */
export function describeFault(event: FaultEvent): string {
  switch (event.kind) {
    case "crash":
      return `fault crash ${event.nodes.map((node, place) => `${node} for ${event.downMs[place]} ms`).join(", ")}`;
    case "cut":
      return `fault cut ${event.left.join(",")} ${event.oneWay ? ">" : "|"} ${event.right.join(",")}`;
    case "heal":
      return "fault lines healed";
    case "wipe":
      return `fault wipe ${event.node}, back after ${event.downMs} ms`;
    case "clock":
      return `fault clock of ${event.node} at ${event.offsetMs} ms`;
    case "slow":
      return `fault slow ${event.node}: ${event.costMs} ms a callback`;
    case "uplink":
      return `fault uplink of ${event.node}: ${event.bytesPerSecond} bytes a second`;
    case "gone":
      return `fault gone for good: ${event.nodes.join(", ")}`;
  }
}

/** Everything is repaired: lines, clocks, processors, and nodes that are not gone for good. */
export function repair(world: World): void {
  const { network, nodes, profile, queue } = world;
  world.trace.line(queue.nowMs, "everything is repaired");
  network.heal();
  network.quality = profile.calm;
  network.uplinks.clear();
  for (const node of nodes) {
    node.processor.costMs = 0;
    node.clockOffsetMs = world.baseOffsetMs[node.index] ?? 0;
    if (!node.alive && !world.gone.has(node.index) && world.belongs(node.index)) node.start();
  }
}

const LOOK_EVERY_MS = 2_000;

/** An actor that saw its own key at work elsewhere would fall silent: it starts again, and its disk has forgotten that. */
export function keepActorsBusy(world: World): void {
  world.queue.after(LOOK_EVERY_MS, () => {
    for (const [index, { name }] of world.actors) {
      const node = world.nodes[index]!;
      if (name === "twin" || node.driver?.status().followReason !== "OWN_VOTE_UNKNOWN") continue;
      node.crash();
      node.start();
    }
    keepActorsBusy(world);
  });
}
