import { certificatesOfRange, type State } from "@consilium/consensus";
import { ConsiliumError } from "@consilium/crypto";
import {
  Block,
  BlockRequest,
  BlocksRequest,
  BlocksResponse,
  type Certificate,
  CertificatesRequest,
  CertificatesResponse,
  ChainStatus,
  decodeStrict,
  limits,
  RequestProtocol,
  type Transport,
} from "@consilium/protocol";
import type { FinalizedTip } from "../chain.js";
import type { ChainStore } from "../store/chain-store.js";
import type { BlockTree } from "../tree/block-tree.js";

/** The schema's bound on certificates of one response. */
const CERTIFICATES_PER_RESPONSE = 512;
/** Leaves room for the finalization and offsets inside the response's limit. */
const RANGE_BYTES_MAX = limits.responseBytes - 64 * 1024;

export interface ServeOptions {
  readonly transport: Transport;
  readonly store: ChainStore;
  readonly tree: BlockTree;
  readonly tip: () => FinalizedTip;
  readonly state: () => State;
}

/** Answers what other nodes need to catch up: status, ranges of final blocks, bodies, certificates. */
export function serveChain({ transport, store, tree, tip, state }: ServeOptions): void {
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
    return BlocksResponse.serialize(
      provenRange(store, fromHeight, Math.min(count, limits.blocksPerSyncResponse)),
    );
  });
  transport.serve(RequestProtocol.block, async (_from, body) => {
    const { digest } = decodeStrict(BlockRequest, body, "block request");
    const block = tree.body(digest);
    if (block === undefined) throw new ConsiliumError("BLOCK_UNKNOWN", "This node does not have that block.");
    return Block.serialize(block);
  });
  transport.serve(RequestProtocol.certificates, async (_from, body) => {
    const { epoch, fromView, toView } = decodeStrict(CertificatesRequest, body, "certificates request");
    const known = state().epoch.epoch === epoch;
    const certificates = known
      ? certificatesOfRange(state(), fromView, toView, CERTIFICATES_PER_RESPONSE)
      : [];
    return CertificatesResponse.serialize({ certificates });
  });
}

/** Consecutive final blocks, cut back to the last one whose own finalization is kept: that one proves them all. */
function provenRange(store: ChainStore, fromHeight: number, count: number): BlocksResponse {
  const blocks: Block[] = [];
  let proven = 0;
  let finalization: Certificate | null = null;
  let sizeBytes = 0;
  for (let height = Math.max(1, fromHeight); blocks.length < count; height++) {
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
  return { blocks: blocks.slice(0, proven), finalization };
}
