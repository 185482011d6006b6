import type { ChainParameters } from "@consilium/protocol";
import type { LinkQuality } from "./ports/network.js";

/** What goes wrong before the network heals, and how the network is when nothing does. */
export interface Profile {
  readonly name: string;
  readonly about: string;
  /** Lines while things go wrong, and after healing. */
  readonly rough: LinkQuality;
  readonly calm: LinkQuality;
  /** Partitions that come and go, one-way ones among them. */
  readonly partitions: boolean;
  /** Single nodes crash and come back. */
  readonly crashes: boolean;
  /** Every node is killed at once. */
  readonly blackout: boolean;
  /** Unsynced writes vanish out of order in half of the seeds. */
  readonly torn: boolean;
  /** One node is gone for most of the time. */
  readonly absence: boolean;
  /** Up to f nodes lose their data folder, and reset their safety record on chain. */
  readonly wipes: boolean;
  /** Some uplinks carry little. */
  readonly narrowUplinks: boolean;
  /** Some nodes take long for each callback. */
  readonly slowNodes: boolean;
  /** Largest offset of a clock, and whether up to f clocks jump far. */
  readonly clockSkewMs: number;
  readonly clockJumps: boolean;
  /** Up to f validators misbehave, to the end. */
  readonly byzantine: "none" | "actors" | "twins";
  /** The one misbehaviour of the profile; drawn for each validator when absent. */
  readonly actor?: string;
  /** Members join, leave and are replaced under load. */
  readonly churn: boolean;
  /** More than f nodes stay down to the end: only safety is judged. */
  readonly overBudget: boolean;
  readonly load: "none" | "bursts" | "steady";
  /** What the chain's parameters are instead of the simulator's usual ones. */
  readonly parameters?: Partial<ChainParameters>;
}

const lines = (delayMedianMs: number, delaySigma: number, loss = 0, duplication = 0): LinkQuality => ({
  delayMedianMs,
  delaySigma,
  loss,
  duplication,
});

/** One building, one country, one continent. */
export const lan = lines(1, 0.6);
export const country = lines(10, 0.4);
export const continent = lines(40, 0.45);

const calm: Profile = {
  name: "calm",
  about: "a healthy network, transactions in bursts",
  rough: country,
  calm: country,
  partitions: false,
  crashes: false,
  blackout: false,
  torn: false,
  absence: false,
  wipes: false,
  narrowUplinks: false,
  slowNodes: false,
  clockSkewMs: 100,
  clockJumps: false,
  byzantine: "none",
  churn: false,
  overBudget: false,
  load: "bursts",
};

export const profiles: readonly Profile[] = [
  calm,
  {
    ...calm,
    name: "idle",
    about: "a healthy network without transactions: nothing may be nullified",
    load: "none",
  },
  {
    ...calm,
    name: "lan",
    about: "delays of one building, steady load",
    rough: lan,
    calm: lan,
    load: "steady",
  },
  {
    ...calm,
    name: "country",
    about: "delays of one country, a little loss",
    rough: { ...country, loss: 0.01 },
  },
  {
    ...calm,
    name: "continent",
    about: "delays of a continent, a little loss",
    rough: { ...continent, loss: 0.01 },
    calm: continent,
  },
  { ...calm, name: "lossy", about: "loss, duplication, reordering", rough: lines(40, 1.1, 0.1, 0.05) },
  { ...calm, name: "partitions", about: "partitions, one-way ones too, that heal", partitions: true },
  {
    ...calm,
    name: "crashes",
    about: "crashes that lose or tear unsynced writes",
    crashes: true,
    torn: true,
  },
  {
    ...calm,
    name: "blackout",
    about: "every node is killed at once, on a rough network",
    rough: lines(30, 1.2, 0.08, 0.05),
    crashes: true,
    blackout: true,
    torn: true,
  },
  {
    ...calm,
    name: "absence",
    about: "one node is gone for long and comes back over several epochs",
    absence: true,
    load: "steady",
  },
  { ...calm, name: "wiped", about: "up to f nodes lose their data folder", wipes: true, load: "steady" },
  {
    ...calm,
    name: "narrow-uplinks",
    about: "some nodes send at a few kilobytes a second",
    narrowUplinks: true,
  },
  { ...calm, name: "slow-nodes", about: "some nodes take long for everything", slowNodes: true },
  {
    ...calm,
    name: "clock-skew",
    about: "clocks apart, up to f of them jump far",
    clockSkewMs: 900,
    clockJumps: true,
  },
  {
    ...calm,
    name: "churn",
    about: "members join, leave and are replaced under load",
    churn: true,
    load: "steady",
  },
  { ...calm, name: "byzantine", about: "up to f validators misbehave", byzantine: "actors" },
  {
    ...calm,
    name: "forged-history",
    about: "a node comes back after long, and some peers help it with forged ranges",
    absence: true,
    byzantine: "actors",
    actor: "forged-ranges",
    load: "steady",
    // Longer than what is fetched block by block: only then are ranges asked for.
    parameters: { epochLengthHeights: 40, blockIntervalMs: 150 },
  },
  {
    ...calm,
    name: "boundaries",
    about: "epochs of four blocks whose finality comes late, so that boundary blocks are proposed again",
    rough: lines(60, 0.9, 0.12),
    byzantine: "actors",
    actor: "finalize-withholder",
    load: "steady",
    parameters: { epochLengthHeights: 4, blockIntervalMs: 100 },
  },
  { ...calm, name: "twins", about: "up to f validators run twice with one key", byzantine: "twins" },
  {
    name: "chaos",
    about: "all of it",
    rough: lines(40, 1.2, 0.12, 0.08),
    calm: country,
    partitions: true,
    crashes: true,
    blackout: true,
    torn: true,
    absence: false,
    wipes: false,
    narrowUplinks: true,
    slowNodes: true,
    clockSkewMs: 900,
    clockJumps: true,
    byzantine: "actors",
    churn: true,
    overBudget: false,
    load: "bursts",
  },
  {
    ...calm,
    name: "over-budget",
    about: "more than f nodes stay down, others misbehave: only safety is judged",
    rough: lines(40, 1.1, 0.05, 0.05),
    partitions: true,
    crashes: true,
    blackout: true,
    torn: true,
    byzantine: "actors",
    overBudget: true,
  },
];

export const profileNamed = (name: string): Profile | undefined =>
  profiles.find((profile) => profile.name === name);

/** Which profile a seed runs when none is named. */
export const profileOfSeed = (seed: number): Profile => profiles[seed % profiles.length]!;
