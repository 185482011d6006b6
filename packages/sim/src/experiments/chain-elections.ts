import { creditBounds } from "@consilium/consensus";
import { toHex } from "@consilium/crypto";
import { queries } from "@consilium/ledger";
import type { StateReader } from "@consilium/protocol";
import { silentProposer } from "../byzantine/silent-proposer.js";
import { lan } from "../profiles.js";
import { mean } from "./experiment.js";
import { requireSound, runWorld, type WorldRunOptions } from "./world-run.js";

export interface ChainElectionsOptions {
  readonly seed: number;
  readonly members: number;
  readonly seats: number;
  /** How many of those with the greatest stakes never propose; they vote, and say that they are up. */
  readonly bad: number;
  readonly epochs: number;
  readonly lengthHeights: number;
}

export interface ChainEpoch {
  readonly epoch: number;
  readonly seats: number;
  readonly badSeats: number;
  /** Mean credit of the bad members in the state after the epoch's first block. */
  readonly badCredit: number;
}

/** Whole production nodes with elections on chain: how many of the bad have a seat in each epoch. */
export async function runChainElections(options: ChainElectionsOptions): Promise<ChainEpoch[]> {
  const { members, bad, epochs } = options;
  const bare = { ...worldOptions(options), durationMs: 0 };
  const { genesis } = await runWorld(bare);
  const greatest = [...genesis.members.entries()].sort(([, left], [, right]) => right.stake - left.stake);
  const machines = greatest.slice(0, bad).map(([machine]) => machine);
  const badIds = machines.map((machine) => genesis.members[machine]!.nodeKey);
  const witness = Array.from({ length: members }, (_, index) => index).find(
    (index) => !machines.includes(index),
  );
  const story = new Map<number, ChainEpoch>();
  const world = await runWorld({
    ...worldOptions(options),
    actors: machines.map((machine) => [machine, silentProposer] as const),
    finalized({ node, event, state }) {
      const { epoch } = event.tip;
      if (node === witness && epoch < epochs && !story.has(epoch))
        story.set(epoch, lookAt(state, epoch, badIds));
    },
  });
  requireSound(world);
  return [...story.values()];
}

/** Time enough for views that wait for a proposer who says nothing. */
const worldOptions = ({
  seed,
  members,
  seats,
  epochs,
  lengthHeights,
}: ChainElectionsOptions): WorldRunOptions => ({
  ...{ seed, nodes: members, seats, quality: lan, load: "steady" },
  durationMs: epochs * lengthHeights * 400,
  parameters: { epochLengthHeights: lengthHeights, blockIntervalMs: 100, deltaMs: 60, heartbeatMs: 300 },
});

function lookAt(state: StateReader, epoch: number, badIds: readonly Uint8Array[]): ChainEpoch {
  const bad = new Set(badIds.map(toHex));
  const seated = queries.validators(state, epoch).map(toHex);
  const credits = badIds.map((node) => queries.candidate(state, node)?.credit ?? creditBounds.start);
  return {
    epoch,
    seats: seated.length,
    badSeats: seated.filter((node) => bad.has(node)).length,
    badCredit: mean(credits),
  };
}
