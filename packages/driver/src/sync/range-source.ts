import { type ValidatorSet, type VoteVerifier, verifyCertificate } from "@consilium/consensus";
import { equalBytes } from "@consilium/crypto";
import {
  type Block,
  BlocksRequest,
  BlocksResponse,
  boundaryHeightOf,
  type Certificate,
  decodeStrict,
  digestOf,
  epochOfHeight,
  fault,
  limits,
  RequestProtocol,
  type Verdict,
  VoteKind,
  valid,
} from "@consilium/protocol";
import { checkBody } from "../tree/body-check.js";
import type { PeerClient } from "./peer-client.js";

const RANGE_TIMEOUT_MS = 15_000;
/**
 * Bytes of consecutive batches without a finalization. At most 16 blocks with payloads stand between two finalizations of
 * a chain whose finality stalled, so an honest peer's batches end below that.
 */
const GATHERED_BYTES_MAX = 40 * 1024 * 1024;
/** A boundary block may be many empty blocks away from the finalization before it. */
const GATHERED_BLOCKS_MAX = 1_024;

/** What range sync needs to know of epochs. */
export interface EpochSets {
  readonly lengthHeights: number;
  setOf(epoch: number): ValidatorSet | undefined;
  learn(epoch: number, set: ValidatorSet): void;
}

export interface RangeSourceOptions {
  readonly chainId: Uint8Array;
  readonly epochs: EpochSets;
  readonly verifier: VoteVerifier;
  readonly client: PeerClient;
}

/** Consecutive blocks of one epoch whose last is finalized: all of them are final if they link to what is final here. */
export interface ProvenRange {
  readonly blocks: readonly Block[];
  readonly finalization: Certificate;
}

/** `unproven` is what must be gathered in several batches before a finalization proves it. */
export type RangeAnswer =
  | { readonly kind: "range"; readonly range: ProvenRange }
  | { readonly kind: "unproven" }
  | { readonly kind: "nothing" };

/** Takes proven ranges from single peers. What a peer sends is held against it; nothing here touches the chain. */
export class RangeSource {
  constructor(private readonly options: RangeSourceOptions) {}

  /**
   * Asks for blocks from a height on, at most `count` and never past the epoch's boundary. With `gather` batches that no
   * finalization proves yet are kept until a later one does; without it they are let go, which bounds memory.
   */
  async take(peer: string, fromHeight: number, count: number, gather: boolean): Promise<RangeAnswer> {
    const { client } = this.options;
    const blocks: Block[] = [];
    let sizeBytes = 0;
    for (;;) {
      const answer = await this.ask(peer, fromHeight + blocks.length, count);
      if (answer === undefined) return { kind: "nothing" };
      if (answer.batch.blocks.length === 0) {
        client.scores.empty(peer);
        return { kind: "nothing" };
      }
      const linked = this.link(blocks, answer.batch.blocks, fromHeight);
      if (linked.kind !== "valid") return this.refuse(peer, linked);
      blocks.push(...answer.batch.blocks);
      sizeBytes += answer.sizeBytes;
      const { finalization } = answer.batch;
      if (finalization !== null) return this.prove(peer, { blocks, finalization });
      if (!gather) return { kind: "unproven" };
      if (sizeBytes > GATHERED_BYTES_MAX || blocks.length > GATHERED_BLOCKS_MAX)
        return this.refuse(peer, fault("SYNC_ENDLESS", "no finalization proves what the peer sends"));
    }
  }

  private async ask(peer: string, fromHeight: number, count: number) {
    const { epochs, client } = this.options;
    const boundary = boundaryHeightOf(epochOfHeight(fromHeight, epochs.lengthHeights), epochs.lengthHeights);
    const wanted = Math.min(count, limits.blocksPerSyncResponse, boundary - fromHeight + 1);
    const request = BlocksRequest.serialize({ fromHeight, count: wanted });
    return client.ask(peer, RequestProtocol.blocks, request, RANGE_TIMEOUT_MS, (answer) => ({
      batch: decodeStrict(BlocksResponse, answer, "blocks"),
      sizeBytes: answer.length,
    }));
  }

  /** Whether a batch goes on where the ones before it ended, inside one epoch. */
  private link(before: readonly Block[], batch: readonly Block[], fromHeight: number): Verdict {
    const { chainId, epochs } = this.options;
    const epoch = epochOfHeight(fromHeight, epochs.lengthHeights);
    let parent = before.at(-1) && digestOf(before.at(-1)!.header);
    for (const [index, block] of batch.entries()) {
      const body = checkBody(block, chainId);
      if (body.kind !== "valid") return body;
      const { height, parentDigest } = block.header;
      const follows = height === fromHeight + before.length + index;
      if (!follows || (parent !== undefined && !equalBytes(parentDigest, parent)))
        return fault("SYNC_BROKEN_RANGE", "the blocks do not follow each other");
      const ownEpoch = epochOfHeight(height, epochs.lengthHeights);
      if (block.header.epoch !== ownEpoch || ownEpoch !== epoch)
        return fault("SYNC_WRONG_EPOCH", "a block is not of the epoch that its height belongs to");
      parent = body.value;
    }
    return valid(undefined);
  }

  private async prove(peer: string, range: ProvenRange): Promise<RangeAnswer> {
    const { chainId, epochs, verifier, client } = this.options;
    const { finalization, blocks } = range;
    const { header } = blocks.at(-1)!;
    const names = finalization.kind === VoteKind.finalize && finalization.epoch === header.epoch;
    if (!names || !equalBytes(finalization.digest, digestOf(header)))
      return this.refuse(peer, fault("SYNC_BAD_PROOF", "the finalization does not name the last block"));
    const set = epochs.setOf(header.epoch);
    if (set === undefined) return { kind: "nothing" };
    const proof = await verifyCertificate(verifier, chainId, set, finalization);
    if (proof.kind !== "valid") return this.refuse(peer, proof);
    client.accept(peer);
    return { kind: "range", range };
  }

  private refuse(peer: string, verdict: Verdict<unknown>): RangeAnswer {
    this.options.client.refuse(peer, verdict);
    return { kind: "nothing" };
  }
}
