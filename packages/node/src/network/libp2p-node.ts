import { type GossipSub, gossipsub } from "@chainsafe/libp2p-gossipsub";
import { noise } from "@chainsafe/libp2p-noise";
import { limits } from "@consilium/protocol";
import { generateKeyPairFromSeed } from "@libp2p/crypto/keys";
import { type Identify, identify } from "@libp2p/identify";
import type { Libp2p, PeerId } from "@libp2p/interface";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createLibp2p } from "libp2p";
import { gossipSettings } from "./gossip.js";
import { nodeIdOf } from "./peer-names.js";

export type ConsiliumLibp2p = Libp2p<{ gossip: GossipSub; identify: Identify }>;

/** A local cluster opens all its connections at once from one address. */
const CONNECTIONS_PER_SECOND_PER_ADDRESS = 256;
/** Silence that long, asked for by a ping, means that the peer is gone; a busy node may well take seconds. */
const PING_TIMEOUT_MS = 20_000;

/** Whether to talk to a node that dials this one (`in`) or that this one dials (`out`). */
export type Admission = (nodeId: string, way: "in" | "out") => boolean;

/**
 * The libp2p node, not started yet: TCP, noise, yamux, identify, gossipsub. It talks to those that `admits` accepts,
 * judged after the handshake proved who they are.
 */
export async function createNode(
  nodeSecretKey: Uint8Array,
  addresses: { readonly listen: readonly string[]; readonly announce: readonly string[] },
  admits: Admission,
): Promise<ConsiliumLibp2p> {
  const stranger = (way: "in" | "out") => (peer: PeerId) => !admits(nodeIdOf(peer) ?? "", way);
  return createLibp2p({
    privateKey: await generateKeyPairFromSeed("Ed25519", nodeSecretKey),
    start: false,
    addresses: { listen: [...addresses.listen], announce: [...addresses.announce] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: {
      denyDialPeer: stranger("out"),
      // Loopback and private addresses are where test clusters and hospital networks live.
      denyDialMultiaddr: () => false,
      denyInboundEncryptedConnection: stranger("in"),
      denyOutboundEncryptedConnection: stranger("out"),
    },
    connectionManager: {
      inboundConnectionThreshold: CONNECTIONS_PER_SECOND_PER_ADDRESS,
      maxIncomingPendingConnections: 64,
      maxConnections: 2 * limits.membersMax,
      // Redialling is the dialer's business.
      reconnectRetries: 0,
    },
    connectionMonitor: { pingInterval: 15_000, pingTimeout: { minTimeout: PING_TIMEOUT_MS } },
    services: { identify: identify(), gossip: gossipsub(gossipSettings) },
  });
}
