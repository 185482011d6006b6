import { ConsiliumError, toHex } from "@consilium/crypto";
import type { Clock, Log, Transport, TransportReceiver } from "@consilium/protocol";
import { CHAIN_TAG_SIZE_BYTES, ConsensusStreams } from "./consensus-streams.js";
import { Dialer, type MemberAddress } from "./dialer.js";
import { ChainGossip } from "./gossip.js";
import { type Admission, type ConsiliumLibp2p, createNode } from "./libp2p-node.js";
import { PeerConduct } from "./peer-conduct.js";
import { nodeIdOf, peerIdOf } from "./peer-names.js";
import { RequestStreams } from "./request-streams.js";

export interface NetworkOptions {
  /** Ed25519 secret seed of the node key, 32 bytes. libp2p keeps its own copy; the caller may zeroise this one. */
  readonly nodeSecretKey: Uint8Array;
  /** Multiaddrs such as `/ip4/127.0.0.1/tcp/0`. */
  readonly listenAddresses: readonly string[];
  /** Addresses told to peers, where they differ from those listened on (behind a router, in a container). */
  readonly announceAddresses?: readonly string[];
  /**
   * Whom to dial from the start. Unless `admits` says otherwise these are the members of the alliance, this node included
   * or not, and nobody else is talked to.
   */
  readonly members: readonly MemberAddress[];
  /** Who may connect: asked at each connection, so it may change. See {@link Network.review}. */
  readonly admits?: Admission;
  readonly clock: Clock;
  readonly log: Log;
}

/** The node's one libp2p instance; chains take their {@link Transport} from it. */
export class Network {
  private readonly receivers = new Map<string, TransportReceiver>();
  private readonly streams: ConsensusStreams;
  private readonly requests: RequestStreams;
  private readonly dialer: Dialer;
  private readonly online = new Set<string>();
  private readonly gossips: ChainGossip[] = [];

  /** Use {@link openNetwork}. */
  constructor(
    private readonly node: ConsiliumLibp2p,
    private readonly conduct: PeerConduct,
    private readonly admits: Admission,
    private readonly options: NetworkOptions,
  ) {
    const { clock, log } = options;
    this.streams = new ConsensusStreams(node, {
      clock,
      log,
      deliver: (from, chainTag, message) => this.receivers.get(chainTag)?.message(from, message),
      charge: (nodeId, code) => conduct.charge(nodeId, code, true),
    });
    this.requests = new RequestStreams(node, {
      log,
      charge: (nodeId, code) => conduct.charge(nodeId, code, true),
    });
    this.dialer = new Dialer(node, this.nodeId, byNodeId(options.members), clock, log);
  }

  /** Ed25519 public key, lower-case hex. */
  get nodeId(): string {
    return nodeIdOf(this.node.peerId)!;
  }

  /** Multiaddrs this node listens on, with its peer id. */
  addresses(): string[] {
    return this.node.getMultiaddrs().map(String);
  }

  /** Node ids of the members connected now. */
  connectedPeers(): string[] {
    return [...this.online];
  }

  /** Throws `PORT_IN_USE` when a listen address is taken, `NETWORK_FAILED` for other reasons. */
  async start(): Promise<void> {
    await this.streams.register();
    await this.requests.register();
    this.node.addEventListener("peer:connect", ({ detail }) => this.peerConnected(nodeIdOf(detail)));
    this.node.addEventListener("peer:disconnect", ({ detail }) => this.peerDisconnected(nodeIdOf(detail)));
    try {
      await this.node.start();
    } catch (cause) {
      await this.node.stop();
      throw startFailure(cause, this.options.listenAddresses);
    }
    for (const gossip of this.gossips) gossip.subscribe();
    this.dialer.start();
    this.options.log.info({ nodeId: this.nodeId, addresses: this.addresses() }, "network started");
  }

  async stop(): Promise<void> {
    this.dialer.stop();
    this.streams.stop();
    await this.node.stop();
  }

  /**
   * Dials these members from now on, and hangs up on every peer that is not admitted any more. Connections that stand and
   * may stay are left alone.
   */
  review(members: readonly MemberAddress[]): void {
    this.dialer.update(byNodeId(members));
    for (const nodeId of this.online) {
      if (this.admits(nodeId, "in") || this.admits(nodeId, "out")) continue;
      this.options.log.info({ peer: nodeId }, "peer is no member any more");
      hangUp(this.node, nodeId, this.options.log);
    }
  }

