import {
  bigintFromBytes,
  ConsiliumError,
  type CryptoPool,
  createCryptoPool,
  ed25519PublicKey,
  encodeScalar,
  equalBytes,
  reduceScalar,
  toHex,
  x25519PublicKey,
} from "@consilium/crypto";
import { publicKeyFromRaw } from "@libp2p/crypto/keys";
import { peerIdFromPublicKey } from "@libp2p/peer-id";
import type { KeystoreFolder } from "./keystore-folder.js";
import { secureRandom } from "./platform.js";

/** A secret key with its public part. */
export interface KeyPair {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

/** The three keys that every node has from `consilium init` on. */
export interface NodeKeys {
  /** Ed25519: node id, libp2p identity and the member's account key. */
  readonly node: KeyPair;
  /** BLS vote key. */
  readonly vote: KeyPair;
  /** X25519: what is sealed to this hospital. */
  readonly exchange: KeyPair;
}

/** The public half of a node, as it goes into a genesis. */
export interface NodeIdentity {
  readonly nodeKey: Uint8Array;
  readonly exchangeKey: Uint8Array;
  readonly voteKey: Uint8Array;
  /** Proof of possession of the vote key, 96 bytes. */
  readonly votePossession: Uint8Array;
}

const NODE = "node";
const VOTE = "vote";
const EXCHANGE = "exchange";

/** Makes the keystores that are missing and leaves those that are there; running it again changes nothing. */
export async function createNodeKeys(folder: KeystoreFolder, pool?: CryptoPool): Promise<void> {
  if (!folder.has(NODE)) {
    const secret = secureRandom.bytes(32);
    await writeAndForget(folder, NODE, "ed25519", ed25519PublicKey(secret), secret);
  }
  if (!folder.has(VOTE)) {
    const secret = randomScalar();
    await writeAndForget(folder, VOTE, "bls-vote", await votePublicKey(secret, pool), secret);
  }
  if (!folder.has(EXCHANGE)) {
    const secret = secureRandom.bytes(32);
    await writeAndForget(folder, EXCHANGE, "x25519", x25519PublicKey(secret), secret);
  }
}

/**
 * Opens the node's keystores and checks that each secret belongs to its public part.
 * @throws ConsiliumError `KEYSTORE_MISSING`, `KEYSTORE_AUTH`, `KEYSTORE_BAD_PARAMS`.
 */
export async function openNodeKeys(folder: KeystoreFolder, pool?: CryptoPool): Promise<NodeKeys> {
  const [node, vote, exchange] = await Promise.all([
    folder.read(NODE, "ed25519"),
    folder.read(VOTE, "bls-vote"),
    folder.read(EXCHANGE, "x25519"),
  ]);
  requirePair(NODE, node.publicPart, ed25519PublicKey(node.secret));
  requirePair(VOTE, vote.publicPart, await votePublicKey(vote.secret, pool));
  requirePair(EXCHANGE, exchange.publicPart, x25519PublicKey(exchange.secret));
  return {
    node: { publicKey: node.publicPart, secretKey: node.secret },
    vote: { publicKey: vote.publicPart, secretKey: vote.secret },
    exchange: { publicKey: exchange.publicPart, secretKey: exchange.secret },
  };
}

/** What others need to know of a node. Signs the proof of possession, so the vote keystore is opened for a moment. */
export async function nodeIdentity(folder: KeystoreFolder, pool?: CryptoPool): Promise<NodeIdentity> {
  const vote = await folder.read(VOTE, "bls-vote");
  const curveWork = pool ?? (await createCryptoPool());
  const votePossession = await curveWork.run("votePossessionProof", { secretKey: vote.secret });
  vote.secret.fill(0);
  return {
    nodeKey: folder.publicPart(NODE),
    exchangeKey: folder.publicPart(EXCHANGE),
    voteKey: vote.publicPart,
    votePossession,
  };
}

/** Overwrites the secrets of a node that stops. */
export function forgetNodeKeys(keys: NodeKeys): void {
  for (const pair of [keys.node, keys.vote, keys.exchange]) pair.secretKey.fill(0);
}

/** The libp2p peer id of a node key, as it stands after /p2p/ in a multiaddr. */
export function peerIdOfNode(nodeKey: Uint8Array): string {
  return peerIdFromPublicKey(publicKeyFromRaw(nodeKey)).toString();
}

async function writeAndForget(
  folder: KeystoreFolder,
  name: string,
  kind: "ed25519" | "bls-vote" | "x25519",
  publicPart: Uint8Array,
  secret: Uint8Array,
): Promise<void> {
  await folder.write(name, kind, publicPart, secret);
  secret.fill(0);
}

async function votePublicKey(secretKey: Uint8Array, pool?: CryptoPool): Promise<Uint8Array> {
  return (pool ?? (await createCryptoPool())).run("votePublicKey", { secretKey });
}

function requirePair(name: string, stated: Uint8Array, derived: Uint8Array): void {
  if (equalBytes(stated, derived)) return;
  throw new ConsiliumError(
    "KEYSTORE_BAD_PARAMS",
    `The public part of keystore "${name}" does not belong to its secret; restore it from a backup.`,
    { name, stated: toHex(stated) },
  );
}

/** A uniform scalar that is not zero: 48 random bytes reduced, so that the bias is below 2^-128. */
function randomScalar(): Uint8Array {
  const wide = secureRandom.bytes(48);
  const scalar = reduceScalar(bigintFromBytes(wide));
  wide.fill(0);
  return scalar === 0n ? randomScalar() : encodeScalar(scalar);
}
