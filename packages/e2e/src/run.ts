import { setMaxListeners } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { routes } from "@consilium/client";
import { ConsiliumError } from "@consilium/crypto";
import { checkConvictions } from "./check/convictions.js";
import { readByProofs } from "./check/light-reader.js";
import { observe } from "./check/observer.js";
import { sweep } from "./check/sweep.js";
import { Witness } from "./check/witness.js";
import { Cluster } from "./cluster/cluster.js";
import { compile } from "./cluster/command.js";
import { Load } from "./load/load.js";
import type { Manifest } from "./manifest/schema.js";
import type { Placement } from "./network/relays.js";
import { pause, until } from "./pause.js";
import { describeStep, planOf, type Step } from "./plan/plan.js";
import { type Compared, type Report, reportOf } from "./report.js";
import { SeededRandom } from "./seeded-random.js";

export interface RunOptions {
  /** Folder for genesis, keystores, data and logs of this run; must not hold an alliance yet. */
  readonly dir: string;
  /** Told one line at a time what happens. */
  readonly say?: (line: string) => void;
  /** Ends the run early, in order; the report then says so. */
  readonly signal?: AbortSignal;
  /** Where nodes live; on the loopback interface when absent. */
  readonly placement?: Placement;
  /** False when the caller has compiled the sources already. */
  readonly compiles?: boolean;
}

/** A node that starts reads its keystores and chain; on a busy machine that takes a while. */
const START_TIMEOUT_MS = 90_000;
/** New final heights that every node must report after the last perturbation. */
const NEW_HEIGHTS = 3;
const PROGRESS_INTERVAL_MS = 10_000;

/**
 * Runs a manifest: founds the alliance, starts its nodes, submits load, perturbs, waits until the network has recovered,
 * and checks that nothing reported final was lost, doubled or changed. All processes are ended when it returns.
 *
 * @throws ConsiliumError `E2E_NODE_NOT_UP` when a node does not start at all, `E2E_COMMAND_FAILED`, `RELAY_FAILED`. What
 * the nodes do wrong is no exception but a violation in the report.
 */
export async function runManifest(manifest: Manifest, options: RunOptions): Promise<Report> {
  const { dir, signal = new AbortController().signal, say = () => {} } = options;
  // Every pause of the run listens to it.
  setMaxListeners(0, signal);
  const startedMs = performance.now();
  const witness = new Witness(() => performance.now() - startedMs);
  mkdirSync(dir, { recursive: true });
  if (options.compiles !== false) await compile();
  const cluster = await Cluster.found({
    manifest,
    dir: join(dir, "alliance"),
    witness,
    say,
    ...(options.placement === undefined ? {} : { placement: options.placement }),
  });
  try {
    return await new Run(manifest, cluster, witness, say, signal).run();
  } finally {
    await cluster.stop();
  }
}

/** One run from the first start to the last check. */
class Run {
  readonly #random: SeededRandom;
  readonly #epochs = new Map<string, number>();
  readonly #observing = new AbortController();

