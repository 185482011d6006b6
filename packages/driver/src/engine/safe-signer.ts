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
  type Vote,
  type VoteSubject,
} from "@consilium/protocol";
import type { FollowReason } from "../chain.js";
import type { VoteSigner } from "../options.js";
import type { ChainStore } from "../store/chain-store.js";
import { buckets, keyIn } from "../store/keys.js";

const recordKey = keyIn(buckets.safetyRecord);
const forfeitedKey = keyIn(buckets.forfeited);

/** The change that gives a fresh data folder its record, in one batch with genesis: there is never one without the other. */
export const freshSafetyRecord = (chainId: Uint8Array): StoreChange => ({
  key: recordKey,
  value: encodeSafetyRecord(emptySafetyRecord(chainId)),
});

export type OpenedSigner =
  | { readonly mayVote: true; readonly signer: SafeSigner }
  | { readonly mayVote: false; readonly reason: FollowReason };

/**
 * The only way to a vote signature: the safety record is asked, written and synced, and only then the key signs.
 * One change of the record at a time: range sync lands finalizations while the engine votes, and a floor and a vote that
 * both started from the same record would undo each other.
 */
export class SafeSigner {
  private changes: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly store: ChainStore,
    private record: SafetyRecord,
    private readonly validator: number,
    private readonly key: VoteSigner,
    private readonly log: Log,
  ) {}

  /** Reads the record; a missing or damaged one means to follow without voting. */
  static open(
    store: ChainStore,
    chainId: Uint8Array,
    validator: number,
    key: VoteSigner,
    log: Log,
  ): OpenedSigner {
    const verdict = readRecord(store, chainId);
    if (verdict.kind === "valid" && store.read(buckets.forfeited) !== undefined) {
      log.error({}, "this node follows and does not vote: its vote key was seen at work elsewhere");
      return { mayVote: false, reason: "OWN_VOTE_UNKNOWN" };
    }
    if (verdict.kind === "valid") {
      return { mayVote: true, signer: new SafeSigner(store, verdict.value, validator, key, log) };
    }
    log.error(
      { code: verdict.code, reason: verdict.reason },
      "this node follows and does not vote: its vote key may have signed what it no longer remembers",
    );
    const reason = verdict.kind === "ignore" ? "SAFETY_RECORD_MISSING" : "SAFETY_RECORD_CORRUPT";
    return { mayVote: false, reason };
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
    const verdict = canSign(this.record, subject);
    if (verdict.kind !== "valid") {
      this.log.warn({ code: verdict.code, reason: verdict.reason }, "vote not signed");
      return undefined;
    }
    const next = recordVote(this.record, subject);
    if (next !== this.record) {
      await this.store.write([{ key: recordKey, value: encodeSafetyRecord(next) }], true);
      this.record = next;
    }
    const signature = await this.key.sign(voteBytes(this.record.chainId, subject));
    return { ...subject, validator: this.validator, signature };
  }

  /**
   * Raises the floor to a view that becomes final. `land` writes the change in the batch that makes the finalization
   * durable; no vote is signed meanwhile.
   */
  raiseFloor(epoch: number, view: number, land: (change: StoreChange) => Promise<void>): Promise<void> {
    return this.alone(async () => {
      const next = pruneSafetyRecord(this.record, { epoch: toEpoch(epoch), view: toView(view) });
      await land({ key: recordKey, value: encodeSafetyRecord(next) });
      this.record = next;
    });
  }

  /** A vote of this key was seen that the record lacks: from now on it does not vote, after a restart neither. */
  forfeit(): Promise<void> {
    return this.alone(() => this.store.write([{ key: forfeitedKey, value: Uint8Array.of(1) }], true));
  }

  private alone<Value>(work: () => Promise<Value>): Promise<Value> {
    const result = this.changes.then(work);
    this.changes = result.catch(() => {});
    return result;
  }
}

function readRecord(store: ChainStore, chainId: Uint8Array) {
  try {
    return decodeSafetyRecord(store.read(buckets.safetyRecord), chainId);
  } catch (error) {
    // The store's own checksum found the damage first.
    return { kind: "fault", code: codeOf(error), reason: "the safety record cannot be read" } as const;
  }
}
