import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { ExperimentResult, Row } from "../../src/experiments/experiment.js";
import { experiments } from "../../src/experiments/index.js";
import { runElections } from "../../src/experiments/models/elections.js";
import { pbftRound } from "../../src/experiments/models/pbft.js";
import { bitcoinLike, hashesPerBlock, orphanRate } from "../../src/experiments/models/proof-of-work.js";
import { csvOf, writeExperiment } from "../../src/experiments/output.js";
import { plotSvg } from "../../src/experiments/plot.js";
import { lan } from "../../src/profiles.js";
import { seededRandom } from "../../src/random.js";

const folder = mkdtempSync(join(tmpdir(), "consilium-experiments-"));
afterAll(() => rmSync(folder, { recursive: true }));

const known = new Map<string, Promise<ExperimentResult>>();
/** Each is run once, however many tests look at it. */
function quick(name: string): Promise<ExperimentResult> {
  const experiment = experiments.find((each) => each.name === name)!;
  const run = known.get(name) ?? experiment.run({ quick: true, seed: 1, progress: () => {} });
  known.set(name, run);
  return run;
}

const column = (rows: readonly Row[], name: string, where: (row: Row) => boolean): number[] =>
  rows.filter(where).map((row) => row[name] as number);

describe("experiments", () => {
  it.each(experiments.map((each) => [each.name, each] as const))(
    "%s writes a table and a plot that can be read",
    async (name, experiment) => {
      const [csv, json, svg] = writeExperiment(folder, experiment, await quick(name), {
        seed: 1,
        quick: true,
      });
      const document = JSON.parse(readFileSync(json!, "utf8"));
      expect(document).toMatchObject({ experiment: name, seed: 1, quick: true });
      expect(document.rows.length).toBeGreaterThan(1);
      expect(document.assumptions.length).toBeGreaterThan(0);
      const lines = readFileSync(csv!, "utf8").trimEnd().split("\r\n");
      expect(lines).toHaveLength(document.rows.length + 1);
      const plot = readFileSync(svg!, "utf8");
      expect(plot).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
      expect(plot).not.toMatch(/NaN|undefined|Infinity/);
    },
  );

  it("finality takes longer on longer lines", async () => {
    const { rows } = await quick("finality-latency");
    const [lanMs, countryMs, continentMs] = ["LAN", "country", "continent"].map((line) =>
      column(rows, "median ms", (row) => row.line === line && row.validators === 7).at(0),
    );
    expect(lanMs).toBeLessThan(countryMs!);
    expect(countryMs).toBeLessThan(continentMs!);
  });

  it("larger blocks carry more transactions a second", async () => {
    const { rows } = await quick("throughput");
    const [small, large] = column(rows, "transactions per second", () => true);
    expect(large).toBeGreaterThan(small!);
  });

  it("more members cost PBFT more messages", async () => {
    const { rows } = await quick("comparison");
    const messages = column(rows, "messages", (row) => row.protocol === "PBFT");
    expect(messages).toEqual([...messages].sort((left, right) => left - right));
  });

  it("who misses more loses the seat sooner, and who has more stake later", async () => {
    const { rows } = await quick("tenure");
    const epochs = (lead: number) => column(rows, "epochs with a seat", (row) => row["stake lead"] === lead);
    const [weak, strong] = [epochs(1.25), epochs(2)];
    expect(weak).toEqual([...weak].sort((left, right) => right - left));
    for (const [index, each] of weak.entries()) expect(each).toBeLessThanOrEqual(strong[index]!);
  });
});

describe("models", () => {
  it("credit takes seats from members that fail", () => {
    const options = {
      ...{ members: 60, seats: 9, epochs: 20, lengthHeights: 100, bad: 18, misconduct: "fails" as const },
    };
    const seats = (credit: boolean): number =>
      runElections({ ...options, credit, random: seededRandom(7) }).at(-1)!.badSeats;
    expect(seats(true)).toBe(0);
    expect(seats(false)).toBeGreaterThan(0);
  });

  it("a PBFT round of four sends as many messages as the paper says", () => {
    // n − 1 pre-prepares, (n − 1)² prepares, n (n − 1) commits (Castro and Liskov 1999, figure 1).
    expect(pbftRound(4, 1_000, lan, seededRandom(1)).messages).toBe(3 + 9 + 12);
  });

  it("the orphan rate is about the share of the interval that a block travels", () => {
    expect(orphanRate(bitcoinLike)).toBeCloseTo(2 / 600, 4);
    expect(hashesPerBlock(bitcoinLike)).toBe(3.6e23);
  });
});

describe("output", () => {
  it("quotes what would break a line of CSV", () => {
    expect(
      csvOf([
        { a: 'x,"y"', b: 1 },
        { b: 2, c: undefined },
      ]),
    ).toBe('a,b,c\r\n"x,""y""",1,\r\n,2,\r\n');
  });

  it("escapes names in a plot, and refuses a panel without points", () => {
    const panel = {
      title: "a < b",
      xLabel: "x",
      yLabel: "y",
      series: [{ name: "R&D", points: [[1, 2]] as const }],
    };
    const svg = plotSvg("t", [panel]);
    expect(svg).toContain("a &lt; b");
    expect(svg).toContain("R&amp;D");
    expect(() => plotSvg("t", [{ ...panel, series: [] }])).toThrow(RangeError);
  });
});
