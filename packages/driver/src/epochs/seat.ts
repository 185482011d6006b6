import {
  emptySafetyRecord,
  pruneSafetyRecord,
  type SafetyRecord,
  type Validator,
  validatorIndexOf,
} from "@consilium/consensus";
import { ConsiliumError, equalBytes, Reader, toHex, u64 } from "@consilium/crypto";
import type { Application } from "@consilium/ledger";
import {
  type Clock,
  epochOfHeight,
  type Log,
  type StoreChange,
  toEpoch,
  toView,
  type Vote,
  type VoteSubject,
} from "@consilium/protocol";
import type { FollowReason } from "../chain.js";
import {
  readmittedRecord,
  readSafetyRecord,
  recordChange,
  SafeSigner,
  VIEW_MAX,
} from "../engine/safe-signer.js";
import type { ChainIdentity, NamedTip, VoteSigner } from "../options.js";
import type { ChainStore } from "../store/chain-store.js";
import { buckets, keyIn } from "../store/keys.js";
import type { EpochBook } from "./epoch-book.js";
import {
  type AskedReset,
  forgetLost,
  type LossReason,
  type LostRecord,
  lostChange,
  readLost,
} from "./lost-record.js";

const countKey = keyIn(buckets.startCount);
const forfeitedKey = keyIn(buckets.forfeited);

/** Sets of this size or smaller tolerate no fault: f = 0. */
const FAULTLESS_VALIDATORS_MAX = 3;

/** How far the clocks of proposers may be behind this node's. */
const CLOCKS_APART_MS_MAX = 10_000;

export interface SeatOptions {
  readonly store: ChainStore;
  readonly epochs: EpochBook;
  readonly application: Pick<Application, "chainId" | "safetyResetEpoch">;
  readonly identity: ChainIdentity;
  readonly clock: Pick<Clock, "nowMs">;
  readonly log: Log;
}

/**
 * This node's place among the validators, judged anew in each epoch, and whether its vote key may sign.
 *
 * A safety record that is missing, corrupt or from a copy means: follow, do not vote. A safety/reset readmits the key,
 * from the epoch after the one that finalizes it, and only where that is later than every vote the key can have cast:
 * the reset was submitted here after the loss was noticed and was final only then, or the rest of the store is whole, so
 * that its epoch bounds the votes. Each loss needs a reset of its own.
 *
 * A chain in which that leaves no quorum stops, and no reset can become final in it. With one to three validators
 * (f = 0) one lost record is enough: the operators then name the tip ({@link NamedTip}). With more, they found the chain
 * again with new vote keys, from the newest state that any of them can prove final.
 */
export class Seat {
  private signer: SafeSigner | undefined;
  private lost: LostRecord | undefined;
  private reason: FollowReason | undefined = "NOT_A_VALIDATOR";

  constructor(private readonly options: SeatOptions) {}

  /** Why this node does not vote in the epoch at work; undefined while it votes. */
  get followReason(): FollowReason | undefined {
    return this.reason;
  }

  /** Votes above the tip, for the engine to sign and send again after a restart. */
  votes(): readonly VoteSubject[] {
    return this.signer?.votes() ?? [];
  }

  /**
   * Reads the safety record; called once, before the first {@link take}. Throws `NAMED_TIP_DIFFERS` and
   * `NAMED_TIP_NOT_ALLOWED` where the operators named a tip that cannot be resumed at.
   */
  async open(): Promise<void> {
    const { identity, store, application, log } = this.options;
    const { voteSigner, namedTip } = identity;
    if (voteSigner === undefined) return;
    if (namedTip !== undefined && this.mustResume(namedTip)) return this.resumeAt(namedTip, voteSigner);
    const found = this.findLoss();
    if (found === undefined) {
      const record = readSafetyRecord(store, application.chainId);
      if (record.kind === "valid") this.signer = new SafeSigner(store, record.value, voteSigner, log);
      return;
    }
    this.lost = found;
    await store.write([lostChange(found)], true);
    log.error(
      { reason: found.reason },
      "this node follows and does not vote: its vote key may have signed what it no longer remembers",
    );
  }

