import { fromHex, toHex } from "@consilium/crypto";
import { publicKeyFromRaw } from "@libp2p/crypto/keys";
import type { PeerId } from "@libp2p/interface";
import { peerIdFromPublicKey, peerIdFromString } from "@libp2p/peer-id";

/** Node id (Ed25519 public key, lower-case hex) of a libp2p peer; undefined for any other kind of key. */
export function nodeIdOf(peer: PeerId): string | undefined {
  return peer.type === "Ed25519" && peer.publicKey !== undefined ? toHex(peer.publicKey.raw) : undefined;
}

/** The libp2p peer id of a node. Throws `BAD_ENCODING` for what is not hex. */
export function peerIdOf(nodeId: string): PeerId {
  return peerIdFromPublicKey(publicKeyFromRaw(fromHex(nodeId)));
}

/** Node id that a multiaddr ends with, after /p2p/; undefined without one. */
export function nodeIdOfAddress(address: string): string | undefined {
  const name = /\/p2p\/([^/]+)$/.exec(address)?.[1];
  if (name === undefined) return undefined;
  try {
    return nodeIdOf(peerIdFromString(name));
  } catch {
    return undefined;
  }
}
