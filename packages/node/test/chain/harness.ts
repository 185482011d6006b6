import {
  accountId,
  type CryptoPool,
  createCryptoPool,
  ed25519PublicKey,
  ed25519Sign,
  toHex,
  type VoteSuite,
} from "@consilium/crypto";
import { createCurveVoteSuite, loadMclCurve, votePossessionProof } from "@consilium/crypto/curve";
import { loadBlstVoteSuite } from "@consilium/crypto/votes-blst";
import type { ChainDriver } from "@consilium/driver";
import { MemoryStore } from "@consilium/driver/testing";
import {
  ChainAnchor,
  ChainKind,
  chainIdOf,
  type Genesis,
  presets,
  SignedTransaction,
  type Store,
  TransactionKind,
  transactionSigningBytes,
} from "@consilium/protocol";
import { openChain, systemRandom } from "../../src/chain/index.js";
import { systemClock } from "../../src/chain/system-ports.js";
import { installNativeCrypto } from "../../src/keys/index.js";
import { type Network, openNetwork } from "../../src/network/index.js";
import { silentLog } from "../network/harness.js";

export interface Hospital {
  readonly nodeSecret: Uint8Array;
  readonly nodeId: Uint8Array;
  readonly voteSecret: Uint8Array;
}

export interface Node {
  readonly hospital: Hospital;
  readonly network: Network;
  readonly chain: ChainDriver;
}

/** An alliance of four with real keys; its nodes run in this process over real sockets. */
export class TestAlliance {
  readonly nodes = new Map<number, Node>();
  /** Last known addresses, which a restarted node is dialled at and dials. */
  private readonly addresses = new Map<number, string[]>();

  private constructor(
    readonly genesis: Genesis,
    readonly hospitals: readonly Hospital[],
    readonly pool: CryptoPool,
    readonly suite: VoteSuite,
    readonly stores: Store[],
  ) {}

  static async create(
    count: number,
    stores?: Store[],
    epochLengthHeights = 1_000_000,
  ): Promise<TestAlliance> {
    await installNativeCrypto();
    const curve = await loadMclCurve();
    const suite = createCurveVoteSuite(curve);
    const hospitals = Array.from({ length: count }, () => {
      const nodeSecret = systemRandom.bytes(32);
      const voteSecret = systemRandom.bytes(32).fill(0, 0, 1);
      return { nodeSecret, nodeId: ed25519PublicKey(nodeSecret), voteSecret };
    });
    const genesis: Genesis = {
      version: 1,
      kind: ChainKind.alliance,
      name: new TextEncoder().encode("test alliance"),
      timeMs: Date.now() - 1_000,
      parameters: { ...presets.devnet, epochLengthHeights },
      seats: count,
      members: hospitals.map(({ nodeId, voteSecret }, index) => ({
        name: new TextEncoder().encode(`hospital ${index}`),
        nodeKey: nodeId,
        exchangeKey: ed25519PublicKey(systemRandom.bytes(32)),
        voteKey: suite.publicKey(voteSecret),
        votePossession: votePossessionProof(curve, voteSecret),
        stake: 100,
      })),
      keyCentre: hospitals.map((_, index) => index),
      allianceChainId: new Uint8Array(32),
    };
    const pool = await createCryptoPool();
    const kept = stores ?? hospitals.map(() => new MemoryStore());
    return new TestAlliance(genesis, hospitals, pool, await loadBlstVoteSuite(), kept);
  }

  async start(index: number): Promise<Node> {
    const hospital = this.hospitals[index]!;
    const members = this.hospitals.map(({ nodeId }, each) => ({
      nodeId: toHex(nodeId),
      addresses: this.addresses.get(each) ?? [],
    }));
    const listen = this.addresses.get(index)?.[0]?.replace(/\/p2p\/.*/, "") ?? "/ip4/127.0.0.1/tcp/0";
    const network = await openNetwork({
      nodeSecretKey: hospital.nodeSecret,
      listenAddresses: [listen],
      members,
      clock: systemClock,
      log: silentLog,
    });
    const chain = await openChain({
      genesis: this.genesis,
      store: this.stores[index]!,
      network,
      nodeId: hospital.nodeId,
      voteSecretKey: hospital.voteSecret,
      voteSuite: this.suite,
      pool: this.pool,
      log: silentLog,
    });
    await chain.start();
    await network.start();
    this.addresses.set(index, network.addresses());
    const node = { hospital, network, chain };
    this.nodes.set(index, node);
    return node;
  }

  async startAll(): Promise<Node[]> {
    const nodes: Node[] = [];
    for (const index of this.hospitals.keys()) nodes.push(await this.start(index));
    return nodes;
  }

  async stop(index: number): Promise<void> {
    const node = this.nodes.get(index);
    this.nodes.delete(index);
    await node?.chain.stop();
    await node?.network.stop();
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.nodes.keys()].map((index) => this.stop(index)));
  }

  /** chain/anchor by a hospital's own account: the smallest real transaction there is. */
  anchor(index: number, nonce: number, height: number): Uint8Array {
    const { nodeId, nodeSecret } = this.hospitals[index]!;
    const chainId = chainIdOf(this.genesis);
    const transaction = {
      chainId,
      kind: TransactionKind.chainAnchor,
      sender: accountId(chainId, nodeId),
      nonce,
      expiryHeight: 10_000,
      payload: ChainAnchor.serialize({ chainId: nodeId, height, digest: nodeId }),
    };
    const signature = ed25519Sign(nodeSecret, transactionSigningBytes(transaction));
    return SignedTransaction.serialize({ transaction, signature });
  }
}
