import { faultBound } from "@consilium/protocol";
import { stringify } from "yaml";
import { SeededRandom } from "../seeded-random.js";
import { checkManifest } from "./check.js";
import { nodeNames, validatorNames } from "./nodes.js";
import { type Manifest, ManifestSchema, type Perturbation } from "./schema.js";

export interface RandomManifestOptions {
  readonly seed: number;
  readonly durationSeconds: number;
  /** Drawn when absent. */
  readonly validators?: number;
  readonly fullNodes?: number;
}

/** Time for the network to come together before the first perturbation, and to be whole again after the last. */
const CALM_AT_START_SECONDS = 8;
const CALM_AT_END_SECONDS = 5;
/** How often a perturbation is allowed to leave no quorum: nothing may be lost then either, but the chain stands still. */
const ABOVE_BUDGET = 0.15;

const ACTS = {
  kill: 6,
  restart: 2,
  pause: 4,
  disconnect: 4,
  partition: 2,
  slow: 2,
  skew: 2,
  wipe: 1,
  rolling: 0.5,
} as const satisfies Record<Perturbation["act"], number>;

/** What the draws of one manifest share. */
interface Draw {
  readonly random: SeededRandom;
  readonly names: readonly string[];
  readonly validators: readonly string[];
  /** Validators that may still lose their data folder. */
  wipesLeft: number;
}

/** A manifest drawn from a seed: the same options give the same manifest. */
export function randomManifest(options: RandomManifestOptions): Manifest {
  const random = new SeededRandom(options.seed);
  const validators = options.validators ?? random.pick([4, 4, 4, 5, 7]);
  const fullNodes = options.fullNodes ?? random.between(0, 2);
  const names = nodeNames({ validators, fullNodes });
  const draw: Draw = {
    random,
    names,
    validators: validatorNames(validators),
    wipesLeft: faultBound(validators),
  };
  const lateSeconds = Math.min(60, Math.floor(options.durationSeconds / 4));
  const late = random.chance(0.5) ? { [names.at(-1)!]: random.between(5, lateSeconds) } : {};
  const manifest = ManifestSchema.parse({
    name: `random-${options.seed}`,
    seed: options.seed,
    chain: { preset: "devnet", epochLengthHeights: random.pick([40, 80, 160]), ceremonyWindowHeights: 20 },
    validators,
    fullNodes,
    late,
    links: random.pick([
      { delayMs: 0 },
      { delayMs: 5, jitterMs: 2 },
      { delayMs: 25, jitterMs: 10, lossPercent: 0.5 },
    ]),
    load: { transactionsPerSecond: random.between(2, 8) },
    durationSeconds: options.durationSeconds,
    perturbations: perturbations(draw, options.durationSeconds, late),
  });
  checkManifest(manifest);
  return manifest;
}

/** The manifest as a file that can be run again and edited. */
export function manifestText(manifest: Manifest): string {
  return `# Written by "pnpm e2e generate"; docs/e2e.md explains every key.\n${stringify(manifest)}`;
}

/** One after the other, with calm in between; a late joiner is left alone until it has joined. */
function perturbations(draw: Draw, durationSeconds: number, late: Manifest["late"]): Perturbation[] {
  const { random } = draw;
  const drawn: Perturbation[] = [];
  for (let at = CALM_AT_START_SECONDS; ; ) {
    const present = draw.names.filter((name) => (late[name] ?? 0) <= at);
    const perturbation = drawOne(draw, present, at);
    const turns = perturbation.act === "rolling" ? (perturbation.nodes?.length ?? 1) : 1;
    const endsAt = at + perturbation.for * turns;
    if (endsAt > durationSeconds - CALM_AT_END_SECONDS) return drawn;
    drawn.push(perturbation);
    if (perturbation.act === "wipe") draw.wipesLeft -= 1;
    at = endsAt + random.between(1, 12);
  }
}

function drawOne(draw: Draw, present: readonly string[], at: number): Perturbation {
  const { random } = draw;
  const { wipe, ...others } = ACTS;
  const act = random.weighted<Perturbation["act"]>(draw.wipesLeft > 0 ? { ...others, wipe } : others);
  const lasting = random.between(1, 10);
  switch (act) {
    case "wipe":
      return { act, at, for: lasting, nodes: [random.pick(present)], reset: random.chance(0.5) };
    case "rolling":
      return { act, at, for: 6, nodes: [...present] };
    case "partition":
      return { act, at, for: lasting, groups: groupsOf(draw, present) };
    case "skew": {
      const milliseconds = random.between(-5_000, 5_000);
      return { act, at, for: lasting, nodes: victims(draw, present), milliseconds };
    }
    case "slow": {
      const quality = { delayMs: random.between(50, 400), jitterMs: 50, lossPercent: random.between(0, 10) };
      return { act, at, for: lasting, nodes: victims(draw, present), ...quality };
    }
    case "disconnect": {
      const how = random.pick(["silent", "reset"] as const);
      const direction = random.pick(["both", "both", "in", "out"] as const);
      return { act, at, for: lasting, nodes: victims(draw, present), how, direction };
    }
    default:
      return { act, at, for: lasting, nodes: victims(draw, present) };
  }
}

/** Up to f validators and any number of others; now and then any number of all. */
function victims({ random, validators }: Draw, present: readonly string[]): string[] {
  if (random.chance(ABOVE_BUDGET)) return random.sample(present, random.between(1, present.length));
  const seated = present.filter((name) => validators.includes(name));
  const others = present.filter((name) => !validators.includes(name));
  const drawn = random.sample(seated, random.between(1, faultBound(validators.length)));
  return others.length > 0 && random.chance(0.3) ? [...drawn, random.pick(others)] : drawn;
}

function groupsOf(draw: Draw, present: readonly string[]): string[][] {
  const cutOff = victims(draw, present).slice(0, present.length - 1);
  return [cutOff, present.filter((name) => !cutOff.includes(name))];
}
