import { ConsiliumError, codeOf } from "@consilium/crypto";
import { type GossipTopic, limits, type Transport, type TransportReceiver } from "@consilium/protocol";
import type { SeededRandom } from "../random.js";
import type { SimulatedNetwork } from "./network.js";
import type { Life, Processor } from "./node-clock.js";

type Handler = (from: string, body: Uint8Array) => Promise<Uint8Array>;

/** One gossip message on its way through the mesh; its identity tells copies apart. */
interface Rumour {
  readonly topic: GossipTopic;
  readonly message: Uint8Array;
}

/** Peers to whom a node passes a rumour on; its author tells everybody it is connected to. */
const MESH_DEGREE = 4;
/** Framing of a message on the wire. */
const OVERHEAD_BYTES = 60;

export interface TransportOptions {
  readonly index: number;
  /** Node ids in hex, by index. */
  readonly names: readonly string[];
  readonly network: SimulatedNetwork;
  readonly life: Life;
  readonly processor: Processor;
  readonly random: SeededRandom;
  /** A message over the protocol's limit would never leave a real node. */
  readonly onOversize: (what: string) => void;
}

/** One run of a node on the simulated network. */
export class NodeTransport implements Transport {
  readonly self: string;
  private receiver: TransportReceiver | undefined;
  private readonly handlers = new Map<string, Handler>();
  private readonly heard = new Set<Rumour>();
  /** Machines of a node id: one, or both copies of a twin. */
  private readonly machinesOf = new Map<string, number[]>();

  constructor(private readonly options: TransportOptions) {
    this.self = options.names[options.index]!;
    for (const [index, name] of options.names.entries()) {
      if (index !== options.index) this.machinesOf.set(name, [...(this.machinesOf.get(name) ?? []), index]);
    }
  }

  connected(): readonly string[] {
    return [...new Set(this.peers().map((index) => this.options.names[index]!))];
  }

  send(to: string, message: Uint8Array): void {
    const { index, network, life } = this.options;
    if (life.alive) network.observer.said(index, message);
    for (const peer of this.machinesOf.get(to) ?? []) {
      if (!life.alive || !network.isConnected(index, peer)) continue;
      if (message.length > limits.consensusMessageBytes) this.options.onOversize("consensus message");
      network.observer.sent(index, peer, message);
      this.carry(peer, message.length, (port) => port.receiver?.message(this.self, message));
    }
  }

  broadcast(to: readonly string[], message: Uint8Array): void {
    for (const each of to) this.send(each, message);
  }

  publish(topic: GossipTopic, message: Uint8Array): void {
    if (!this.options.life.alive) return;
    if (message.length > limits.gossipMessageBytes) this.options.onOversize("gossip message");
    const rumour = { topic, message };
    this.heard.add(rumour);
    for (const peer of this.peers()) this.tell(peer, rumour);
  }

  private tell(peer: number, rumour: Rumour): void {
    this.carry(peer, rumour.message.length, (port) => port.hear(this.options.index, rumour));
  }

  private hear(from: number, rumour: Rumour): void {
    if (this.heard.has(rumour) || this.receiver === undefined) return;
    this.heard.add(rumour);
    const { names, random, life } = this.options;
    void this.receiver.gossip(names[from]!, rumour.topic, rumour.message).then((answer) => {
      if (answer !== "accept" || !life.alive) return;
      const others = this.peers().filter((peer) => peer !== from);
      for (const peer of random.shuffle(others).slice(0, MESH_DEGREE)) this.tell(peer, rumour);
    });
  }

  request(
    to: string,
    protocol: string,
    body: Uint8Array,
    { timeoutMs }: { readonly timeoutMs: number },
  ): Promise<Uint8Array> {
    const { index, network, life, processor } = this.options;
    const peer = this.machinesOf.get(to)?.find((machine) => network.isConnected(index, machine));
    return new Promise((resolve, reject) => {
      if (!life.alive) return;
      if (peer === undefined) {
        reject(new ConsiliumError("REQUEST_UNREACHABLE", "The peer is not connected; ask another one."));
        return;
      }
      const deadline = network.queue.after(timeoutMs, () =>
        processor.run(life, () =>
          reject(new ConsiliumError("REQUEST_TIMEOUT", "The peer did not answer in time.")),
        ),
      );
      const settle = (finish: () => void): void => {
        deadline.cancel();
        finish();
      };
      this.carry(peer, body.length, (port) =>
        port.answer(this.options.index, protocol, body, {
          resolve: (answer) => settle(() => resolve(answer)),
          reject: (error) => settle(() => reject(error)),
        }),
      );
    });
  }

  private answer(from: number, protocol: string, body: Uint8Array, asker: Asker): void {
    const handler = this.handlers.get(protocol);
    const { names } = this.options;
    const served =
      handler === undefined
        ? Promise.reject(new ConsiliumError("REQUEST_UNKNOWN_PROTOCOL", "The peer does not serve that."))
        : handler(names[from]!, body);
    served.then(
      (answer) => {
        if (answer.length > limits.responseBytes) this.options.onOversize(`${protocol} response`);
        this.carry(from, answer.length, () => asker.resolve(answer));
      },
      (error: unknown) => {
        const sentence = error instanceof Error ? error.message : String(error);
        this.carry(from, sentence.length, () => asker.reject(new ConsiliumError(codeOf(error), sentence)));
      },
    );
  }

  /** Over the line to the peer's run of this moment; a later run gets nothing of it. */
  private carry(peer: number, sizeBytes: number, deliver: (port: NodeTransport) => void): void {
    const { index, network, life } = this.options;
    const port = network.port(peer);
    if (!life.alive || port === undefined) return;
    network.carry(index, peer, sizeBytes + OVERHEAD_BYTES, () =>
      port.options.processor.run(port.options.life, () => deliver(port)),
    );
  }

  receive(receiver: TransportReceiver): void {
    this.receiver = receiver;
    const { network, index, life } = this.options;
    if (life.alive) network.join(index, this);
  }

  serve(protocol: string, handler: Handler): void {
    this.handlers.set(protocol, handler);
  }

  peerConnected(peer: number): void {
    const { life, processor, names } = this.options;
    processor.run(life, () => this.receiver?.connected(names[peer]!));
  }

  peerDisconnected(peer: number): void {
    const { life, processor, names } = this.options;
    processor.run(life, () => this.receiver?.disconnected(names[peer]!));
  }

  private peers(): number[] {
    const { index, names, network } = this.options;
    const peers: number[] = [];
    for (let peer = 0; peer < names.length; peer++) {
      // Two copies of a twin do not know of each other.
      if (names[peer] !== this.self && network.isConnected(index, peer)) peers.push(peer);
    }
    return peers;
  }
}

interface Asker {
  resolve(answer: Uint8Array): void;
  reject(error: unknown): void;
}
