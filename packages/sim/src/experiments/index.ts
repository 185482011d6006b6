import { comparison } from "./comparison.js";
import type { Experiment } from "./experiment.js";
import { faultyDelegates } from "./faulty-delegates.js";
import { finalityLatency } from "./finality-latency.js";
import { tenure } from "./tenure.js";
import { throughput } from "./throughput.js";

export const experiments: readonly Experiment[] = [
  finalityLatency,
  throughput,
  comparison,
  faultyDelegates,
  tenure,
];
