import type { Profile } from "./profiles.js";
import type { World } from "./simulation.js";

/** Plans, from the seed, what goes wrong before the network heals at `untilMs`, and when there is work. */
export function scheduleFaults(world: World, profile: Profile, untilMs: number): void {
  if (profile.work === "bursts") scheduleWork(world, untilMs);
  if (profile.work === "always")
    for (const node of world.nodes) world.clock.after(1, () => node.setWork(true));
  if (profile.absence) scheduleAbsence(world, untilMs);
  if (profile.partitions) schedulePartitions(world, untilMs);
  if (profile.crashes !== "none") scheduleCrashes(world, untilMs);
  if (profile.crashes === "all") scheduleBlackout(world, untilMs);
}

function scheduleWork({ clock, nodes, random }: World, untilMs: number): void {
  const draw = random.fork("work");
  for (let atMs = draw.between(50, 500); atMs < untilMs; atMs += draw.between(500, 3_000)) {
    // Mostly all nodes hear of the work; sometimes one alone, which must forward it.
    const told = draw.chance(0.7) ? nodes : [draw.pick(nodes)];
    // After healing there is work for good, so no burst ends then.
    const endMs = Math.min(atMs + draw.between(200, 1_500), untilMs);
    for (const node of told) clock.after(atMs + draw.between(0, 50), () => node.setWork(true));
    for (const node of nodes) clock.after(endMs, () => node.setWork(false));
  }
}

function schedulePartitions({ clock, nodes, network, random }: World, untilMs: number): void {
  const draw = random.fork("partitions");
  for (let atMs = draw.between(200, 2_000); atMs < untilMs; atMs += draw.between(1_000, 3_000)) {
    const order = draw.shuffle(nodes.map((_, index) => index));
    const split = draw.between(1, nodes.length - 1);
    const oneWay = draw.chance(0.3);
    clock.after(atMs, () => network.cut(order.slice(0, split), order.slice(split), oneWay));
    if (draw.chance(0.8)) clock.after(atMs + draw.between(300, 2_500), () => network.heal());
  }
}

function scheduleCrashes({ clock, nodes, random }: World, untilMs: number): void {
  const draw = random.fork("crashes");
  for (let atMs = draw.between(100, 1_000); atMs < untilMs; atMs += draw.between(100, 1_500)) {
    const node = draw.pick(nodes);
    const downMs = draw.between(0, 2_000);
    clock.after(atMs, () => {
      if (!node.alive) return;
      node.crash();
      clock.after(downMs, () => (node.alive ? undefined : node.start()));
    });
  }
}

function scheduleBlackout({ clock, nodes, random }: World, untilMs: number): void {
  const draw = random.fork("blackout");
  const atMs = draw.between(1_000, untilMs - 1_000);
  clock.after(atMs, () => {
    for (const node of nodes) if (node.alive) node.crash();
    for (const node of nodes) {
      clock.after(draw.between(50, 900), () => (node.alive ? undefined : node.start()));
    }
  });
}

function scheduleAbsence({ clock, nodes, random }: World, untilMs: number): void {
  const draw = random.fork("absence");
  const node = draw.pick(nodes);
  clock.after(draw.between(100, untilMs / 4), () => node.crash());
  clock.after(draw.between(untilMs / 2, untilMs), () => node.start());
}
