/** Time. The real clock, or the simulator's. */
export interface Clock {
  /** Unix milliseconds. */
  nowMs(): number;
  /** Calls back once after `delayMs`; the handle cancels. */
  setTimer(delayMs: number, callback: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Randomness: the platform's secure source, or the simulator's seed. */
export interface Random {
  bytes(length: number): Uint8Array;
}

/** One change of a {@link Store}; `value` undefined deletes. */
export interface StoreChange {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

export interface StoreRange {
  /** Inclusive lower bound. */
  readonly from: Uint8Array;
  /** Exclusive upper bound. */
  readonly to: Uint8Array;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/**
 * An ordered key-value store (bytes compare lexicographically). A batch is atomic; `sync: true` means durable
 * before the promise resolves. Reads are synchronous, because that is several times faster on LevelDB and a
 * ledger that waits for each key would spend its time waiting.
 *
 * Throws ConsiliumError `STORE_CORRUPT` when a value fails its checksum, `STORE_CLOSED` after close.
 */
export interface Store extends StateReader {
  batch(changes: readonly StoreChange[], options?: { readonly sync?: boolean }): Promise<void>;
  /** The entries as they are at the moment of this call, in the order of their keys, whatever is written meanwhile. */
  range(range: StoreRange): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>;
  close(): Promise<void>;
}

/** A read-only view of keys and values. */
export interface StateReader {
  get(key: Uint8Array): Uint8Array | undefined;
}

/** A structured log. Fields never hold secrets or health data. */
export interface Log {
  debug(fields: LogFields, event: string): void;
  info(fields: LogFields, event: string): void;
  warn(fields: LogFields, event: string): void;
  error(fields: LogFields, event: string): void;
  child(fields: LogFields): Log;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** How a chain's driver reaches the other nodes. Node ids are Ed25519 public keys, lower-case hex. */
export interface Transport {
  readonly self: string;
  /** Node ids of the members connected now. */
  connected(): readonly string[];
  /** A message to one validator over the long-lived consensus stream; lost silently when it is not connected. */
  send(to: string, message: Uint8Array): void;
  /** The same message to every connected member of `to`. */
  broadcast(to: readonly string[], message: Uint8Array): void;
  /** Gossip to all full nodes of the chain. */
  publish(topic: GossipTopic, message: Uint8Array): void;
  /** One request, one response. Throws ConsiliumError `REQUEST_TIMEOUT`, `REQUEST_UNREACHABLE` or the peer's refusal code. */
  request(
    to: string,
    protocol: string,
    body: Uint8Array,
    options: { readonly timeoutMs: number },
  ): Promise<Uint8Array>;
  /** Installs the receiver; called once before start. */
  receive(receiver: TransportReceiver): void;
  /** Answers requests of a protocol. A thrown ConsiliumError becomes the refusal `code: sentence` at the asker. */
  serve(protocol: string, handler: (from: string, body: Uint8Array) => Promise<Uint8Array>): void;
}

export type GossipTopic = "blocks" | "transactions";

export interface TransportReceiver {
  /** A consensus stream message. */
  message(from: string, message: Uint8Array): void;
  /** A gossip message, validated before it is forwarded: accept forwards, ignore drops, reject also charges the peer. */
  gossip(from: string, topic: GossipTopic, message: Uint8Array): Promise<"accept" | "ignore" | "reject">;
  connected(peer: string): void;
  disconnected(peer: string): void;
}
