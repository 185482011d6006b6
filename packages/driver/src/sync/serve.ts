import { certificatesOfRange, type State } from "@consilium/consensus";
import { ConsiliumError } from "@consilium/crypto";
import {
  Block,
  BlockRequest,
  BlocksRequest,
  BlocksResponse,
  boundaryHeightOf,
  type Certificate,
  CertificatesRequest,
  CertificatesResponse,
  ChainStatus,
  decodeStrict,
  epochOfHeight,
  Handover,
  HandoversRequest,
  HandoversResponse,
  limits,
  RequestProtocol,
  SnapshotChunkRequest,
  type Transport,
} from "@consilium/protocol";
import type { FinalizedTip } from "../chain.js";
import type { ChainStore } from "../store/chain-store.js";
import type { BlockTree } from "../tree/block-tree.js";
import type { Snapshots } from "./snapshots.js";

/** The schema's bound on certificates of one response. */
const CERTIFICATES_PER_RESPONSE = 512;
/** Leaves room for the finalization and offsets inside the response's limit. */
const RANGE_BYTES_MAX = limits.responseBytes - 64 * 1024;

export interface ServeOptions {
  readonly transport: Transport;
  readonly store: ChainStore;
  readonly tree: BlockTree;
  readonly epochs: { readonly lengthHeights: number };
  readonly snapshots: Snapshots;
  readonly tip: () => FinalizedTip;
  readonly state: () => State;
}

/** Answers what other nodes need to catch up: status, ranges of final blocks, bodies, certificates, hand-overs, snapshots. */
export function serveChain({ transport, store, tree, epochs, snapshots, tip, state }: ServeOptions): void {
  transport.serve(RequestProtocol.status, async () => {
    const { height, digest, epoch } = tip();
    return ChainStatus.serialize({
      finalizedHeight: height,
      finalizedDigest: digest,
      epoch,
      view: state().view,
    });
  });
  transport.serve(RequestProtocol.blocks, async (_from, body) => {
    const { fromHeight, count } = decodeStrict(BlocksRequest, body, "blocks request");
    return BlocksResponse.serialize(blocksFrom(store, epochs.lengthHeights, fromHeight, count));
  });
  transport.serve(RequestProtocol.block, async (_from, body) => {
    const { digest } = decodeStrict(BlockRequest, body, "block request");
    const block = tree.body(digest);
    if (block === undefined) throw new ConsiliumError("BLOCK_UNKNOWN", "This node does not have that block.");
    return Block.serialize(block);
  });
  transport.serve(RequestProtocol.certificates, async (_from, body) => {
    const { epoch, fromView, toView } = decodeStrict(CertificatesRequest, body, "certificates request");
    const certificates =
      state().epoch.epoch === epoch
        ? certificatesOfRange(state(), fromView, toView, CERTIFICATES_PER_RESPONSE)
        : endOf(store, epoch);
    return CertificatesResponse.serialize({ certificates });
  });
  transport.serve(RequestProtocol.handovers, async (_from, body) => {
    const { fromEpoch, count } = decodeStrict(HandoversRequest, body, "hand-overs request");
    return HandoversResponse.serialize({ handovers: handoversFrom(store, fromEpoch, count) });
  });
  transport.serve(RequestProtocol.snapshot, async () => snapshots.newest(tip().height));
  transport.serve(RequestProtocol.snapshotChunk, async (_from, body) => {
    const { epoch, index } = decodeStrict(SnapshotChunkRequest, body, "snapshot chunk request");
    return snapshots.chunk(epoch, index);
  });
}

/** Whoever asks about an epoch that is over learns that it is. */
const endOf = (store: ChainStore, epoch: number): Certificate[] => {
  const handover = store.handover(epoch);
  return handover === undefined ? [] : [handover.finalization];
};

function handoversFrom(store: ChainStore, fromEpoch: number, count: number): Handover[] {
  const handovers: Handover[] = [];
  const most = Math.min(count, limits.handoversPerResponse);
  let sizeBytes = 0;
  for (let epoch = fromEpoch; handovers.length < most; epoch++) {
    const handover = store.handover(epoch);
    if (handover === undefined) break;
    sizeBytes += Handover.serialize(handover).length + 4;
    if (sizeBytes > RANGE_BYTES_MAX) break;
    handovers.push(handover);
  }
  return handovers;
}

/**
 * Consecutive final blocks of one epoch, cut back to the last one whose own finalization is kept: that one proves them
 * all. Where the response is full before any, the blocks go out without one, and the asker goes on from their end.
 */
function blocksFrom(
  store: ChainStore,
  lengthHeights: number,
  fromHeight: number,
  count: number,
): BlocksResponse {
  const first = Math.max(1, fromHeight);
  const boundary = boundaryHeightOf(epochOfHeight(first, lengthHeights), lengthHeights);
  const most = Math.min(count, limits.blocksPerSyncResponse, boundary - first + 1);
  const blocks: Block[] = [];
  let proven = 0;
  let finalization: Certificate | null = null;
  let sizeBytes = 0;
  for (let height = first; blocks.length < most; height++) {
    const encoded = store.encodedBlock(height);
    if (encoded === undefined) break;
    sizeBytes += encoded.length + 4;
    if (sizeBytes > RANGE_BYTES_MAX) break;
    blocks.push(Block.deserialize(encoded));
    const certificate = store.finalizationAt(height);
    if (certificate === undefined) continue;
    finalization = certificate;
    proven = blocks.length;
  }
  return finalization === null ? { blocks, finalization } : { blocks: blocks.slice(0, proven), finalization };
}
