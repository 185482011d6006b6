import { randomBytes } from "node:crypto";
import { ed25519PublicKey, toHex } from "@consilium/crypto";
import type { Log, Transport, TransportReceiver } from "@consilium/protocol";
import { systemClock } from "../../src/chain/system-ports.js";
import { type MemberAddress, type Network, openNetwork } from "../../src/network/index.js";

export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
};

export interface NodeKey {
  readonly secret: Uint8Array;
  readonly nodeId: string;
}

export function makeKey(): NodeKey {
  const secret = new Uint8Array(randomBytes(32));
  return { secret, nodeId: toHex(ed25519PublicKey(secret)) };
}

export const chainId = new Uint8Array(32).fill(7);

/** A network on a free loopback port that admits `members`. */
export async function startNetwork(
  key: NodeKey,
  members: readonly MemberAddress[],
  prepare: (network: Network) => void = () => {},
  listen = "/ip4/127.0.0.1/tcp/0",
): Promise<Network> {
  const network = await openNetwork({
    nodeSecretKey: key.secret,
    listenAddresses: [listen],
    members,
    clock: systemClock,
    log: silentLog,
  });
  prepare(network);
  await network.start();
  return network;
}

/** Records what a transport receives and lets a test wait until a condition on it holds. */
export class Recorder implements TransportReceiver {
  readonly messages: { from: string; text: string }[] = [];
  readonly gossiped: { from: string; topic: string; text: string }[] = [];
  readonly peers = new Set<string>();
  verdict: "accept" | "ignore" | "reject" = "accept";
  private waiting: { holds: () => boolean; resolve: () => void }[] = [];

  message(from: string, message: Uint8Array): void {
    this.messages.push({ from, text: new TextDecoder().decode(message) });
    this.changed();
  }

  async gossip(from: string, topic: string, message: Uint8Array): Promise<"accept" | "ignore" | "reject"> {
    this.gossiped.push({ from, topic, text: new TextDecoder().decode(message) });
    this.changed();
    return this.verdict;
  }

  connected(peer: string): void {
    this.peers.add(peer);
    this.changed();
  }

  disconnected(peer: string): void {
    this.peers.delete(peer);
    this.changed();
  }

  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ holds, resolve }));
  }

  private changed(): void {
    const ready = this.waiting.filter(({ holds }) => holds());
    this.waiting = this.waiting.filter((each) => !ready.includes(each));
    for (const { resolve } of ready) resolve();
  }
}

export interface Party {
  readonly key: NodeKey;
  readonly network: Network;
  readonly transport: Transport;
  readonly recorder: Recorder;
}

/** Starts a party with its recorder installed; `before` may add request handlers before anything listens. */
export async function startParty(
  key: NodeKey,
  members: readonly MemberAddress[],
  before: (transport: Transport) => void = () => {},
  listen?: string,
): Promise<Party> {
  const recorder = new Recorder();
  let transport: Transport | undefined;
  const prepare = (network: Network) => {
    transport = network.transportFor(chainId);
    transport.receive(recorder);
    before(transport);
  };
  const network = await startNetwork(key, members, prepare, listen);
  return { key, network, transport: transport!, recorder };
}

/** Several parties in a full mesh: each dials those that started before it. */
export async function startParties(count: number, before?: (transport: Transport) => void): Promise<Party[]> {
  const keys = Array.from({ length: count }, makeKey);
  const parties: Party[] = [];
  for (const key of keys) {
    const members = keys.map(({ nodeId }) => ({
      nodeId,
      addresses: parties.find((each) => each.key.nodeId === nodeId)?.network.addresses() ?? [],
    }));
    parties.push(await startParty(key, members, before));
  }
  await Promise.all(parties.map(({ recorder }) => recorder.until(() => recorder.peers.size === count - 1)));
  return parties;
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
