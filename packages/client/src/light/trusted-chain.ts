import { type VoteVerifier, verifyCertificate, verifyHandover } from "@consilium/consensus";
import { equalBytes } from "@consilium/crypto";
import { digestOf, epochOfHeight, type Handover, VoteKind } from "@consilium/protocol";
import { lightFailure } from "./failure.js";
import type { Checkpoint, FinalPoint, Proof, TrustedState } from "./trust.js";

/**
 * The judge of a light client: takes headers and hand-overs from anybody and believes what the validators that it knows
 * have finalized. Holds two sets and one head, however long the chain is. Time and nodes are not its business.
 */
export class TrustedChain {
  constructor(
    private readonly verifier: VoteVerifier,
    private trusted: TrustedState,
  ) {}

  get state(): TrustedState {
    return this.trusted;
  }

  /**
   * The point that a header and its finalization prove. A newer one than the head becomes the head.
   * @throws ConsiliumError `LIGHT_BAD_PROOF`; `LIGHT_STALE` for an epoch whose set is no longer known;
   * `LIGHT_BAD_HANDOVER` for an epoch not reached yet; `LIGHT_FORK` from the first contradiction on.
   */
  async accept(proof: Proof): Promise<FinalPoint> {
    this.requireOneHistory();
    const point = this.pointOf(proof);
    if (!this.isKnown(point)) {
      const set = this.setOf(point.epoch);
      const verdict = await verifyCertificate(this.verifier, this.chainId, set, proof.finalization);
      if (verdict.kind !== "valid") throw lightFailure("LIGHT_BAD_PROOF", verdict.reason);
    }
    this.requireAgreement(point, proof);
    if (point.height > this.trusted.head.height) {
      this.trusted = { ...this.trusted, head: point, headProof: proof };
    }
    return point;
  }

  /**
   * Crosses into the next epoch by the proof that this one ended.
   * @throws ConsiliumError `LIGHT_BAD_HANDOVER`, `LIGHT_FORK`.
   */
  async cross(handover: Handover): Promise<void> {
    this.requireOneHistory();
    const { checkpoint } = this.trusted;
    const { chainId, set, epoch, lengthHeights } = checkpoint;
    const verdict = await verifyHandover(this.verifier, chainId, set, epoch, lengthHeights, handover);
    if (verdict.kind !== "valid") throw lightFailure("LIGHT_BAD_HANDOVER", verdict.reason, { epoch });
    const proof = { header: handover.header, finalization: handover.finalization };
    const point = this.pointOf(proof);
    this.requireAgreement(point, proof);
    const isNewest = point.height > this.trusted.head.height;
    const { height, digest, timeMs } = point;
    this.trusted = {
      ...this.trusted,
      ...(isNewest ? { head: point, headProof: proof } : {}),
      checkpoint: { chainId, lengthHeights, epoch: epoch + 1, set: verdict.value, height, digest, timeMs },
      previousSet: set,
      boundaryProof: proof,
    };
  }

  /**
   * Holds what another node says of the last hand-over against the one that was crossed by.
   * @throws ConsiliumError `LIGHT_BAD_HANDOVER`; `LIGHT_FORK` when the same validators signed both.
   */
  async compareHandover(handover: Handover): Promise<void> {
    this.requireOneHistory();
    const { checkpoint, previousSet, boundaryProof } = this.trusted;
    if (equalBytes(digestOf(handover.header), checkpoint.digest) || previousSet === undefined) return;
    const { chainId, epoch, lengthHeights } = checkpoint;
    const verdict = await verifyHandover(
      this.verifier,
      chainId,
      previousSet,
      epoch - 1,
      lengthHeights,
      handover,
    );
    if (verdict.kind !== "valid")
      throw lightFailure("LIGHT_BAD_HANDOVER", verdict.reason, { epoch: epoch - 1 });
    this.fork(boundaryProof, handover);
  }

  private get chainId(): Uint8Array {
    return this.trusted.checkpoint.chainId;
  }

  /** What a pair claims to prove, its own fields checked against each other. */
  private pointOf({ header, finalization }: Proof): FinalPoint {
    const digest = digestOf(header);
    const { epoch, height, timestampMs } = header;
    const { lengthHeights } = this.trusted.checkpoint;
    const bad = (reason: string) => lightFailure("LIGHT_BAD_PROOF", reason);
    if (!equalBytes(header.chainId, this.chainId)) throw bad("the header is of another chain");
    if (height < 1 || epochOfHeight(height, lengthHeights) !== epoch)
      throw bad("height and epoch of the header do not fit");
    const names = finalization.kind === VoteKind.finalize && finalization.epoch === epoch;
    if (!names || !equalBytes(finalization.digest, digest))
      throw bad("the certificate does not finalize this header");
    return { height, digest, timeMs: timestampMs, epoch, view: finalization.view };
  }

  /** The head and the last boundary block were proven before. */
  private isKnown({ digest }: FinalPoint): boolean {
    const { head, checkpoint } = this.trusted;
    return equalBytes(digest, head.digest) || equalBytes(digest, checkpoint.digest);
  }

  private setOf(epoch: number): Checkpoint["set"] {
    const { checkpoint, previousSet } = this.trusted;
    if (epoch === checkpoint.epoch) return checkpoint.set;
    if (epoch > checkpoint.epoch) {
      throw lightFailure("LIGHT_BAD_HANDOVER", "hand-overs to the header's epoch are missing", { epoch });
    }
    if (epoch === checkpoint.epoch - 1 && previousSet !== undefined) return previousSet;
    throw lightFailure("LIGHT_STALE", "the header is of an epoch that has ended", { epoch });
  }

  private requireAgreement(point: FinalPoint, proof: Proof): void {
    const { head, headProof, checkpoint, boundaryProof } = this.trusted;
    if (contradict(point, head)) this.fork(headProof, proof);
    const boundary = {
      ...checkpoint,
      epoch: checkpoint.epoch - 1,
      view: boundaryProof?.finalization.view ?? 0,
    };
    if (contradict(point, boundary)) this.fork(boundaryProof, proof);
  }

  private fork(first: Proof | undefined, { header, finalization }: Proof): never {
    this.trusted = { ...this.trusted, fork: { first, second: { header, finalization } } };
    return this.requireOneHistory() as never;
  }

  private requireOneHistory(): void {
    const { fork } = this.trusted;
    if (fork === undefined) return;
    const { epoch, height } = fork.second.header;
    throw lightFailure("LIGHT_FORK", "two finalizations contradict each other", { epoch, height });
  }
}

/**
 * Whether two points cannot both be final: two blocks at one height or of one view, or a higher block in an earlier
 * view of the same epoch. (A boundary block may be finalized in several views: that is one block.)
 */
function contradict(left: FinalPoint, right: FinalPoint): boolean {
  if (equalBytes(left.digest, right.digest)) return false;
  if (left.height === right.height) return true;
  const areComparable = left.epoch === right.epoch && left.view > 0 && right.view > 0;
  return areComparable && left.height > right.height !== left.view > right.view;
}
