import { type Effect, type Input, type VoteVerifier, verifyFacts } from "@consilium/consensus";
import { ConsiliumError, codeOf, equalBytes, toHex } from "@consilium/crypto";
import type { Application, BuildContext } from "@consilium/ledger";
import {
  BLOCK_VERSION,
  type Block,
  type BlockPayload,
  type Clock,
  digestOf,
  emptyPayload,
  fault,
  ignore,
  isBoundaryHeight,
  type Log,
  payloadRootOf,
  type StateReader,
  toHeight,
  type Verdict,
  valid,
} from "@consilium/protocol";
import type { ChainCounters } from "../chain.js";
import { nextSetRootOf } from "../epochs/boundary.js";
import type { EpochBook } from "../epochs/epoch-book.js";
import type { FactsPlace, VoteArchive } from "../facts/vote-archive.js";
import type { Mempool } from "../mempool/mempool.js";
import type { BlockTree } from "../tree/block-tree.js";

type BuildPayload = Extract<Effect, { kind: "buildPayload" }>;
type CheckPayload = Extract<Effect, { kind: "checkPayload" }>;

/** Gossip normally brings a body with its proposal; after that long it is asked for. */
const BODY_PATIENCE_MS = 100;
/** No view lasts as long: a block from further ahead of the clock is not waited for, so that such blocks cannot pile up. */
const EARLY_BLOCK_WAIT_MS_MAX = 180_000;

export interface BlockWorkOptions {
  readonly chainId: Uint8Array;
  readonly nodeId: Uint8Array;
  readonly epochs: Pick<EpochBook, "lengthHeights" | "setOf">;
  /** Where the facts of a block come from. */
  readonly archive: Pick<VoteArchive, "factsFor">;
  readonly application: Application;
  readonly tree: BlockTree;
  readonly mempool: Mempool;
  readonly verifier: VoteVerifier;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: ChainCounters;
  readonly enqueue: (input: Input) => void;
  /** Asks peers for a body, its author first. */
  readonly fetchBody: (digest: Uint8Array, author: Uint8Array) => void;
  /** Store damage and the like: the chain halts. */
  readonly fatal: (error: unknown) => void;
}

/** Builds and judges blocks in the background; the engine drops answers for views that it left meanwhile. */
export class BlockWork {
  /** The boundary block that passed, by digest in hex: it may be proposed again in many views. */
  private passedBoundary: string | undefined;

  constructor(private readonly options: BlockWorkOptions) {}

  build(effect: BuildPayload): void {
    this.buildBlock(effect).then(
      (block) => {
        const { tree, counters, enqueue } = this.options;
        tree.addBuilt(block, digestOf(block.header));
        counters.blocksProposed += 1;
        enqueue({ kind: "payloadBuilt", epoch: effect.epoch, view: effect.view, header: block.header });
      },
      (error: unknown) => this.failed(error, "block not built"),
    );
  }

  check(effect: CheckPayload): void {
    const { epoch, view, digest } = effect;
    this.judge(effect)
      .catch((error: unknown) => {
        this.failed(error, "block not judged");
        return ignore(codeOf(error), "the block could not be judged here");
      })
      .then((verdict) => this.options.enqueue({ kind: "payloadChecked", epoch, view, digest, verdict }));
  }

  private async buildBlock({ epoch, view, parent, payloadBytesMax }: BuildPayload): Promise<Block> {
    const { chainId, nodeId, tree, clock, application, epochs } = this.options;
    const { reader, stateRoot } = await tree.whenExecuted(parent.digest, parent.height);
    const height = parent.height + 1;
    const timestampMs = Math.max(clock.nowMs(), parent.timestampMs + 1);
    const place = { parentDigest: parent.digest, height, epoch, view };
    const payload =
      payloadBytesMax === 0
        ? emptyPayload()
        : await this.fill(reader, { height, timestampMs, maxBytes: payloadBytesMax }, place);
    const header = {
      version: BLOCK_VERSION,
      chainId,
      epoch,
      height: toHeight(height),
      parentDigest: parent.digest,
      author: nodeId,
      timestampMs,
      payloadRoot: payloadRootOf(payload),
      stateRoot,
      nextSetRoot: nextSetRootOf(application, reader, height, epochs.lengthHeights),
    };
    return { header, payload };
  }

  private async fill(reader: StateReader, context: BuildContext, place: FactsPlace): Promise<BlockPayload> {
    const { application, mempool, archive } = this.options;
    const facts = await archive.factsFor(place);
    if (!mempool.hasReady()) return { transactions: [], facts };
    const { transactions } = await application.buildPayload(reader, encodedOf(mempool), {
      ...context,
      facts,
    });
    return { transactions, facts };
  }

  private async judge({ epoch, view, header, digest, notBeforeMs }: CheckPayload): Promise<Verdict> {
    const { application, tree, epochs, verifier, chainId } = this.options;
    const block = await this.waitForBody(digest, header);
    if (block === undefined) return ignore("BLOCK_OVERTAKEN", "the chain moved past the block's height");
    if (this.passedBoundary === toHex(digest)) return valid(undefined);
    const parent = await tree.whenExecuted(header.parentDigest, header.height - 1);
    if (!equalBytes(parent.stateRoot, header.stateRoot)) {
      return fault("BLOCK_BAD_STATE_ROOT", "the state root is not what the parent's execution gives");
    }
    const nextSetRoot = nextSetRootOf(application, parent.reader, header.height, epochs.lengthHeights);
    if (!equalBytes(nextSetRoot, header.nextSetRoot)) {
      return fault("BLOCK_BAD_NEXT_SET", "it names another next set than the parent's execution elects");
    }
    if (!(await this.waitUntil(notBeforeMs))) {
      return ignore("BLOCK_FROM_FUTURE", "its timestamp lies too far ahead of this node's clock");
    }
    const context = { epoch, view, setOf: (of: number) => epochs.setOf(of) };
    const facts = await verifyFacts(verifier, chainId, block.payload.facts, context);
    if (facts.kind !== "valid") return facts;
    const verdict = await application.checkPayload(parent.reader, block);
    const boundary = isBoundaryHeight(header.height, epochs.lengthHeights);
    if (verdict.kind === "valid" && boundary) this.passedBoundary = toHex(digest);
    return verdict;
  }

  private async waitForBody(digest: Uint8Array, header: CheckPayload["header"]): Promise<Block | undefined> {
    const { tree, clock, fetchBody } = this.options;
    const body = tree.whenBody(digest, header.height);
    const patience = clock.setTimer(BODY_PATIENCE_MS, () => fetchBody(digest, header.author));
    const block = await body;
    patience.cancel();
    return block;
  }

  /** False when that is too long to wait. A timer that fires early (the platform's may) is set again. */
  private async waitUntil(timeMs: number): Promise<boolean> {
    const { clock } = this.options;
    if (timeMs - clock.nowMs() > EARLY_BLOCK_WAIT_MS_MAX) return false;
    for (let delayMs = timeMs - clock.nowMs(); delayMs > 0; delayMs = timeMs - clock.nowMs()) {
      await new Promise<void>((resolve) => clock.setTimer(delayMs, resolve));
    }
    return true;
  }

  private failed(error: unknown, event: string): void {
    const code = codeOf(error);
    if (!(error instanceof ConsiliumError) || code.startsWith("STORE_")) this.options.fatal(error);
    else this.options.log.warn({ code, reason: error.message }, event);
  }
}

function* encodedOf(mempool: Mempool): Generator<Uint8Array> {
  for (const { encoded } of mempool.ready()) yield encoded;
}
