import type { SweepResult } from "./check/sweep.js";
import type { Violation, Witness } from "./check/witness.js";
import type { Cluster } from "./cluster/cluster.js";
import type { Load } from "./load/load.js";
import type { Manifest } from "./manifest/schema.js";

/** What the checks at the end compared. */
export interface Compared extends SweepResult {
  /** Accounts that a client which trusts no node read with proofs. */
  readonly proven: number;
  /** Members that stand convicted of cheating. */
  readonly convicted: readonly string[];
}

/** What a run came to, as `--json` prints it. */
export interface Report {
  readonly name: string;
  readonly seed: number;
  /** True when the run was not interrupted and no check failed. */
  readonly ok: boolean;
  readonly isInterrupted: boolean;
  readonly chainId: string;
  readonly height: number;
  readonly epoch: number;
  /** Heights that were reported by at least one node. */
  readonly heightsSeen: number;
  /** Longest time without a new final height anywhere, perturbations included. */
  readonly longestStallMs: number;
  /** How long after the last perturbation every node had new heights; null when it took too long. */
  readonly resumedMs: number | null;
  readonly transactions: {
    readonly final: number;
    readonly refused: number;
    readonly heldBack: number;
    readonly registered: number;
    readonly requested: number;
  };
  /** What the last checks compared; null when they were not reached. */
  readonly compared: Compared | null;
  readonly nodes: readonly {
    readonly name: string;
    readonly height: number;
    readonly starts: number;
    readonly wipes: number;
  }[];
  readonly violations: readonly Violation[];
}

export function reportOf(input: {
  readonly manifest: Manifest;
  readonly cluster: Cluster;
  readonly witness: Witness;
  readonly load: Load;
  readonly epochs: ReadonlyMap<string, number>;
  readonly compared: Compared | undefined;
  readonly resumedMs: number | undefined;
  readonly isInterrupted: boolean;
}): Report {
  const { manifest, cluster, witness, load, epochs, compared, resumedMs, isInterrupted } = input;
  return {
    name: manifest.name,
    seed: manifest.seed,
    ok: !isInterrupted && witness.violations.length === 0,
    isInterrupted,
    chainId: cluster.alliance.chainId,
    height: witness.highest,
    epoch: Math.max(0, ...epochs.values()),
    heightsSeen: witness.heightsSeen,
    longestStallMs: Math.round(witness.longestStallMs),
    resumedMs: resumedMs ?? null,
    transactions: {
      final: witness.transactions.size,
      refused: load.refused,
      heldBack: load.heldBack,
      registered: load.submitted.register + load.submitted.owner,
      requested: load.submitted.request,
    },
    compared: compared ?? null,
    nodes: cluster.nodes.map(({ name, starts, wipes }) => ({
      name,
      height: witness.heightOf(name),
      starts,
      wipes,
    })),
    violations: witness.violations,
  };
}

/** The report for people. */
export function reportLines(report: Report): string[] {
  const { transactions, compared, violations } = report;
  const verdict = report.isInterrupted ? "INTERRUPTED" : report.ok ? "HELD" : "VIOLATED";
  return [
    `${verdict}: ${report.name}, seed ${report.seed}`,
    `  height ${report.height} in epoch ${report.epoch}; longest stall ${seconds(report.longestStallMs)}; ${
      report.resumedMs === null ? "not resumed" : `resumed after ${seconds(report.resumedMs)}`
    }`,
    `  ${transactions.final} transactions final (${transactions.registered} accounts, ${transactions.requested} requests), ${transactions.refused} refused, ${transactions.heldBack} held back`,
    ...(compared === null ? [] : comparedLines(compared)),
    ...report.nodes.map(
      ({ name, height, starts, wipes }) => `  ${name}: height ${height}, ${starts} starts, ${wipes} wipes`,
    ),
    ...violations.map(({ code, sentence, atMs }) => `  ! ${code} at ${seconds(atMs)}: ${sentence}`),
  ];
}

function comparedLines(compared: Compared): string[] {
  const { blocksChecked, transactionsChecked, accountsChecked, handoversChecked, proven, convicted } =
    compared;
  return [
    `  compared at the end: ${blocksChecked} blocks, ${transactionsChecked} transactions, ${accountsChecked} accounts, ${handoversChecked} hand-overs`,
    `  read with proofs: ${proven} accounts; convicted: ${convicted.length === 0 ? "nobody" : convicted.join(", ")}`,
  ];
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
