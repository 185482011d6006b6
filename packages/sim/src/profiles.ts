import type { LinkQuality } from "./network.js";

/** What goes wrong, and how often, until the network heals. */
export interface Profile {
  readonly name: string;
  readonly about: string;
  readonly quality: LinkQuality;
  readonly partitions: boolean;
  /** `some`: nodes crash and come back at random; `all`: every node is killed at once, besides. */
  readonly crashes: "none" | "some" | "all";
  /** Up to f validators misbehave, to the end. */
  readonly byzantine: boolean;
  /** One node is gone for most of the time and must come back through block sync. */
  readonly absence: boolean;
  readonly work: "never" | "bursts" | "always";
  readonly clockSkewMs: number;
}

/** A healthy network: what every run ends with. */
export const calmQuality: LinkQuality = { delayMs: [2, 40], loss: 0, duplication: 0 };
const roughQuality: LinkQuality = { delayMs: [1, 250], loss: 0.1, duplication: 0.05 };

const calm: Profile = {
  name: "calm",
  about: "a healthy network, work in bursts",
  quality: calmQuality,
  partitions: false,
  crashes: "none",
  byzantine: false,
  absence: false,
  work: "bursts",
  clockSkewMs: 100,
};

export const profiles: readonly Profile[] = [
  calm,
  { ...calm, name: "idle", about: "a healthy network without work: nothing may be nullified", work: "never" },
  { ...calm, name: "lossy", about: "loss, duplication, reordering", quality: roughQuality },
  { ...calm, name: "partitions", about: "partitions, one-way ones too, that heal", partitions: true },
  { ...calm, name: "crashes", about: "crashes that lose unsynced writes", crashes: "some" },
  {
    ...calm,
    name: "blackout",
    about: "every node is killed at once, on a rough network",
    quality: roughQuality,
    crashes: "all",
  },
  { ...calm, name: "byzantine", about: "up to f validators misbehave", byzantine: true },
  {
    ...calm,
    name: "absence",
    about: "one node is gone for long and comes back by block sync",
    absence: true,
    work: "always",
  },
  {
    name: "chaos",
    about: "all of it",
    quality: { delayMs: [1, 400], loss: 0.2, duplication: 0.1 },
    partitions: true,
    crashes: "all",
    byzantine: true,
    absence: false,
    work: "bursts",
    clockSkewMs: 1_000,
  },
];

export const profileNamed = (name: string): Profile | undefined =>
  profiles.find((profile) => profile.name === name);

/** Which profile a seed runs when none is named. */
export const profileOfSeed = (seed: number): Profile => profiles[seed % profiles.length]!;