  constructor(
    private readonly manifest: Manifest,
    private readonly cluster: Cluster,
    private readonly witness: Witness,
    private readonly say: (line: string) => void,
    private readonly signal: AbortSignal,
  ) {
    this.#random = new SeededRandom(manifest.seed);
    setMaxListeners(0, this.#observing.signal);
  }

  async run(): Promise<Report> {
    await this.#startFirst();
    const load = new Load({
      chainId: this.cluster.alliance.chainId,
      settings: this.manifest.load,
      seed: this.manifest.seed,
      witness: this.witness,
      nodesUp: () => this.cluster.nodesUp(),
    });
    const { nodes } = this.cluster;
    const observed = observe(nodes, this.witness, this.#random, this.#epochs, this.#observing.signal);
    let compared: Compared | undefined;
    let resumedMs: number | undefined;
    try {
      await this.#perturb(load);
      resumedMs = await this.#resume();
      await this.#settle(load);
      await load.stop();
      if (!this.signal.aborted && resumedMs !== undefined) compared = await this.#compare(load);
    } finally {
      await load.stop();
      this.#observing.abort();
      await observed;
    }
    return reportOf({
      ...{ manifest: this.manifest, cluster: this.cluster, witness: this.witness, load },
      ...{ epochs: this.#epochs, compared, resumedMs, isInterrupted: this.signal.aborted },
    });
  }

  /** The last checks, when the network is whole and nothing is under way any more. */
  async #compare(load: Load): Promise<Compared> {
    const { nodes, alliance } = this.cluster;
    const { byzantine, late } = this.manifest;
    const upTo = Math.min(...nodes.map(({ name }) => this.witness.heightOf(name)));
    this.say(
      `comparing ${upTo} blocks and ${this.witness.transactions.size} transactions on ${nodes.length} nodes`,
    );
    const swept = await sweep(nodes, this.witness, load.accounts, upTo, (name) => name in late);
    const convicted = await checkConvictions(nodes, byzantine, this.witness);
    const proven = await readByProofs(nodes, alliance.genesis, load.accounts, this.witness);
    return { ...swept, proven, convicted };
  }

  async #startFirst(): Promise<void> {
    const late = new Set(Object.keys(this.manifest.late));
    const first = this.cluster.nodes.filter(({ name }) => !late.has(name));
    this.cluster.start(first.map(({ name }) => name));
    this.say(`starting ${first.length} nodes of ${this.cluster.nodes.length}`);
    const answers = await Promise.all(
      first.map(async (node) => {
        const isUp = () =>
          node.api.call(routes.status, {}).then(
            () => true,
            () => false,
          );
        return until(isUp, { timeoutMs: START_TIMEOUT_MS, signal: this.signal });
      }),
    );
    const missing = first.find((_, index) => answers[index] === false);
    if (missing === undefined || this.signal.aborted) return;
    throw new ConsiliumError(
      "E2E_NODE_NOT_UP",
      `${missing.name} did not answer within ${START_TIMEOUT_MS / 1_000} s; read ${missing.files.dir}/node.log.`,
      { node: missing.name },
    );
  }

  /** Load and perturbations side by side, for as long as the manifest says. */
  async #perturb(load: Load): Promise<void> {
    const startedMs = performance.now();
    const ending = new AbortController();
    const over = AbortSignal.any([ending.signal, this.signal]);
    setMaxListeners(0, over);
    const loading = load.run(over);
    const progress = setInterval(() => this.#tell(load, performance.now() - startedMs), PROGRESS_INTERVAL_MS);
    try {
      for (const step of planOf(this.manifest)) {
        await pause(startedMs + step.atMs - performance.now(), over);
        if (this.signal.aborted) return;
        await this.#perform(step);
      }
      await pause(startedMs + this.manifest.durationSeconds * 1_000 - performance.now(), over);
    } finally {
      clearInterval(progress);
      ending.abort();
      await loading;
    }
  }

  async #perform(step: Step): Promise<void> {
    this.say(describeStep(step));
    await this.cluster.perform(step);
  }

  /**
   * Waits until every node reports heights above all that were final when the perturbations had ended.
   * @returns how long that took, or undefined when it took too long.
   */
  async #resume(): Promise<number | undefined> {
    const target = this.witness.highest + NEW_HEIGHTS;
    const timeoutMs = this.manifest.resumeWithinSeconds * 1_000;
    const startedMs = performance.now();
    const behind = () => this.cluster.nodes.filter(({ name }) => this.witness.heightOf(name) < target);
    this.say(`perturbations are over; waiting for height ${target} on all nodes`);
    const isBack = await until(() => behind().length === 0, { timeoutMs, signal: this.signal });
    if (isBack) return Math.round(performance.now() - startedMs);
    if (!this.signal.aborted) {
      const stand = behind().map(({ name }) => `${name} at ${this.witness.heightOf(name)}`);
      const sentence = `${timeoutMs / 1_000} s after the last perturbation height ${target} is missing: ${stand.join(", ")}.`;
      this.witness.violated("NOT_RESUMED", sentence);
    }
    return undefined;
  }

  /** What was submitted becomes final once the network is whole. */
  async #settle(load: Load): Promise<void> {
    const timeoutMs = this.manifest.resumeWithinSeconds * 1_000;
    const isSettled = await until(() => load.underWay === 0, { timeoutMs, signal: this.signal });
    if (isSettled || this.signal.aborted) return;
    const sentence = `${load.underWay} transactions were not final ${timeoutMs / 1_000} s after the network was whole again.`;
    this.witness.violated("NOT_SETTLED", sentence);
  }

  #tell(load: Load, passedMs: number): void {
    const heights = this.cluster.nodes.map(({ name }) => this.witness.heightOf(name)).join(" ");
    const { violations, transactions } = this.witness;
    const bad = violations.length === 0 ? "" : `, ${violations.length} VIOLATIONS`;
    this.say(
      `${(passedMs / 1_000).toFixed(0).padStart(5)}   s  heights ${heights}; ${transactions.size} transactions final, ${load.underWay} under way${bad}`,
    );
  }
}
