import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseManifest } from "../src/manifest/load.js";
import { reportLines } from "../src/report.js";
import { runManifest } from "../src/run.js";

/** Every kind of perturbation but the slow ones, one validator or fewer than a quorum at a time, then all but one. */
const SHORT = `
name: short
seed: 20
validators: 4
fullNodes: 1
chain: { epochLengthHeights: 20, heartbeatMs: 1000 }
late: { full-1: 6 }
links: { delayMs: 2, jitterMs: 2 }
load: { transactionsPerSecond: 2 }
durationSeconds: 45
resumeWithinSeconds: 90
perturbations:
  - { act: kill, at: 4, for: 3, nodes: [validator-2] }
  - { act: disconnect, at: 11, for: 4, nodes: [validator-1] }
  - { act: pause, at: 17, for: 3, nodes: [validator-3] }
  - { act: skew, at: 22, for: 4, nodes: [validator-4], milliseconds: 1500 }
  - { act: partition, at: 27, for: 3, groups: [[validator-1, validator-2], [validator-3, validator-4, full-1]] }
  - { act: wipe, at: 32, for: 1, nodes: [full-1] }
  - { act: kill, at: 37, for: 2, nodes: [validator-1, validator-3, validator-4] }
`;

it("loses nothing that real nodes reported final while they are killed, cut off, paused, wiped and skewed", async () => {
  const dir = mkdtempSync(join(tmpdir(), "consilium-e2e-short-"));
  const told: string[] = [];
  const report = await runManifest(parseManifest(SHORT, "short"), { dir, say: (line) => told.push(line) });
  expect(report.violations, [...told, ...reportLines(report), dir].join("\n")).toEqual([]);
  expect(report.ok).toBe(true);
  // The run was one: blocks and transactions became final, and all nodes were asked for all of them.
  expect(report.height).toBeGreaterThan(10);
  expect(report.transactions.final).toBeGreaterThan(20);
  expect(report.compared?.transactionsChecked).toBe(report.nodes.length * report.transactions.final);
  expect(report.compared?.blocksChecked).toBeGreaterThan(10 * (report.nodes.length - 1));
  expect(report.compared?.convicted).toEqual([]);
  expect(report.nodes.map(({ starts }) => starts)).toEqual([2, 2, 2, 2, 2]);
  rmSync(dir, { recursive: true, force: true });
}, 400_000);
