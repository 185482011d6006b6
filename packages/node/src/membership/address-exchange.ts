import { codeOf, fromHex, toHex, utf8 } from "@consilium/crypto";
import {
  B32,
  bytesUpTo,
  ContainerType,
  decodeStrict,
  ListCompositeType,
  type Log,
  limits,
  type Transport,
  type ValueOf,
} from "@consilium/protocol";
import { multiaddr } from "@multiformats/multiaddr";
import type { Network } from "../network/index.js";
import type { PeerBook } from "./peer-book.js";

/** Asks where the members are that the answering node is connected to. The request is empty. */
export const ADDRESSES_PROTOCOL = "addresses/1";

const ADDRESS_BYTES_MAX = 256;
const ADDRESSES_MAX = 8;
const TIMEOUT_MS = 5_000;

const KnownAddresses = new ListCompositeType(
  new ContainerType({
    node: B32,
    /** Multiaddrs, ASCII. */
    addresses: new ListCompositeType(bytesUpTo(ADDRESS_BYTES_MAX), ADDRESSES_MAX),
  }),
  limits.membersMax,
);
type KnownAddresses = ValueOf<typeof KnownAddresses>;

export interface AddressPorts {
  readonly book: PeerBook;
  readonly network: Pick<Network, "addressesOf" | "connectedPeers">;
  readonly transport: Pick<Transport, "request">;
  readonly log: Log;
}

/** How members that joined at different times find each other: each says where those are that it is connected to. */
export class AddressExchange {
  #asking = false;

  constructor(private readonly ports: AddressPorts) {}

  /** addresses/1 for a connected member. */
  async serve(from: string): Promise<Uint8Array> {
    const { network } = this.ports;
    const known: KnownAddresses = [];
    for (const nodeId of network.connectedPeers()) {
      if (nodeId === from) continue;
      const addresses = await network.addressesOf(nodeId);
      const encoded = addresses.map(utf8).filter(({ length }) => length <= ADDRESS_BYTES_MAX);
      if (encoded.length > 0)
        known.push({ node: fromHex(nodeId), addresses: encoded.slice(0, ADDRESSES_MAX) });
    }
    return KnownAddresses.serialize(known.slice(0, limits.membersMax));
  }

  /** Asks the connected members for those whose address is unknown; true when something new was learned. */
  async ask(): Promise<boolean> {
    const { book, network } = this.ports;
    const online = new Set(network.connectedPeers());
    const missing = new Set(book.homeless().filter((nodeId) => !online.has(nodeId)));
    if (this.#asking || missing.size === 0) return false;
    this.#asking = true;
    try {
      const answers = await Promise.all([...online].map((nodeId) => this.#answerOf(nodeId)));
      return answers
        .flat()
        .filter(({ node }) => missing.has(toHex(node)))
        .map(({ node, addresses }) => book.learn(toHex(node), addresses.map(ascii).filter(isMultiaddr)))
        .includes(true);
    } finally {
      this.#asking = false;
    }
  }

  async #answerOf(nodeId: string): Promise<KnownAddresses> {
    const { transport, log } = this.ports;
    try {
      const options = { timeoutMs: TIMEOUT_MS };
      const answer = await transport.request(nodeId, ADDRESSES_PROTOCOL, new Uint8Array(), options);
      return decodeStrict(KnownAddresses, answer, "addresses");
    } catch (error) {
      log.debug({ peer: nodeId, code: codeOf(error) }, "addresses not told");
      return [];
    }
  }
}

const ascii = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).replace(/\/p2p\/[^/]+$/, "");

function isMultiaddr(text: string): boolean {
  try {
    multiaddr(text);
    return true;
  } catch {
    return false;
  }
}
