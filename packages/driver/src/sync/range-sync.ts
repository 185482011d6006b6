import { type ValidatorSet, type VoteVerifier, verifyCertificate } from "@consilium/consensus";
import { codeOf, equalBytes } from "@consilium/crypto";
import {
  type Block,
  BlocksRequest,
  BlocksResponse,
  type Certificate,
  ChainStatus,
  type Clock,
  decodeStrict,
  digestOf,
  fault,
  ignore,
  type Log,
  limits,
  RequestProtocol,
  type Transport,
  type Verdict,
  VoteKind,
  valid,
} from "@consilium/protocol";
import type { ChainCounters, FinalizedTip } from "../chain.js";
import type { PeerDesk } from "../messages/peer-desk.js";
import { checkBody } from "../tree/body-check.js";

const STATUS_TIMEOUT_MS = 2_000;
const RANGE_TIMEOUT_MS = 15_000;
/** Rounds through all helpful peers without a block before the engine is told; it starts sync again after a pause. */
const FRUITLESS_ROUNDS_MAX = 3;
const BACK_OFF_FIRST_MS = 200;

export interface RangeSyncOptions {
  readonly chainId: Uint8Array;
  readonly set: ValidatorSet;
  readonly transport: Transport;
  readonly verifier: VoteVerifier;
  readonly clock: Clock;
  readonly desk: PeerDesk;
  readonly counters: ChainCounters;
  readonly log: Log;
  readonly tip: () => FinalizedTip;
  /** Executes and lands a proven range; throws when it cannot follow this node's state. */
  readonly commit: (blocks: readonly Block[], finalization: Certificate) => Promise<void>;
  readonly stopped: () => boolean;
}

/** A range of blocks whose finalization and ancestry were checked against the tip. */
interface ProvenRange {
  readonly blocks: readonly Block[];
  readonly finalization: Certificate;
}

/**
 * Catches up by ranges of final blocks. One finalization proves a range, its ancestors by parent digest; every block
 * is executed again and its state root compared. Peers take turns, so that a slow or lying one costs one request.
 */
export class RangeSync {
  /** Blocks of the next range: fewer on a line too slow for a full one. */
  private count: number = limits.blocksPerSyncResponse;

  constructor(private readonly options: RangeSyncOptions) {}

  /** Runs until the target's view is final here, or nobody helps any more. Throws what `commit` throws. */
  async run(target: Certificate): Promise<void> {
    const { tip, log, stopped } = this.options;
    log.info({ fromHeight: tip().height, targetView: target.view }, "catching up by range");
    let fruitless = 0;
    let turn = 0;
    while (tip().view < target.view && fruitless < FRUITLESS_ROUNDS_MAX && !stopped()) {
      const peers = await this.helpfulPeers();
      const before = tip().height;
      for (let asked = 0; asked < peers.length && tip().view < target.view && !stopped(); asked++) {
        const peer = peers[turn++ % peers.length]!;
        if (await this.takeRange(peer)) asked = -1;
      }
      fruitless = tip().height > before ? 0 : fruitless + 1;
      if (fruitless > 0) await this.pause(BACK_OFF_FIRST_MS * 2 ** fruitless);
    }
    log.info({ height: tip().height, view: tip().view }, "range sync ended");
  }

  /** Connected peers whose tip is above ours, the highest first. */
  private async helpfulPeers(): Promise<string[]> {
    const { transport, tip } = this.options;
    const statuses = await Promise.all(
      transport.connected().map(async (peer) => ({ peer, height: await this.heightOf(peer) })),
    );
    return statuses
      .filter(({ height }) => height > tip().height)
      .sort((left, right) => right.height - left.height)
      .map(({ peer }) => peer);
  }

  private async heightOf(peer: string): Promise<number> {
    const { transport } = this.options;
    try {
      const timeout = { timeoutMs: STATUS_TIMEOUT_MS };
      const answer = await transport.request(peer, RequestProtocol.status, new Uint8Array(), timeout);
      return decodeStrict(ChainStatus, answer, "status").finalizedHeight;
    } catch {
      return 0;
    }
  }

  /** Asks one peer for the next range and lands it; false when it brought nothing. */
  private async takeRange(peer: string): Promise<boolean> {
    const { transport, desk, counters, tip, commit, log } = this.options;
    const request = BlocksRequest.serialize({
      fromHeight: tip().height + 1,
      count: this.count,
    });
    let answer: Uint8Array;
    try {
      answer = await transport.request(peer, RequestProtocol.blocks, request, {
        timeoutMs: RANGE_TIMEOUT_MS,
      });
    } catch (error) {
      log.debug({ peer, code: codeOf(error), count: this.count }, "peer gave no range");
      this.count = Math.max(1, Math.floor(this.count / 2));
      return false;
    }
    const decoded = desk.decode(() => decodeStrict(BlocksResponse, answer, "blocks"));
    const verdict = decoded.kind === "valid" ? await this.prove(decoded.value) : decoded;
    if (verdict.kind !== "valid") {
      desk.judge(peer, verdict);
      return false;
    }
    this.count = Math.min(limits.blocksPerSyncResponse, 2 * this.count);
    counters.blocksSynced += verdict.value.blocks.length;
    await commit(verdict.value.blocks, verdict.value.finalization);
    return true;
  }

  private async prove({ blocks, finalization }: BlocksResponse): Promise<Verdict<ProvenRange>> {
    const { chainId, set, verifier, tip } = this.options;
    const last = blocks.at(-1);
    if (last === undefined || finalization === null)
      return ignore("SYNC_EMPTY", "the peer has no such range");
    if (finalization.kind !== VoteKind.finalize || !equalBytes(finalization.digest, digestOf(last.header))) {
      return fault("SYNC_BAD_PROOF", "the finalization does not name the last block");
    }
    let parent: Uint8Array = tip().digest;
    for (const [index, block] of blocks.entries()) {
      const body = checkBody(block, chainId);
      if (body.kind !== "valid") return body;
      const follows = block.header.height === tip().height + 1 + index;
      if (!follows || !equalBytes(block.header.parentDigest, parent)) {
        return fault("SYNC_BROKEN_RANGE", "the blocks do not follow each other from the tip on");
      }
      parent = body.value;
    }
    const proof = await verifyCertificate(verifier, chainId, set, finalization);
    return proof.kind === "valid" ? valid({ blocks, finalization }) : proof;
  }

  private pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.options.clock.setTimer(delayMs, resolve));
  }
}
