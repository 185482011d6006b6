import type { HttpApi } from "@consilium/client";
import type { Witness } from "../check/witness.js";
import type { Manifest } from "../manifest/schema.js";
import { loopback, type Placement } from "../network/relays.js";
import { until } from "../pause.js";
import { type Act, isLinkAct, type Step } from "../plan/plan.js";
import { type FoundedAlliance, foundAlliance, type NodeFiles } from "./alliance.js";
import { consilium, type Preload } from "./command.js";
import { type MemberSigner, openMemberSigner } from "./member-signer.js";
import { apiOf } from "./node-client.js";
import { NodeProcess } from "./node-process.js";

type NodeAct = Exclude<Act, { act: "disconnect" | "partition" | "slow" }>;

/** One node of a run: its process, its public API, and how often what was done to it. */
export interface RunNode {
  readonly name: string;
  readonly files: NodeFiles;
  readonly process: NodeProcess;
  readonly api: HttpApi;
  readonly signer: MemberSigner;
  starts: number;
  wipes: number;
  /** How often its process ended though nobody asked it to. */
  deaths: number;
  /** Checks at the end that it left unanswered. */
  unanswered: number;
  /** Taken down or halted by a perturbation now, or not started yet. */
  isAway: boolean;
}

const RESTART_PAUSE_MS = 2_000;
const DEATHS_MAX = 10;
const RESET_TIMEOUT_MS = 60_000;

/** The real network of one run: processes, relays between them, and the acts of perturbations on both. */
export class Cluster {
  readonly #stopping = new AbortController();
  readonly #resets: Promise<void>[] = [];

  private constructor(
    readonly alliance: FoundedAlliance,
    readonly nodes: readonly RunNode[],
    private readonly witness: Witness,
    private readonly say: (line: string) => void,
  ) {}

  /** Founds the alliance in a folder; starts nothing. */
  static async found(input: {
    readonly manifest: Manifest;
    readonly dir: string;
    readonly witness: Witness;
    readonly say: (line: string) => void;
    readonly placement?: Placement;
  }): Promise<Cluster> {
    const { manifest, dir, witness, say, placement = loopback } = input;
    const alliance = await foundAlliance(manifest, dir, placement);
    const nodes: RunNode[] = [];
    for (const files of alliance.nodes) {
      const signer = await openMemberSigner(files);
      const process = new NodeProcess({
        files,
        wrapper: placement.wrapperOf(files.name),
        ...conductOf(manifest.byzantine[files.name]),
        onDeath: (reason) => cluster.#died(files.name, reason),
      });
      const counters = { starts: 0, wipes: 0, deaths: 0, unanswered: 0, isAway: true };
      nodes.push({ name: files.name, files, process, api: apiOf(files, signer), signer, ...counters });
    }
    const cluster = new Cluster(alliance, nodes, witness, say);
    return cluster;
  }

  nodesUp(): RunNode[] {
    return this.nodes.filter((node) => !node.isAway && node.process.isRunning);
  }

  start(names: readonly string[]): void {
    for (const node of this.#named(names)) {
      node.isAway = false;
      node.starts += 1;
      node.process.start();
    }
  }

  /** Does a step of the plan, or undoes it. Resolves when the processes have followed. */
  async perform({ id, phase, act }: Step): Promise<void> {
    if (isLinkAct(act)) {
      if (phase === "begin") this.alliance.links.begin(id, act);
      else this.alliance.links.end(id);
    } else if (phase === "begin") await this.#begin(act);
    else this.#end(act);
  }

  /** Ends every process, paused ones too, and the relays. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#resets);
    await Promise.all(
      this.nodes.map(async (node) => {
        node.isAway = true;
        node.process.goOn();
        await node.process.stop();
        node.signer.forget();
      }),
    );
    this.alliance.relays.stop();
  }

  async #begin(act: NodeAct): Promise<void> {
    const nodes = this.#named(act.nodes);
    if (act.act === "late") return;
    if (act.act !== "skew") for (const node of nodes) node.isAway = true;
    await Promise.all(nodes.map((node) => this.#strike(node, act)));
  }

  async #strike(node: RunNode, act: NodeAct): Promise<void> {
    if (act.act === "kill") await node.process.kill();
    if (act.act === "restart") await node.process.stop();
    if (act.act === "pause") node.process.pause();
    if (act.act === "skew") node.process.skewClock(act.milliseconds);
    if (act.act === "wipe") await this.#wipe(node);
  }

  #end(act: NodeAct): void {
    if (act.act === "skew") for (const node of this.#named(act.nodes)) node.process.skewClock(0);
    else if (act.act === "pause") {
      for (const node of this.#named(act.nodes)) {
        node.isAway = false;
        node.process.goOn();
      }
    } else {
      this.start(act.nodes);
      if (act.act === "wipe" && act.reset) for (const node of this.#named(act.nodes)) this.#reset(node);
    }
  }

  /** As an operator would when the node answers again; tried until the node takes it. */
  #reset(node: RunNode): void {
    const reset = async () => {
      try {
        await consilium(["safety", "reset", "--config", node.files.configFile, "--no-wait"]);
        this.say(`  ${node.name} asked for a reset of its safety record`);
        return true;
      } catch {
        return node.isAway;
      }
    };
    const limits = {
      timeoutMs: RESET_TIMEOUT_MS,
      signal: this.#stopping.signal,
      intervalMs: RESTART_PAUSE_MS,
    };
    const asked = until(reset, limits).then((isDone) => {
      if (!isDone && !this.#stopping.signal.aborted)
        this.witness.violated(
          "NO_ANSWER",
          `${node.name} took no safety reset in ${RESET_TIMEOUT_MS / 1_000} s.`,
        );
    });
    this.#resets.push(asked);
  }

  async #wipe(node: RunNode): Promise<void> {
    await node.process.wipe();
    node.wipes += 1;
    this.witness.wiped(node.name);
  }

  /** A node that ends by itself is a finding; it is started again after a pause, as a supervisor would. */
  #died(name: string, reason: string): void {
    const node = this.#named([name])[0]!;
    node.deaths += 1;
    const isLast = node.deaths >= DEATHS_MAX;
    this.witness.violated("NODE_DIED", `${name}'s process ended by itself (${reason}); see its node.log.`);
    this.say(
      `! ${name}'s process ended by itself (${reason}); ${isLast ? "it stays down" : "starting it again"}`,
    );
    if (isLast) return;
    setTimeout(() => {
      if (!node.isAway) this.start([name]);
    }, RESTART_PAUSE_MS).unref();
  }

  #named(names: readonly string[]): RunNode[] {
    return this.nodes.filter(({ name }) => names.includes(name));
  }
}

/** How a node's process is started: a Byzantine one with what makes it misbehave. */
function conductOf(behaviour: string | undefined): {
  readonly preloads: readonly Preload[];
  readonly environment: Readonly<Record<string, string>>;
} {
  if (behaviour === undefined) return { preloads: ["clock-skew"], environment: {} };
  return { preloads: ["clock-skew", "byzantine"], environment: { CONSILIUM_E2E_BYZANTINE: behaviour } };
}
