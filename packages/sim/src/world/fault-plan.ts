import type { Profile } from "../profiles.js";
import type { SeededRandom } from "../random.js";

/** One thing that goes wrong, as plain data: a scenario can be printed, and shrunk by leaving some out. */
export type FaultEvent = { readonly atMs: number } & (
  | { readonly kind: "crash"; readonly nodes: readonly number[]; readonly downMs: readonly number[] }
  | {
      readonly kind: "cut";
      readonly left: readonly number[];
      readonly right: readonly number[];
      readonly oneWay: boolean;
    }
  | { readonly kind: "heal" }
  | { readonly kind: "wipe"; readonly node: number; readonly downMs: number }
  | { readonly kind: "clock"; readonly node: number; readonly offsetMs: number }
  | { readonly kind: "slow"; readonly node: number; readonly costMs: number }
  | { readonly kind: "uplink"; readonly node: number; readonly bytesPerSecond: number }
  /** Down to the end, healing included. */
  | { readonly kind: "gone"; readonly nodes: readonly number[] }
);

export interface PlanShape {
  readonly machines: number;
  /** f: how many validators may be faulty at once. */
  readonly faultBound: number;
  /** Machines that are run by an actor; they do not count as honest. */
  readonly actors: ReadonlySet<number>;
  readonly roughMs: number;
}

/** Draws what goes wrong before the network heals. Each kind draws from its own stream. */
export function planFaults(profile: Profile, shape: PlanShape, random: SeededRandom): FaultEvent[] {
  const events: FaultEvent[] = [
    ...(profile.partitions ? partitions(shape, random.fork("partitions")) : []),
    ...(profile.crashes ? crashes(shape, random.fork("crashes")) : []),
    ...(profile.blackout ? blackout(shape, random.fork("blackout")) : []),
    ...(profile.absence ? absence(shape, random.fork("absence")) : []),
    ...(profile.wipes ? wipes(shape, random.fork("wipes")) : []),
    ...(profile.clockJumps ? clockJumps(shape, random.fork("clocks")) : []),
    ...(profile.slowNodes ? slowNodes(shape, random.fork("slow")) : []),
    ...(profile.narrowUplinks ? uplinks(shape, random.fork("uplinks")) : []),
    ...(profile.overBudget ? goneNodes(shape, random.fork("gone")) : []),
  ];
  return events.sort((left, right) => left.atMs - right.atMs);
}

const indices = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Up to f machines that no actor runs, at least one where f allows any. */
function fewHonest({ machines, faultBound, actors }: PlanShape, random: SeededRandom): number[] {
  const honest = indices(machines).filter((index) => !actors.has(index));
  const left = Math.max(0, faultBound - actors.size);
  return random.shuffle(honest).slice(0, left === 0 ? 0 : random.between(1, left));
}

function partitions({ machines, roughMs }: PlanShape, random: SeededRandom): FaultEvent[] {
  const events: FaultEvent[] = [];
  for (let atMs = random.between(500, 4_000); atMs < roughMs; atMs += random.between(2_000, 7_000)) {
    const order = random.shuffle(indices(machines));
    const split = random.between(1, machines - 1);
    const oneWay = random.chance(0.3);
    events.push({ atMs, kind: "cut", left: order.slice(0, split), right: order.slice(split), oneWay });
    if (random.chance(0.8)) events.push({ atMs: atMs + random.between(300, 6_000), kind: "heal" });
  }
  return events.filter(({ atMs }) => atMs < roughMs);
}

function crashes({ machines, roughMs }: PlanShape, random: SeededRandom): FaultEvent[] {
  const events: FaultEvent[] = [];
  for (let atMs = random.between(200, 3_000); atMs < roughMs; atMs += random.between(200, 4_000)) {
    const downMs = random.chance(0.2) ? random.between(2_000, 10_000) : random.between(0, 1_500);
    events.push({ atMs, kind: "crash", nodes: [random.between(0, machines - 1)], downMs: [downMs] });
  }
  return events;
}

function blackout({ machines, roughMs }: PlanShape, random: SeededRandom): FaultEvent[] {
  const atMs = random.between(2_000, roughMs - 2_000);
  const downMs = indices(machines).map(() => random.between(50, 2_000));
  return [{ atMs, kind: "crash", nodes: indices(machines), downMs }];
}

function absence({ machines, roughMs }: PlanShape, random: SeededRandom): FaultEvent[] {
  const atMs = random.between(200, roughMs / 5);
  const downMs = random.between(roughMs / 2, roughMs - atMs);
  return [{ atMs, kind: "crash", nodes: [random.between(0, machines - 1)], downMs: [downMs] }];
}

function wipes(shape: PlanShape, random: SeededRandom): FaultEvent[] {
  return fewHonest(shape, random).map((node) => ({
    atMs: random.between(3_000, shape.roughMs / 2),
    kind: "wipe",
    node,
    downMs: random.between(100, 4_000),
  }));
}

function clockJumps(shape: PlanShape, random: SeededRandom): FaultEvent[] {
  return fewHonest(shape, random).flatMap((node) => {
    const events: FaultEvent[] = [];
    for (
      let atMs = random.between(1_000, 8_000);
      atMs < shape.roughMs;
      atMs += random.between(2_000, 9_000)
    ) {
      events.push({ atMs, kind: "clock", node, offsetMs: random.between(-60_000, 60_000) });
    }
    return events;
  });
}

function slowNodes(shape: PlanShape, random: SeededRandom): FaultEvent[] {
  return fewHonest(shape, random).map((node) => ({
    atMs: random.between(0, shape.roughMs / 2),
    kind: "slow",
    node,
    costMs: random.between(3, 40),
  }));
}

function uplinks({ machines, roughMs }: PlanShape, random: SeededRandom): FaultEvent[] {
  const nodes = random.shuffle(indices(machines)).slice(0, random.between(1, Math.ceil(machines / 2)));
  return nodes.map((node) => ({
    atMs: random.between(0, roughMs / 2),
    kind: "uplink",
    node,
    bytesPerSecond: random.between(4_000, 40_000),
  }));
}

function goneNodes({ machines, faultBound, roughMs }: PlanShape, random: SeededRandom): FaultEvent[] {
  const count = Math.min(machines - 1, faultBound + random.between(1, 2));
  const nodes = random.shuffle(indices(machines)).slice(0, count);
  return [{ atMs: random.between(roughMs / 4, roughMs - 1_000), kind: "gone", nodes }];
}
