import { SeededRandom } from "../seeded-random.js";
import type { LinkModel } from "./link-model.js";
import { type Endpoint, Relay } from "./relay.js";

/** Where each node listens, and where the relays that it dials stand. */
export interface Placement {
  /** Address of a node's own sockets. */
  hostOf(node: string): string;
  /** Address of the relay that stands for `listener` where `dialer` is; port 0 takes a free one. */
  relayFor(dialer: string, listener: string): Endpoint;
  /** True where the kernel delays and loses packets itself, so that relays must not do it again. */
  readonly shapesLinks: boolean;
  /** What a node's command line is started with, to run where its address is. */
  wrapperOf(node: string): readonly string[];
}

/** All nodes on the loopback interface of this machine. */
export const loopback: Placement = {
  hostOf: () => "127.0.0.1",
  relayFor: () => ({ host: "127.0.0.1", port: 0 }),
  shapesLinks: false,
  wrapperOf: () => [],
};

/** Relays of all ordered pairs of nodes: nothing passes between two nodes but through one of them. */
export class Relays {
  private constructor(
    private readonly relays: readonly Relay[],
    private readonly endpoints: ReadonlyMap<string, Endpoint>,
  ) {}

  /** @param listening where each node listens for others. */
  static async open(
    listening: ReadonlyMap<string, Endpoint>,
    placement: Placement,
    model: LinkModel,
    seed: number,
  ): Promise<Relays> {
    const random = new SeededRandom(seed);
    const relays: Relay[] = [];
    const endpoints = new Map<string, Endpoint>();
    try {
      for (const dialer of listening.keys()) {
        for (const [listener, target] of listening) {
          if (dialer === listener) continue;
          const listen = placement.relayFor(dialer, listener);
          const relay = new Relay({ dialer, listener, listen, target, model, random });
          relays.push(relay);
          endpoints.set(`${dialer} ${listener}`, await relay.start());
        }
      }
    } catch (error) {
      for (const relay of relays) relay.stop();
      throw error;
    }
    return new Relays(relays, endpoints);
  }

  /** What `dialer` dials to reach `listener`. */
  endpoint(dialer: string, listener: string): Endpoint {
    return this.endpoints.get(`${dialer} ${listener}`)!;
  }

  stop(): void {
    for (const relay of this.relays) relay.stop();
  }
}
