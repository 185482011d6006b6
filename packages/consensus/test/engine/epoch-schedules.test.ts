import { describe, expect, it } from "vitest";
import type { Effect } from "../../src/engine/index.js";
import { Cluster } from "./cluster.js";
import { draws, LENGTH_HEIGHTS } from "./cluster-parts.js";

const CALM = { delayMsMax: 20, lossPercent: 0 };
const STORM = { delayMsMax: 150, lossPercent: 20 };
/** Far more than a healed network of this size needs. */
const HEALING_MS_MAX = 60_000;

const everybodyReached = (cluster: Cluster, epoch: number) => (): boolean =>
  cluster.nodes.every((node) => node.alive && node.state.epoch.epoch >= epoch);

/** Lets the network heal, brings everybody back, and sees that every node gets to this epoch. */
function heal(cluster: Cluster, epoch: number): void {
  cluster.crashBefore = () => false;
  cluster.weather = CALM;
  for (const node of cluster.nodes) if (!node.alive) cluster.restartLater(node, 0);
  cluster.runUntil(() => cluster.nodes.every(({ alive }) => alive), 1);
  cluster.greet();
  expect(cluster.runUntil(everybodyReached(cluster, epoch), HEALING_MS_MAX)).toBe(true);
}

const isAboutHeight = (effect: Effect, height: number): boolean =>
  effect.kind === "finalize" && effect.blocks.some(({ header }) => header.height === height);

/** Effect counts of a node at the first block of the epoch and when its next epoch is at work. */
function window(seed: number, index: number): { from: number; to: number } {
  const cluster = new Cluster(draws(seed));
  let from = 0;
  cluster.crashBefore = (node, effect) => {
    if (node.index === index && isAboutHeight(effect, LENGTH_HEIGHTS - 1)) from = node.performed;
    return false;
  };
  const node = cluster.nodes[index]!;
  cluster.runUntil(() => node.state.epoch.epoch === 1 && node.state.view > 1, HEALING_MS_MAX);
  return { from, to: node.performed };
}

describe("schedules over epochs", () => {
  it("turns epochs with sets that change, all nodes on one chain", () => {
    const cluster = new Cluster(draws(3));
    expect(cluster.runUntil(everybodyReached(cluster, 5), HEALING_MS_MAX)).toBe(true);
    expect(cluster.finalized.size).toBeGreaterThanOrEqual(5 * LENGTH_HEIGHTS);
  });

  it("stays safe in any weather with crashes anywhere, and lives once it has cleared", {
    timeout: 60_000,
  }, () => {
    let repeated = 0;
    for (let seed = 1; seed <= 15; seed++) {
      const draw = draws(seed);
      const cluster = new Cluster(draw);
      cluster.weather = STORM;
      cluster.crashBefore = (node) => {
        const dies = draw(150) === 0;
        if (dies) cluster.restartLater(node, draw(600));
        return dies;
      };
      cluster.runUntil(() => false, 8_000);
      const reached = Math.max(...cluster.nodes.map(({ state }) => state.epoch.epoch));
      heal(cluster, reached + 2);
      repeated += cluster.repeated;
    }
    expect(repeated, "boundary blocks that another proposer had to propose again").toBeGreaterThan(0);
  });

  it.each([0, 1, 2, 3, 4])(
    "survives a crash of node %i before every single effect around the boundary block",
    { timeout: 60_000 },
    (index) => {
      const { from, to } = window(7, index);
      expect(to - from).toBeGreaterThan(3);
      for (let at = from; at <= to; at++) {
        const cluster = new Cluster(draws(7));
        cluster.crashBefore = (node) => node.index === index && node.performed === at && node.life === 0;
        cluster.runUntil(() => !cluster.nodes[index]!.alive, HEALING_MS_MAX);
        expect(cluster.nodes[index]!.alive).toBe(false);
        cluster.runUntil(() => false, 50);
        heal(cluster, 2);
      }
    },
  );

  it("survives that everybody is killed at once before every single effect around the boundary block", {
    timeout: 60_000,
  }, () => {
    const { from, to } = window(11, 2);
    for (let at = from; at <= to; at++) {
      const cluster = new Cluster(draws(11));
      cluster.crashBefore = (node) => node.index === 2 && node.performed === at && node.life === 0;
      cluster.runUntil(() => !cluster.nodes[2]!.alive, HEALING_MS_MAX);
      for (const node of cluster.nodes) if (node.alive) cluster.crash(node);
      heal(cluster, 2);
    }
  });
});