  /** Addresses under which a connected peer says that it can be dialled; none for others. */
  async addressesOf(nodeId: string): Promise<string[]> {
    const peerId = peerIdOf(nodeId);
    if (!this.online.has(nodeId)) return [];
    const known = await this.node.peerStore.get(peerId).catch(() => undefined);
    return (known?.addresses ?? []).map(({ multiaddr }) => String(multiaddr));
  }

  /** Counts a fault of a peer; too many throw it out for a while. */
  chargePeer(nodeId: string, code: string): void {
    this.conduct.charge(nodeId, code);
  }

  /** Port between one chain's driver and the network. Its messages and requests are tagged with the chain. */
  transportFor(chainId: Uint8Array): Transport {
    const tag = chainId.slice(0, CHAIN_TAG_SIZE_BYTES);
    const tagHex = toHex(tag);
    const gossip = new ChainGossip(this.node.services.gossip, toHex(chainId), this.options.log);
    const send = (to: string, message: Uint8Array) => this.streams.send(to, tag, message);
    return {
      self: this.nodeId,
      connected: () => this.connectedPeers(),
      send,
      broadcast: (to, message) => {
        for (const nodeId of to) send(nodeId, message);
      },
      publish: (topic, message) => gossip.publish(topic, message),
      request: (to, protocol, body, { timeoutMs }) =>
        this.requests.request(to, tag, protocol, body, timeoutMs),
      receive: (receiver) => {
        this.receivers.set(tagHex, receiver);
        gossip.install((from, topic, message) => receiver.gossip(from, topic, message));
        this.gossips.push(gossip);
        if (this.node.status === "started") gossip.subscribe();
      },
      serve: (protocol, handler) => this.requests.serve(tagHex, protocol, handler),
    };
  }

  private peerConnected(nodeId: string | undefined): void {
    if (nodeId === undefined || this.online.has(nodeId)) return;
    this.online.add(nodeId);
    this.options.log.info({ peer: nodeId }, "peer connected");
    this.dialer.connected(nodeId);
    this.streams.connected(nodeId);
    for (const receiver of this.receivers.values()) receiver.connected(nodeId);
  }

  private peerDisconnected(nodeId: string | undefined): void {
    if (nodeId === undefined || !this.online.delete(nodeId)) return;
    this.options.log.info({ peer: nodeId }, "peer disconnected");
    this.streams.disconnected(nodeId);
    for (const receiver of this.receivers.values()) receiver.disconnected(nodeId);
    this.dialer.disconnected(nodeId);
  }
}

/** Prepares the network; nothing listens before `start()`, so that chains can install their receivers first. */
export async function openNetwork(options: NetworkOptions): Promise<Network> {
  const founding = byNodeId(options.members);
  let node: ConsiliumLibp2p | undefined;
  const conduct = new PeerConduct(options.clock, options.log, (nodeId) => {
    if (node !== undefined) hangUp(node, nodeId, options.log);
  });
  const isPeer = options.admits ?? ((nodeId) => founding.has(nodeId));
  const admits: Admission = (nodeId, way) => isPeer(nodeId, way) && !conduct.banished(nodeId);
  node = await createNode(
    options.nodeSecretKey,
    { listen: options.listenAddresses, announce: options.announceAddresses ?? [] },
    admits,
  );
  return new Network(node, conduct, admits, options);
}

const byNodeId = (members: readonly MemberAddress[]): ReadonlyMap<string, MemberAddress> =>
  new Map(members.map((member) => [member.nodeId, member]));

function hangUp(node: ConsiliumLibp2p, nodeId: string, log: Log): void {
  node.hangUp(peerIdOf(nodeId)).catch((error: unknown) => {
    log.debug({ peer: nodeId, reason: String(error) }, "hang-up failed");
  });
}

function startFailure(cause: unknown, addresses: readonly string[]): ConsiliumError {
  const details = { addresses: addresses.join(" ") };
  if (/EADDRINUSE|address already in use/i.test(describe(cause))) {
    const sentence = "Another process listens on this address; stop it or configure another port.";
    return new ConsiliumError("PORT_IN_USE", sentence, details, { cause });
  }
  const sentence = "The network cannot start; check the configured listen addresses.";
  return new ConsiliumError("NETWORK_FAILED", sentence, details, { cause });
}

/** libp2p wraps the system's error, sometimes several of them. */
function describe(error: unknown): string {
  const { errors, cause } = (error ?? {}) as { errors?: unknown[]; cause?: unknown };
  const inner = [...(errors ?? []), ...(cause === undefined ? [] : [cause])].map(describe);
  return [String(error), ...inner].join(" ");
}