  /**
   * Takes the node's seat in an epoch, if it has one: true when it may vote there. A loss that a reset has made good
   * ends here. The mark beside the vote key is raised, so that a copy of this store is recognised later.
   */
  async take(epoch: number): Promise<boolean> {
    await this.readmitIfReset(epoch);
    this.reason = this.judge(epoch);
    const seat = this.reason === undefined ? { epoch, validator: this.indexIn(epoch)! } : undefined;
    this.signer?.takeSeat(seat);
    await this.raiseMark();
    return seat !== undefined;
  }

  /** The vote, or undefined when it must not be signed. */
  async sign(subject: VoteSubject): Promise<Vote | undefined> {
    return this.signer?.sign(subject);
  }

  /**
   * `land` writes the batch that makes a finalization durable; the record's floor rides along. A boundary raises it
   * above every view of its epoch.
   */
  land(epoch: number, view: number, ended: boolean, land: (floor: StoreChange[]) => Promise<void>) {
    if (this.signer === undefined) return land([]);
    return this.signer.raiseFloor(epoch, ended ? VIEW_MAX : view, (floor) => land([floor]));
  }

  /** A vote of this key was seen that the record lacks: it does not vote until a reset, after a restart neither. */
  async forfeit(): Promise<void> {
    const { store } = this.options;
    if (this.signer === undefined) return;
    this.signer.takeSeat(undefined);
    this.signer = undefined;
    this.reason = "OWN_VOTE_UNKNOWN";
    this.lost = { reason: "OWN_VOTE_UNKNOWN", votedUpTo: undefined, reset: undefined };
    await store.write([lostChange(this.lost), { key: forfeitedKey, value: Uint8Array.of(1) }], true);
  }

  /** A safety/reset was submitted at this node: a loss noticed before it may end with it. */
  async noteReset(id: Uint8Array): Promise<void> {
    if (this.lost === undefined) return;
    const { store, clock } = this.options;
    this.lost = { ...this.lost, reset: { id, askedMs: clock.nowMs() } };
    await store.write([lostChange(this.lost)], true);
  }

  private findLoss(): LostRecord | undefined {
    const { store, application, epochs } = this.options;
    const stale = this.isStale();
    const known = readLost(store);
    // In a copy the reset that was asked for may have been used up since.
    if (known !== undefined) return stale ? { ...known, votedUpTo: undefined, reset: undefined } : known;
    const lose = (reason: LossReason): LostRecord => ({
      reason,
      // A vote of the key that this store lacks shows that the store is not the newest.
      votedUpTo: stale || reason === "OWN_VOTE_UNKNOWN" ? undefined : epochs.current,
      reset: undefined,
    });
    if (stale) return lose("SAFETY_RECORD_STALE");
    const record = readSafetyRecord(store, application.chainId);
    if (record.kind === "ignore") return lose("SAFETY_RECORD_MISSING");
    if (record.kind === "fault") return lose("SAFETY_RECORD_CORRUPT");
    return store.read(buckets.forfeited) === undefined ? undefined : lose("OWN_VOTE_UNKNOWN");
  }

  private isStale(): boolean {
    const mark = this.options.identity.startMark?.read() ?? 0;
    return this.count() < mark;
  }

  private count(): number {
    const bytes = this.options.store.read(buckets.startCount);
    return bytes === undefined ? 0 : Number(new Reader(bytes).u64());
  }

  /** A loss that was noticed is durable by now. First the store, then the mark: a crash in between leaves the store ahead, which says nothing bad of it. */
  private async raiseMark(): Promise<void> {
    const { store, identity } = this.options;
    if (identity.voteSigner === undefined || identity.startMark === undefined) return;
    const next = Math.max(this.count(), identity.startMark.read()) + 1;
    await store.write([{ key: countKey, value: u64(next) }], true);
    await identity.startMark.write(next);
  }

  private judge(epoch: number): FollowReason | undefined {
    const { identity } = this.options;
    const validator = this.validatorIn(epoch);
    if (validator === undefined) return "NOT_A_VALIDATOR";
    const { voteSigner } = identity;
    if (voteSigner === undefined || !equalBytes(voteSigner.publicKey, validator.voteKey))
      return "NO_VOTE_KEY";
    return this.lost?.reason;
  }

