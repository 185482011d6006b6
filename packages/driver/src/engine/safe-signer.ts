import {
  canSign,
  decodeSafetyRecord,
  emptySafetyRecord,
  encodeSafetyRecord,
  pruneSafetyRecord,
  recordVote,
  type SafetyRecord,
  voteBytes,
} from "@consilium/consensus";
import { codeOf } from "@consilium/crypto";
import {
  type Log,
  type StoreChange,
  toEpoch,
  toView,
  type Verdict,
  type Vote,
  type VoteSubject,
} from "@consilium/protocol";
import type { VoteSigner } from "../options.js";
import type { ChainStore } from "../store/chain-store.js";
import { buckets, keyIn } from "../store/keys.js";

const recordKey = keyIn(buckets.safetyRecord);

/** Above every view that an epoch can have: a floor there ends the epoch for a key. */
export const VIEW_MAX = toView(Number.MAX_SAFE_INTEGER);

/** The change that gives a fresh data folder its record, in one batch with genesis: there is never one without the other. */
export const freshSafetyRecord = (chainId: Uint8Array): StoreChange => ({
  key: recordKey,
  value: encodeSafetyRecord(emptySafetyRecord(chainId)),
});

/** The record of a key that votes again after a reset: nothing in an epoch before `epoch` may be signed. */
export function readmittedRecord(chainId: Uint8Array, epoch: number): SafetyRecord {
  const floor = { epoch: toEpoch(epoch - 1), view: VIEW_MAX };
  return pruneSafetyRecord(emptySafetyRecord(chainId), floor);
}

/** The change that writes a record whole. */
export const recordChange = (record: SafetyRecord): StoreChange => ({
  key: recordKey,
  value: encodeSafetyRecord(record),
});

/** The stored record; `ignore` when there is none, `fault` when it cannot be trusted. */
export function readSafetyRecord(store: ChainStore, chainId: Uint8Array): Verdict<SafetyRecord> {
  try {
    return decodeSafetyRecord(store.read(buckets.safetyRecord), chainId);
  } catch (error) {
    // The store's own checksum found the damage first.
    return { kind: "fault", code: codeOf(error), reason: "the safety record cannot be read" };
  }
}

/** The place of the key in the epoch at work: votes of no other epoch are signed. */
export interface SignerSeat {
  readonly epoch: number;
  readonly validator: number;
}

/**
 * The only way to a vote signature: the safety record is asked, written and synced, and only then the key signs.
 * One change of the record at a time: range sync lands finalizations while the engine votes, and a floor and a vote that
 * both started from the same record would undo each other.
 */
export class SafeSigner {
  private changes: Promise<unknown> = Promise.resolve();
  private seat: SignerSeat | undefined;

  constructor(
    private readonly store: ChainStore,
    private record: SafetyRecord,
    private readonly key: VoteSigner,
    private readonly log: Log,
  ) {}

  /** The seat of the epoch at work; undefined while the key has none, and then nothing is signed. */
  takeSeat(seat: SignerSeat | undefined): void {
    this.seat = seat;
  }

  /** Votes above the tip, for the engine to sign and send again after a restart. */
  votes(): readonly VoteSubject[] {
    return this.record.votes;
  }

  /** The vote, or undefined when the record refuses. */
  sign(subject: VoteSubject): Promise<Vote | undefined> {
    return this.alone(() => this.signAlone(subject));
  }

  private async signAlone(subject: VoteSubject): Promise<Vote | undefined> {
    if (this.seat === undefined || this.seat.epoch !== subject.epoch) {
      this.log.warn({ epoch: subject.epoch }, "vote not signed: this key has no seat in that epoch now");
      return undefined;
    }
    const { validator } = this.seat;
    const verdict = canSign(this.record, subject);
    if (verdict.kind !== "valid") {
      this.log.warn({ code: verdict.code, reason: verdict.reason }, "vote not signed");
      return undefined;
    }
    const next = recordVote(this.record, subject);
    if (next !== this.record) {
      await this.store.write([recordChange(next)], true);
      this.record = next;
    }
    const signature = await this.key.sign(voteBytes(this.record.chainId, subject));
    return { ...subject, validator, signature };
  }

  /**
   * Raises the floor to a view that becomes final. `land` writes the change in the batch that makes the finalization
   * durable; no vote is signed meanwhile.
   */
  raiseFloor(epoch: number, view: number, land: (change: StoreChange) => Promise<void>): Promise<void> {
    return this.alone(async () => {
      const next = pruneSafetyRecord(this.record, { epoch: toEpoch(epoch), view: toView(view) });
      await land(recordChange(next));
      this.record = next;
    });
  }

  private alone<Value>(work: () => Promise<Value>): Promise<Value> {
    const result = this.changes.then(work);
    this.changes = result.catch(() => {});
    return result;
  }
}
