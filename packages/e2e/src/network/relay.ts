import { connect, createServer, type Server, type Socket } from "node:net";
import { ConsiliumError } from "@consilium/crypto";
import type { SeededRandom } from "../seeded-random.js";
import type { LinkModel } from "./link-model.js";
import { Pump } from "./pump.js";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface RelayOptions {
  /** The node that dials this relay, and the one it stands for. */
  readonly dialer: string;
  readonly listener: string;
  /** Where the dialer finds it; port 0 takes a free one. */
  readonly listen: Endpoint;
  /** Where the listener really listens. */
  readonly target: Endpoint;
  readonly model: LinkModel;
  readonly random: SeededRandom;
}

/** A connection that passes through: both its ends, and one pump per direction. */
interface Passage {
  readonly sockets: readonly [Socket, Socket];
  readonly pumps: readonly [Pump, Pump];
}

/**
 * Stands between two nodes for the connections that one of them dials. It moves bytes as the {@link LinkModel} says: a
 * silent cut holds them, connection ends included, as a pulled cable would; a reset breaks what is open.
 */
export class Relay {
  readonly #server: Server;
  readonly #passages = new Set<Passage>();
  /** Dialled while the link was cut: a SYN that nobody answers yet. */
  readonly #waiting = new Set<Socket>();
  readonly #unsubscribe: () => void;

  constructor(private readonly options: RelayOptions) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#dialled(socket));
    this.#unsubscribe = options.model.onChange(() => this.#linkChanged());
  }

  /** @throws ConsiliumError `RELAY_FAILED` when the address cannot be listened on. */
  start(): Promise<Endpoint> {
    const { host, port } = this.options.listen;
    return new Promise((resolve, reject) => {
      this.#server.once("error", (cause) =>
        reject(
          new ConsiliumError(
            "RELAY_FAILED",
            `No relay can listen on ${host}:${port}.`,
            { host, port },
            { cause },
          ),
        ),
      );
      this.#server.listen(port, host, () => {
        const address = this.#server.address();
        resolve({ host, port: typeof address === "object" && address !== null ? address.port : port });
      });
    });
  }

  stop(): void {
    this.#unsubscribe();
    this.#server.close();
    for (const socket of this.#waiting) socket.destroy();
    for (const passage of [...this.#passages]) this.#break(passage);
  }

  #dialled(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#waiting.delete(socket));
    this.#waiting.add(socket);
    this.#tryOpen(socket);
  }

  #tryOpen(socket: Socket): void {
    const blocked = this.#blocked();
    if (blocked === "silent") return;
    this.#waiting.delete(socket);
    if (blocked === "reset") socket.destroy();
    else this.#open(socket);
  }

  /** A connection needs both directions; it breaks when either is reset. */
  #blocked(): "silent" | "reset" | undefined {
    const { model, dialer, listener } = this.options;
    const [out, back] = [model.stateOf(dialer, listener).blocked, model.stateOf(listener, dialer).blocked];
    return out === "reset" || back === "reset" ? "reset" : (out ?? back);
  }

  #open(near: Socket): void {
    const { model, dialer, listener, target, random } = this.options;
    const far = connect({ ...target, allowHalfOpen: true, noDelay: true });
    near.setNoDelay(true);
    far.on("error", () => far.destroy());
    const passage: Passage = {
      sockets: [near, far],
      pumps: [
        new Pump(near, far, () => model.stateOf(dialer, listener), random),
        new Pump(far, near, () => model.stateOf(listener, dialer), random),
      ],
    };
    this.#passages.add(passage);
    const closed = () => {
      if (near.destroyed && far.destroyed) this.#break(passage);
    };
    near.once("close", closed);
    far.once("close", closed);
  }

  #linkChanged(): void {
    for (const socket of [...this.#waiting]) this.#tryOpen(socket);
    const isReset = this.#blocked() === "reset";
    for (const passage of [...this.#passages]) {
      if (isReset) this.#break(passage);
      else for (const pump of passage.pumps) pump.run();
    }
  }

  #break(passage: Passage): void {
    this.#passages.delete(passage);
    for (const pump of passage.pumps) pump.stop();
    for (const socket of passage.sockets) socket.destroy();
  }
}
