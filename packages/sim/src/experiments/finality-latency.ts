import { quorumOf } from "@consilium/protocol";
import type { LinkQuality } from "../ports/network.js";
import { continent, country, lan } from "../profiles.js";
import { type Experiment, mean, pointsOf, quantile, type Row, rounded } from "./experiment.js";
import { requireSound, runWorld } from "./world-run.js";

const VALIDATORS = [4, 7, 13, 21, 31] as const;
const LINES: readonly (readonly [string, LinkQuality])[] = [
  ["LAN", lan],
  ["country", country],
  ["continent", continent],
];
/** The first blocks wait for connections. */
const WARM_UP_BLOCKS = 3;
const PARAMETERS = { blockIntervalMs: 500, deltaMs: 1_000, epochLengthHeights: 400 } as const;

/** How long a block takes to become final, whole production nodes on simulated lines. */
export const finalityLatency: Experiment = {
  name: "finality-latency",
  about: "Finality latency against validators and delay",
  async run({ quick, seed, progress }) {
    const durationMs = quick ? 6_000 : 9_000;
    const rows: Row[] = [];
    for (const [line, quality] of LINES) {
      for (const validators of quick ? VALIDATORS.slice(0, 2) : VALIDATORS) {
        progress(`${line}, ${validators} validators`);
        rows.push(await measure({ line, quality, validators, seed, durationMs }));
      }
    }
    return {
      parameters: {
        ...PARAMETERS,
        durationMs,
        lines: Object.fromEntries(LINES),
        warmUpBlocks: WARM_UP_BLOCKS,
      },
      assumptions: [
        "Signatures are stand-ins and processors take no time: this is the latency of messages and disks alone.",
        "Delays are log-normal and independent; uplinks never fill.",
      ],
      rows,
      panels: ["median ms", "99th percentile ms"].map((column) => ({
        title: `Proposal to finality, ${column.replace(" ms", "")}`,
        xLabel: "validators",
        yLabel: "simulated milliseconds",
        series: LINES.map(([name]) => ({
          name: `${name}: median delay ${qualityOf(name).delayMedianMs} ms`,
          points: pointsOf(rows, "validators", column, (row) => row.line === name),
        })),
      })),
    };
  },
};

const qualityOf = (name: string): LinkQuality => LINES.find(([each]) => each === name)![1];

interface Point {
  readonly line: string;
  readonly quality: LinkQuality;
  readonly validators: number;
  readonly seed: number;
  readonly durationMs: number;
}

async function measure({ line, quality, validators, seed, durationMs }: Point): Promise<Row> {
  const latencies: number[] = [];
  const world = await runWorld({
    ...{ seed, quality, durationMs, nodes: validators, busy: true, parameters: PARAMETERS },
    finalized({ event, latencyMs }) {
      if (event.tip.height > WARM_UP_BLOCKS) latencies.push(latencyMs);
    },
  });
  requireSound(world);
  return {
    line,
    validators,
    quorum: quorumOf(validators),
    "median delay ms": quality.delayMedianMs,
    blocks: Math.max(...world.nodes.map(({ index }) => world.checkers.heightOf(index))),
    "mean ms": rounded(mean(latencies)),
    "median ms": quantile(latencies, 0.5),
    "99th percentile ms": quantile(latencies, 0.99),
  };
}
