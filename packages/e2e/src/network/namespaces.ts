import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ConsiliumError } from "@consilium/crypto";
import type { LinkQuality } from "./link-model.js";
import type { Placement } from "./relays.js";

const run = promisify(execFile);

/** Relays of a node listen on consecutive ports of the hub's end of its link. */
const RELAY_PORT_FIRST = 20_000;
/** Names of one run's namespaces start so, followed by the process id of the outer runner. */
const PREFIX = "consilium-e2e";

/** Where one node lives: its namespace, and both ends of the one link that leads out of it. */
interface NodeSpace {
  readonly node: string;
  readonly namespace: string;
  /** 10.203.i.2 inside, 10.203.i.1 at the hub; neither exists outside the run's own namespaces. */
  readonly address: string;
  readonly hubAddress: string;
}

/**
 * Network namespaces of one run on Linux: one per node, and a hub in which the runner and its relays live. A node has
 * one link, to the hub, and no route beyond it; so nothing passes between two nodes but through the runner's relays.
 */
export class Namespaces {
  private constructor(
    readonly hub: string,
    private readonly spaces: readonly NodeSpace[],
  ) {}

  /** Those of an outer runner with this name; makes nothing. */
  static named(hub: string, nodes: readonly string[]): Namespaces {
    const spaces = nodes.map((node, index) => ({
      node,
      namespace: `${hub}-${index + 1}`,
      address: `10.203.${index + 1}.2`,
      hubAddress: `10.203.${index + 1}.1`,
    }));
    return new Namespaces(hub, spaces);
  }

  /**
   * Makes all namespaces and links. What was made is removed again when a part fails.
   * @throws ConsiliumError `NETNS_UNAVAILABLE` with what the system said.
   */
  static async create(nodes: readonly string[]): Promise<Namespaces> {
    if (process.platform !== "linux") throw unavailable("network namespaces exist on Linux only");
    const namespaces = Namespaces.named(`${PREFIX}-${process.pid}`, nodes);
    try {
      await ip("netns", "add", namespaces.hub);
      await ip("-n", namespaces.hub, "link", "set", "lo", "up");
      for (const [index, space] of namespaces.spaces.entries())
        await namespaces.#link(space, `node${index + 1}`);
      return namespaces;
    } catch (cause) {
      await namespaces.remove();
      const said = (cause as { stderr?: string }).stderr?.trim() || String(cause);
      throw unavailable(said, cause);
    }
  }

  /** The program and arguments before a command that shall run in the hub. */
  get hubWrapper(): readonly string[] {
    return ["ip", "netns", "exec", this.hub];
  }

  /** Where nodes and relays listen. `shapesLinks`: the kernel delays and loses packets, see {@link shape}. */
  placement(shapesLinks: boolean): Placement {
    const spaceOf = (node: string) => this.spaces.find((space) => space.node === node)!;
    return {
      hostOf: (node) => spaceOf(node).address,
      relayFor: (dialer, listener) => {
        const index = this.spaces.findIndex((space) => space.node === listener);
        return { host: spaceOf(dialer).hubAddress, port: RELAY_PORT_FIRST + index };
      },
      shapesLinks,
      wrapperOf: (node) => ["ip", "netns", "exec", spaceOf(node).namespace],
    };
  }

  /**
   * Lets the kernel delay and lose what nodes send (tc netem).
   * @returns false where this kernel has no netem: the relays then do it in user space.
   */
  async shape({ delayMs, jitterMs, lossPercent, kilobytesPerSecond }: LinkQuality): Promise<boolean> {
    const rate = kilobytesPerSecond === undefined ? [] : ["rate", `${kilobytesPerSecond * 8}kbit`];
    const netem = ["netem", "delay", `${delayMs}ms`, `${jitterMs}ms`, "loss", `${lossPercent}%`, ...rate];
    try {
      for (const { namespace } of this.spaces) {
        await run("tc", ["-n", namespace, "qdisc", "add", "dev", "eth0", "root", ...netem]);
      }
      return true;
    } catch {
      // A part that took it must not delay what the relays delay again.
      for (const { namespace } of this.spaces) {
        await run("tc", ["-n", namespace, "qdisc", "del", "dev", "eth0", "root"]).catch(() => undefined);
      }
      return false;
    }
  }

  /** Removes all of them, links included; harmless when some are gone. */
  async remove(): Promise<void> {
    for (const name of [...this.spaces.map(({ namespace }) => namespace), this.hub]) {
      await ip("netns", "del", name).catch(() => undefined);
    }
  }

  async #link({ namespace, address, hubAddress }: NodeSpace, hubEnd: string): Promise<void> {
    const { hub } = this;
    await ip("netns", "add", namespace);
    await ip("-n", namespace, "link", "set", "lo", "up");
    await ip("-n", hub, "link", "add", hubEnd, "type", "veth", "peer", "name", "eth0", "netns", namespace);
    await ip("-n", hub, "address", "add", `${hubAddress}/30`, "dev", hubEnd);
    await ip("-n", namespace, "address", "add", `${address}/30`, "dev", "eth0");
    await ip("-n", hub, "link", "set", hubEnd, "up");
    await ip("-n", namespace, "link", "set", "eth0", "up");
  }
}

const ip = (...args: string[]) => run("ip", args);

function unavailable(said: string, cause?: unknown): ConsiliumError {
  const sentence = `Nodes cannot have network namespaces here (${said}); run as root on Linux with iproute2 installed.`;
  return new ConsiliumError("NETNS_UNAVAILABLE", sentence, {}, { cause });
}