  private indexIn(epoch: number): number | undefined {
    const set = this.options.epochs.setOf(epoch);
    return set && validatorIndexOf(set, this.options.identity.nodeId);
  }

  private validatorIn(epoch: number): Validator | undefined {
    const index = this.indexIn(epoch);
    return index === undefined ? undefined : this.options.epochs.setOf(epoch)?.[index];
  }

  private async readmitIfReset(epoch: number): Promise<void> {
    const { identity, application } = this.options;
    if (this.lost === undefined || identity.voteSigner === undefined) return;
    const resetEpoch = this.resetEpoch(this.lost);
    if (resetEpoch === undefined || epoch <= resetEpoch) return;
    await this.readmit(identity.voteSigner, epoch, readmittedRecord(application.chainId, epoch));
  }

  /** The epoch that finalized the reset which makes this loss good; undefined while there is none. */
  private resetEpoch({ votedUpTo, reset }: LostRecord): number | undefined {
    const { application, store, identity, epochs } = this.options;
    const inState = application.safetyResetEpoch?.(store.state, identity.nodeId);
    if (inState === undefined) return undefined;
    if (votedUpTo !== undefined && inState >= votedUpTo) return inState;
    const own = reset && this.resultOf(reset);
    if (own === undefined) return undefined;
    const epoch = epochOfHeight(own.height, epochs.lengthHeights);
    return epoch > inState ? undefined : epoch;
  }

  /** The same transaction may have been final before the loss, and have readmitted the key then: that counts once. */
  private resultOf({ id, askedMs }: AskedReset) {
    const { store, log } = this.options;
    const own = store.result(id);
    if (own?.code !== "OK") return undefined;
    if (own.timestampMs >= askedMs - CLOCKS_APART_MS_MAX) return own;
    log.warn(
      { height: own.height },
      "the reset submitted at this node was final before: submit another now that the node is level, and check its clock",
    );
    return undefined;
  }

  /** Once for each name: a node that went on from there keeps its record, however often it is started with it. */
  private mustResume({ height, digest }: NamedTip): boolean {
    const { store } = this.options;
    const done = store.read(buckets.resumedAt);
    if (done !== undefined && equalBytes(done, digest)) return false;
    return this.findLoss() !== undefined || (store.tip()?.tip.height ?? 0) <= height;
  }

  /** The operators named the tip: what lies above it is dropped, and the key votes again from there on. */
  private async resumeAt({ height, digest }: NamedTip, key: VoteSigner): Promise<void> {
    const { store, epochs, application } = this.options;
    const validators = epochs.setOf(epochs.current)?.length ?? 0;
    if (validators > FAULTLESS_VALIDATORS_MAX) {
      throw new ConsiliumError(
        "NAMED_TIP_NOT_ALLOWED",
        "Only a chain of one to three validators is resumed at a named tip; submit a safety reset.",
        { validators },
      );
    }
    const tip = store.tip()?.tip;
    if (tip === undefined || tip.height !== height || !equalBytes(tip.digest, digest)) {
      throw new ConsiliumError(
        "NAMED_TIP_DIFFERS",
        "This node's newest final block is not the one that is named; bring the data that ends with it.",
        { height: tip?.height ?? 0, named: height },
      );
    }
    await store.forgetPending();
    const floor = { epoch: toEpoch(tip.epoch), view: toView(tip.view) };
    const record = pruneSafetyRecord(emptySafetyRecord(application.chainId), floor);
    await this.readmit(key, epochs.current, record, [{ key: keyIn(buckets.resumedAt), value: digest }]);
  }

  private async readmit(
    key: VoteSigner,
    epoch: number,
    record: SafetyRecord,
    extra: readonly StoreChange[] = [],
  ): Promise<void> {
    const { store, identity, log } = this.options;
    const forfeited = { key: forfeitedKey, value: undefined };
    const count = { key: countKey, value: u64(Math.max(this.count(), identity.startMark?.read() ?? 0)) };
    await store.write([recordChange(record), forgetLost, forfeited, count, ...extra], true);
    this.lost = undefined;
    this.signer = new SafeSigner(store, record, key, log);
    log.warn({ epoch, voteKey: toHex(key.publicKey) }, "the vote key votes again");
  }
}
