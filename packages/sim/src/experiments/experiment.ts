import type { Panel } from "./plot.js";

/** A value of a table; an absent one stays empty in CSV and is null in JSON. */
export type Cell = number | string | undefined;
export type Row = Readonly<Record<string, Cell>>;

export interface ExperimentOptions {
  /** Few points and short runs: for tests, and for a first look. */
  readonly quick: boolean;
  readonly seed: number;
  /** Told about each point before it is computed. */
  readonly progress: (sentence: string) => void;
}

export interface ExperimentResult {
  /** Everything that the figures follow from, the seed apart. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** What is assumed or modelled rather than run; a sentence each. */
  readonly assumptions: readonly string[];
  readonly rows: readonly Row[];
  readonly panels: readonly Panel[];
}

export interface Experiment {
  readonly name: string;
  /** Also the title of the plot. */
  readonly about: string;
  run(options: ExperimentOptions): Promise<ExperimentResult>;
}

export const mean = (values: readonly number[]): number =>
  values.length === 0 ? Number.NaN : values.reduce((sum, each) => sum + each, 0) / values.length;

/** The value below which this share of all lies. NaN when there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export const rounded = (value: number, digits = 4): number => Number(value.toPrecision(digits));

/** Points of one line, from the rows that a filter lets through, in their order. */
export function pointsOf(
  rows: readonly Row[],
  x: string,
  y: string,
  where: (row: Row) => boolean = () => true,
): [number, number][] {
  return rows
    .filter((row) => where(row) && typeof row[x] === "number" && typeof row[y] === "number")
    .map((row) => [row[x] as number, row[y] as number]);
}
