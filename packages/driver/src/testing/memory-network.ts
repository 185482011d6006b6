import { ConsiliumError } from "@consilium/crypto";
import type { Clock, GossipTopic, Transport, TransportReceiver } from "@consilium/protocol";

type Handler = (from: string, body: Uint8Array) => Promise<Uint8Array>;

/** Transports in one process: full mesh, a fixed delay, and nodes that can be taken off and put back. */
export class MemoryNetwork {
  private readonly ports = new Map<string, MemoryTransport>();
  /** Sees every consensus message before it is delivered; false loses it. */
  filter: (from: string, to: string, message: Uint8Array) => boolean = () => true;

  constructor(
    readonly clock: Clock,
    readonly delayMs = 1,
  ) {}

  /** A new port for a node; it replaces an older one, as after a restart. */
  join(self: string): MemoryTransport {
    this.leave(self);
    const port = new MemoryTransport(self, this);
    this.ports.set(self, port);
    return port;
  }

  leave(self: string): void {
    const port = this.ports.get(self);
    if (port === undefined) return;
    this.ports.delete(self);
    for (const other of this.ports.values()) if (port.ready) other.receiver?.disconnected(self);
  }

  others(self: string): MemoryTransport[] {
    if (!this.ports.has(self)) return [];
    return [...this.ports.values()].filter((port) => port.self !== self && port.ready);
  }

  /** Called once the port has its receiver: from then on the node counts as connected. */
  announce(port: MemoryTransport): void {
    for (const other of this.others(port.self)) other.receiver?.connected(port.self);
  }

  later(work: () => void): void {
    this.clock.setTimer(this.delayMs, work);
  }
}

export class MemoryTransport implements Transport {
  receiver: TransportReceiver | undefined;
  readonly handlers = new Map<string, Handler>();
  /** Gossip answers of this node, for tests of verdicts. */
  readonly gossipAnswers: string[] = [];

  constructor(
    readonly self: string,
    private readonly network: MemoryNetwork,
  ) {}

  get ready(): boolean {
    return this.receiver !== undefined;
  }

  connected(): readonly string[] {
    return this.network.others(this.self).map(({ self }) => self);
  }

  send(to: string, message: Uint8Array): void {
    this.network.later(() => {
      const port = this.network.others(this.self).find(({ self }) => self === to);
      if (port !== undefined && this.network.filter(this.self, to, message))
        port.receiver?.message(this.self, message);
    });
  }

  broadcast(to: readonly string[], message: Uint8Array): void {
    for (const each of to) this.send(each, message);
  }

  publish(topic: GossipTopic, message: Uint8Array): void {
    this.network.later(() => {
      for (const port of this.network.others(this.self)) {
        void port.receiver
          ?.gossip(this.self, topic, message)
          .then((answer) => port.gossipAnswers.push(answer));
      }
    });
  }

  request(
    to: string,
    protocol: string,
    body: Uint8Array,
    { timeoutMs }: { timeoutMs: number },
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const { clock } = this.network;
      const deadline = clock.setTimer(timeoutMs, () => reject(failure("REQUEST_TIMEOUT")));
      const refuse = (error: unknown) => {
        deadline.cancel();
        reject(error);
      };
      const answer = (bytes: Uint8Array) => {
        deadline.cancel();
        resolve(bytes);
      };
      this.network.later(() => {
        const handler = this.network
          .others(this.self)
          .find(({ self }) => self === to)
          ?.handlers.get(protocol);
        if (handler === undefined) refuse(failure("REQUEST_UNREACHABLE"));
        else handler(this.self, body).then((bytes) => this.network.later(() => answer(bytes)), refuse);
      });
    });
  }

  receive(receiver: TransportReceiver): void {
    this.receiver = receiver;
    this.network.announce(this);
  }

  serve(protocol: string, handler: Handler): void {
    this.handlers.set(protocol, handler);
  }
}

const failure = (code: string): ConsiliumError => new ConsiliumError(code, "The peer did not answer.");
