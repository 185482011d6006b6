import type { Application } from "@consilium/ledger";
import type { Clock, Genesis, Log, Random, StateReader, Store, Transport } from "@consilium/protocol";

/** Who this node is on the chain. Without a vote key it follows. */
export interface ChainIdentity {
  /** Ed25519 node key, 32 bytes: node id and author of its blocks. */
  readonly nodeId: Uint8Array;
  /** BLS secret key, 32 bytes, of a validator. Owned by the caller, who zeroises it after `stop`. */
  readonly voteSecretKey?: Uint8Array;
}

/** Everything a driver touches: ports, the application and the identity. */
export interface ChainDriverOptions {
  readonly genesis: Genesis;
  readonly application: Application;
  readonly identity: ChainIdentity;
  /** All keys of the chain live below this store; see {@link prefixedStore}. */
  readonly store: Store;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Work besides pending transactions: an open ceremony window, a due expiry. Asked after each block. */
  readonly hasWork?: (state: StateReader) => boolean;
}
