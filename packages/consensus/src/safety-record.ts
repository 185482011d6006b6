import { concat, equalBytes, hash, Reader, u8, u32, u64, utf8 } from "@consilium/crypto";
import {
  type Bytes32,
  type Epoch,
  fault,
  ignore,
  toEpoch,
  toView,
  type Verdict,
  type View,
  VoteKind,
  type VoteSubject,
  valid,
} from "@consilium/protocol";
import { contradicts, sameSubject, subjectOf } from "./subjects.js";

/**
 * What a vote key has signed above the finalized tip, as full tuples. A value: every change returns a new record, which
 * is written (synced) before the signer signs. It is the durable half of "at most one vote of a kind per view".
 */
export interface SafetyRecord {
  /** A record signs for one chain only. */
  readonly chainId: Bytes32;
  /** Nothing at or below this view may be signed any more: it is final. */
  readonly floor: { readonly epoch: Epoch; readonly view: View };
  readonly votes: readonly VoteSubject[];
}

const MAGIC = utf8("CSR1");
const TUPLE_BYTES = 1 + 8 + 8 + 8 + 32;

/** The record of a key that has never voted on this chain. Making one for a key that has voted is how chains fork. */
export const emptySafetyRecord = (chainId: Bytes32): SafetyRecord => ({
  chainId,
  floor: { epoch: toEpoch(0), view: toView(0) },
  votes: [],
});

/** Whether this vote may be signed: `valid`, or `ignore` with the reason. An identical tuple may be signed again. */
export function canSign(record: SafetyRecord, vote: VoteSubject): Verdict {
  if (isAtOrBelowFloor(record, vote)) {
    return ignore("SAFETY_BELOW_FLOOR", `view ${vote.view} of epoch ${vote.epoch} is final already`);
  }
  const sameView = record.votes.filter((each) => each.epoch === vote.epoch && each.view === vote.view);
  if (sameView.some((each) => sameSubject(each, vote))) return valid(undefined);
  for (const each of sameView) {
    if (contradicts(each, vote))
      return ignore("SAFETY_CONTRADICTION", `contradicts an earlier vote of view ${vote.view}`);
  }
  if (vote.kind !== VoteKind.notarize) return valid(undefined);
  if (sameView.some(({ kind }) => kind === VoteKind.nullify)) {
    return ignore("SAFETY_NOTARIZE_AFTER_NULLIFY", `view ${vote.view} was given up by a nullify vote`);
  }
  const finalized = sameView.find(({ kind }) => kind === VoteKind.finalize);
  if (finalized !== undefined && !sameSubject({ ...finalized, kind: VoteKind.notarize }, vote)) {
    return ignore("SAFETY_CONTRADICTION", `another block of view ${vote.view} has this key's finalize vote`);
  }
  return valid(undefined);
}

/** The record with this vote in it; the same record when it holds the vote already. Call after {@link canSign}. */
export function recordVote(record: SafetyRecord, vote: VoteSubject): SafetyRecord {
  if (record.votes.some((each) => sameSubject(each, vote))) return record;
  return { ...record, votes: [...record.votes, subjectOf(vote)] };
}

/** Raises the floor to a view that is final, with its finalization durable, and drops the votes at or below it. */
export function pruneSafetyRecord(record: SafetyRecord, floor: SafetyRecord["floor"]): SafetyRecord {
  if (isAtOrBelowFloor(record, floor)) return record;
  const raised = { ...record, floor };
  return { ...raised, votes: record.votes.filter((vote) => !isAtOrBelowFloor(raised, vote)) };
}

function isAtOrBelowFloor({ floor }: SafetyRecord, at: { epoch: number; view: number }): boolean {
  return at.epoch < floor.epoch || (at.epoch === floor.epoch && at.view <= floor.view);
}

/** Bytes with a checksum: a torn or altered record must never read as a shorter, valid one. */
export function encodeSafetyRecord({ chainId, floor, votes }: SafetyRecord): Uint8Array {
  const tuples = votes.map((vote) =>
    concat(u8(vote.kind), u64(vote.epoch), u64(vote.view), u64(vote.parentView), vote.digest),
  );
  const body = concat(MAGIC, chainId, u64(floor.epoch), u64(floor.view), u32(votes.length), ...tuples);
  return concat(body, hash("SAFETY-RECORD", body));
}

/**
 * Reads a record strictly. Anything but `valid` means: follow, do not vote. `ignore` is a record that does not exist;
 * `fault` is one that is corrupt or belongs to another chain.
 */
export function decodeSafetyRecord(bytes: Uint8Array | undefined, chainId: Bytes32): Verdict<SafetyRecord> {
  if (bytes === undefined) return ignore("SAFETY_RECORD_MISSING", "there is no safety record for this chain");
  if (bytes.length < 32) return corrupt();
  const body = bytes.subarray(0, -32);
  if (!equalBytes(hash("SAFETY-RECORD", body), bytes.subarray(-32))) return corrupt();
  const reader = new Reader(body);
  const magic = body.length >= MAGIC.length + 32 + 20 ? reader.take(MAGIC.length) : new Uint8Array();
  if (!equalBytes(magic, MAGIC)) return corrupt();
  if (!equalBytes(reader.take(32), chainId)) {
    return fault("SAFETY_RECORD_OTHER_CHAIN", "the safety record belongs to another chain");
  }
  const floor = { epoch: toEpoch(Number(reader.u64())), view: toView(Number(reader.u64())) };
  const count = reader.u32();
  if (reader.remainingBytes !== count * TUPLE_BYTES) return corrupt();
  const votes = Array.from({ length: count }, () => ({
    kind: reader.u8(),
    epoch: Number(reader.u64()),
    view: Number(reader.u64()),
    parentView: Number(reader.u64()),
    digest: reader.take(32),
  }));
  return valid({ chainId, floor, votes });
}

const corrupt = (): Verdict<never> => fault("SAFETY_RECORD_CORRUPT", "the safety record fails its checksum");
