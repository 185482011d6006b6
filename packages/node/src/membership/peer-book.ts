import { fromHex, toHex } from "@consilium/crypto";
import { queries } from "@consilium/ledger";
import type { StateReader } from "@consilium/protocol";
import { type MemberAddress, nodeIdOfAddress } from "../network/index.js";

/** Before the chain runs nobody is known. */
const NOTHING: StateReader = { get: () => undefined };
/** Addresses kept of one member that others told of. */
const LEARNED_ADDRESSES_MAX = 4;

/**
 * Whom this node talks to, from the finalized state: the members, and whoever still sits in a set of validators. Where
 * they are comes from the config, and for those that joined later from other members.
 */
export class PeerBook {
  readonly #configured = new Map<string, string[]>();
  readonly #learned = new Map<string, readonly string[]>();
  #state: () => StateReader = () => NOTHING;

  /**
   * @param self this node's own id, hex.
   * @param configured multiaddrs that end with /p2p/ and the peer's id.
   */
  constructor(
    private readonly self: string,
    configured: readonly string[],
  ) {
    for (const address of configured) {
      const nodeId = nodeIdOfAddress(address);
      if (nodeId === undefined) continue;
      this.#configured.set(nodeId, [...(this.#configured.get(nodeId) ?? []), address]);
    }
  }

  /** The finalized state of the alliance chain, once it runs. */
  follow(state: () => StateReader): void {
    this.#state = state;
  }

  /**
   * Whether to talk to a node. One that the config names and the state has never heard of may have joined after the block
   * at which this node stands: it is dialled, and decides for itself whether this node is a member. Nobody unknown is
   * let in, so a node that was not admitted yet stays outside.
   */
  admits(nodeId: string, way: "in" | "out"): boolean {
    if (!/^[0-9a-f]{64}$/.test(nodeId)) return false;
    const state = this.#state();
    const node = fromHex(nodeId);
    if (queries.isPeer(state, node)) return true;
    return way === "out" && this.#configured.has(nodeId) && queries.memberOf(state, node) === undefined;
  }

  /** Everybody else to keep a connection to, with the addresses that are known. */
  members(): MemberAddress[] {
    const state = this.#state();
    const present = queries.presentEpoch(state);
    const seats = [...queries.validators(state, present), ...queries.validators(state, present + 1)];
    const nodes = [...queries.members(state).map(({ nodeKey }) => nodeKey), ...seats].map(toHex);
    return [...new Set([...nodes, ...this.#configured.keys()])]
      .filter((nodeId) => nodeId !== this.self && this.admits(nodeId, "out"))
      .map((nodeId) => ({ nodeId, addresses: this.#addressesOf(nodeId) }));
  }

  /** Members without a known address. */
  homeless(): string[] {
    return this.members().flatMap(({ nodeId, addresses }) => (addresses.length === 0 ? [nodeId] : []));
  }

  /** Keeps what another member says of where a member is. It is a hint: whoever answers there proves who it is. */
  learn(nodeId: string, addresses: readonly string[]): boolean {
    if (this.#configured.has(nodeId) || addresses.length === 0) return false;
    if (!this.members().some((member) => member.nodeId === nodeId)) return false;
    this.#learned.set(nodeId, addresses.slice(0, LEARNED_ADDRESSES_MAX));
    return true;
  }

  #addressesOf(nodeId: string): readonly string[] {
    return this.#configured.get(nodeId) ?? this.#learned.get(nodeId) ?? [];
  }
}
