import { equalBytes, sha256, toHex } from "@consilium/crypto";
import {
  type Block,
  boundaryHeightOf,
  type Certificate,
  decodeStrict,
  digestOf,
  fault,
  faultBound,
  limits,
  RequestProtocol,
  SnapshotManifest,
} from "@consilium/protocol";
import type { ChainStore } from "../store/chain-store.js";
import type { PeerClient } from "./peer-client.js";
import type { EpochSets, ProvenRange, RangeSource } from "./range-source.js";

const MANIFEST_TIMEOUT_MS = 10_000;
/** Peers asked what they offer: enough that some of them are honest. */
const PEERS_ASKED_MAX = 8;
/**
 * Chunks of an offer that is believed: those of a large genesis, and for every block since eight times the bytes of its
 * transactions. Heights are proven, so a young chain cannot be made to fill a disk.
 */
const GENESIS_CHUNKS_MAX = 256;
const CHUNKS_PER_BLOCK_MAX = (8 * limits.blockPayloadBytes) / limits.snapshotChunkBytes;

/** A boundary block and the root of the state after it, both proven by finalizations of known sets. */
export interface Anchor {
  readonly block: Block;
  readonly finalization: Certificate;
  /** From the header of the block after the boundary, which is final too. */
  readonly stateRoot: Uint8Array;
}

/** One snapshot that peers offer, the same to the byte. */
export interface Offer {
  /** SHA-256 of the encoded manifest, hex. */
  readonly name: string;
  readonly manifest: SnapshotManifest;
  readonly encoded: Uint8Array;
  readonly anchor: Anchor;
  readonly peers: Set<string>;
}

export interface SnapshotOffersOptions {
  readonly epochs: EpochSets;
  readonly store: Pick<ChainStore, "handover">;
  readonly client: PeerClient;
  readonly source: RangeSource;
}

/** Asks peers for their snapshots and holds what they claim against finalized headers before a byte of state is taken. */
export class SnapshotOffers {
  private readonly anchors = new Map<number, Anchor>();

  constructor(private readonly options: SnapshotOffersOptions) {}

  /**
   * Offers whose epoch and root are proven. Honest nodes' are the same to the byte, and what a made-up one holds is seen
   * only when all of it is here: those that one honest peer must be among come first, and the more peers the earlier;
   * then the newest, then the smallest.
   */
  async collect(): Promise<Offer[]> {
    const { client } = this.options;
    const offers = new Map<string, Offer>();
    const peers = client.peers().slice(0, PEERS_ASKED_MAX);
    const answers = await Promise.all(peers.map(async (peer) => ({ peer, manifest: await this.ask(peer) })));
    for (const { peer, manifest } of answers) {
      const anchor = manifest && (await this.judge(peer, manifest));
      if (manifest === undefined || anchor === undefined) continue;
      const encoded = SnapshotManifest.serialize(manifest);
      const name = toHex(sha256(encoded));
      const offer = offers.get(name) ?? { name, manifest, encoded, anchor, peers: new Set<string>() };
      offer.peers.add(peer);
      offers.set(name, offer);
    }
    return [...offers.values()].sort(
      (left, right) =>
        this.weightOf(right) - this.weightOf(left) ||
        right.manifest.epoch - left.manifest.epoch ||
        right.peers.size - left.peers.size ||
        left.manifest.chunkDigests.length - right.manifest.chunkDigests.length,
    );
  }

  /** The proof of an epoch's boundary state, from whichever peer has it. */
  async anchorOf(epoch: number): Promise<Anchor | undefined> {
    const known = this.anchors.get(epoch);
    if (known !== undefined) return known;
    const handover = this.options.store.handover(epoch);
    if (handover === undefined) return undefined;
    const digest = digestOf(handover.header);
    const height = boundaryHeightOf(epoch, this.options.epochs.lengthHeights);
    const next = await this.range(height + 1, limits.blocksPerSyncResponse);
    if (next === undefined || !equalBytes(next.blocks[0]!.header.parentDigest, digest)) return undefined;
    const boundary = await this.range(height, 1);
    const block = boundary?.blocks[0];
    if (boundary === undefined || block === undefined || !equalBytes(digestOf(block.header), digest))
      return undefined;
    const anchor = {
      block,
      finalization: boundary.finalization,
      stateRoot: next.blocks[0]!.header.stateRoot,
    };
    this.anchors.set(epoch, anchor);
    return anchor;
  }

  /** Peers behind an offer, up to as many as cannot all be faulty. */
  private weightOf({ peers, manifest }: Offer): number {
    const validators = this.options.epochs.setOf(manifest.epoch)?.length ?? 0;
    return Math.min(peers.size, faultBound(validators) + 1);
  }

  private ask(peer: string): Promise<SnapshotManifest | undefined> {
    const decode = (answer: Uint8Array) => decodeStrict(SnapshotManifest, answer, "snapshot manifest");
    const nothing = new Uint8Array();
    return this.options.client.ask(peer, RequestProtocol.snapshot, nothing, MANIFEST_TIMEOUT_MS, decode);
  }

  private async judge(peer: string, manifest: SnapshotManifest): Promise<Anchor | undefined> {
    const { client, epochs } = this.options;
    const { epoch, height, chunkDigests } = manifest;
    if (height !== boundaryHeightOf(epoch, epochs.lengthHeights) || chunkDigests.length === 0) {
      client.refuse(peer, fault("SNAPSHOT_BAD_MANIFEST", "the manifest is not of a boundary block's state"));
      return undefined;
    }
    const anchor = await this.anchorOf(epoch);
    if (chunkDigests.length > GENESIS_CHUNKS_MAX + height * CHUNKS_PER_BLOCK_MAX) {
      // No fault: how much state a block may make is the application's to say.
      client.scores.empty(peer);
      return undefined;
    }
    if (anchor === undefined) {
      // Perhaps an epoch that this node has not heard of: it cannot be told from an invented one.
      client.scores.empty(peer);
      return undefined;
    }
    if (equalBytes(anchor.stateRoot, manifest.stateRoot)) return anchor;
    client.refuse(peer, fault("SNAPSHOT_BAD_ROOT", "a final header carries another state root"));
    return undefined;
  }

  private async range(fromHeight: number, count: number): Promise<ProvenRange | undefined> {
    const { client, source } = this.options;
    for (const peer of client.peers().slice(0, PEERS_ASKED_MAX)) {
      const answer = await source.take(peer, fromHeight, count, true);
      if (answer.kind === "range") return answer.range;
    }
    return undefined;
  }
}
