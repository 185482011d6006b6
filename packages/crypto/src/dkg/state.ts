/** The state of a run: plain data with one encoding, because a ledger stores it and its hash is agreed on. */
import { concat, equalBytes, lp32, Reader, u8, u16, u32, u64 } from "../bytes.js";
import { ConsiliumError } from "../errors.js";
import {
  type DkgMember,
  type DkgOldCommittee,
  type DkgParams,
  type DkgPurpose,
  dkgBaseSizeBytes,
  dkgSid,
} from "./params.js";
import type { DkgDeal, DkgResult } from "./transcript.js";

export const DKG_PHASES = ["DEAL", "DISPUTE", "CONFIRM", "ACTIVE", "ABORTED"] as const;
export type DkgPhase = (typeof DKG_PHASES)[number];

export const DKG_ABORT_REASONS = [
  "DKG_TOO_FEW_DEALS",
  "DKG_TOO_FEW_QUALIFIED",
  "DKG_TOO_FEW_CONFIRMS",
  "DKG_DEGENERATE",
  "DKG_BAD_LINK",
] as const;
export type DkgAbortReason = (typeof DKG_ABORT_REASONS)[number];

export interface DkgConfirmed {
  /** j, from 1. */
  readonly member: number;
  /** EK for the next run, 48 bytes; registered when this run becomes ACTIVE. */
  readonly nextEncryptionKey: Uint8Array;
}

export interface DkgState {
  readonly params: DkgParams;
  readonly sid: Uint8Array;
  readonly phase: DkgPhase;
  /** Accepted deals, ascending by dealer; the first valid one of each. */
  readonly deals: readonly DkgDeal[];
  /** Height of the block in which the last dealer's valid deal came, or null. */
  readonly allDealtHeight: number | null;
  /** Dealers that an upheld dispute removed from QUAL, ascending. */
  readonly disqualified: readonly number[];
  readonly slashedDealers: readonly number[];
  /** Members whose dispute was rejected or badly proven: they take no further part. */
  readonly slashedMembers: readonly number[];
  /** Valid confirms of the current transcript, ascending by member. */
  readonly confirms: readonly DkgConfirmed[];
  /** Outcome of the current QUAL; null while dealing and after an abort for want of dealers. */
  readonly result: DkgResult | null;
  /** First height at which the new shares exist, once ACTIVE. */
  readonly activeFromHeight: number | null;
  readonly abortReason: DkgAbortReason | null;
}

/** Dealers with a valid deal that no dispute removed, ascending. */
export function dkgQualified(state: DkgState): number[] {
  return state.deals.map(({ dealer }) => dealer).filter((dealer) => !state.disqualified.includes(dealer));
}

/** The deals of the qualified dealers, ascending. */
export function dkgQualifiedDeals(state: DkgState): DkgDeal[] {
  return state.deals.filter(({ dealer }) => !state.disqualified.includes(dealer));
}

const VERSION = 1;

/** The one encoding of a state. */
export function encodeDkgState(state: DkgState): Uint8Array {
  return concat(
    u8(VERSION),
    encodeParams(state.params),
    u8(DKG_PHASES.indexOf(state.phase)),
    list(state.deals, ({ dealer, body }) => concat(u16(dealer), lp32(body))),
    optional(state.allDealtHeight, u64),
    indices(state.disqualified),
    indices(state.slashedDealers),
    indices(state.slashedMembers),
    list(state.confirms, ({ member, nextEncryptionKey }) => concat(u16(member), nextEncryptionKey)),
    optional(state.result, encodeResult),
    optional(state.activeFromHeight, u64),
    optional(state.abortReason, (reason) => u8(DKG_ABORT_REASONS.indexOf(reason))),
  );
}

/** Reads the one encoding of a state. Throws `BAD_LENGTH`, `BAD_ENCODING`, `DKG_BAD_PARAMS` for any other bytes. */
export function decodeDkgState(bytes: Uint8Array): DkgState {
  const reader = new Reader(bytes);
  if (reader.u8("version") !== VERSION) throw badState("version");
  const params = decodeParams(reader);
  const state: DkgState = {
    params,
    sid: dkgSid(params),
    phase: choose(DKG_PHASES, reader.u8("phase")),
    deals: readList(reader, () => ({ dealer: reader.u16(), body: reader.lp32("deal") })),
    allDealtHeight: readOptional(reader, () => height(reader)),
    disqualified: readIndices(reader),
    slashedDealers: readIndices(reader),
    slashedMembers: readIndices(reader),
    confirms: readList(reader, () => ({ member: reader.u16(), nextEncryptionKey: reader.take(48) })),
    result: readOptional(reader, () => decodeResult(reader, params)),
    activeFromHeight: readOptional(reader, () => height(reader)),
    abortReason: readOptional(reader, () => choose(DKG_ABORT_REASONS, reader.u8("abort reason"))),
  };
  reader.end("key generation state");
  // One meaning, one encoding: whatever a lenient read let through is caught here.
  if (!equalBytes(encodeDkgState(state), bytes)) throw badState("encoding");
  return state;
}

function encodeParams(params: DkgParams): Uint8Array {
  return concat(
    params.chain,
    u8(params.purpose),
    u8(params.mode),
    u32(params.keyNo),
    u32(params.epoch),
    u8(params.attempt),
    u64(params.startHeight),
    u16(params.threshold),
    u32(params.windowBlocks),
    params.previousTranscript,
    list(params.members, ({ nodeId, encryptionKey }) => concat(nodeId, encryptionKey)),
    optional(params.old ?? null, encodeOld),
  );
}

function decodeParams(reader: Reader): DkgParams {
  const chain = reader.take(32, "chain");
  const purpose = reader.u8("purpose");
  const mode = reader.u8("mode");
  if ((purpose !== 1 && purpose !== 2) || (mode !== 0 && mode !== 1)) throw badState("purpose");
  const frozen = {
    chain,
    purpose: purpose as DkgPurpose,
    mode: mode as 0 | 1,
    keyNo: reader.u32("keyNo"),
    epoch: reader.u32("epoch"),
    attempt: reader.u8("attempt"),
    startHeight: height(reader),
    threshold: reader.u16("threshold"),
    windowBlocks: reader.u32("windowBlocks"),
    previousTranscript: reader.take(32, "previous transcript"),
    members: readList(reader, (): DkgMember => ({ nodeId: reader.take(32), encryptionKey: reader.take(48) })),
  };
  const old = readOptional(reader, () => decodeOld(reader, dkgBaseSizeBytes(frozen.purpose)));
  return old === null ? frozen : { ...frozen, old };
}

function encodeOld(old: DkgOldCommittee): Uint8Array {
  const members = old.nodeIds.map((nodeId, index) => concat(nodeId, old.verificationKeys[index]!));
  return concat(
    u16(old.threshold),
    old.key,
    list(members, (member) => member),
  );
}

function decodeOld(reader: Reader, sizeBytes: number): DkgOldCommittee {
  const threshold = reader.u16("old threshold");
  const key = reader.take(sizeBytes, "old key");
  const members = readList(reader, () => ({
    nodeId: reader.take(32),
    verificationKey: reader.take(sizeBytes),
  }));
  return {
    threshold,
    key,
    nodeIds: members.map((member) => member.nodeId),
    verificationKeys: members.map((member) => member.verificationKey),
  };
}

function encodeResult(result: DkgResult): Uint8Array {
  return concat(indices(result.used), ...result.commitments, ...result.verificationKeys, result.transcript);
}

function decodeResult(reader: Reader, params: DkgParams): DkgResult {
  const sizeBytes = dkgBaseSizeBytes(params.purpose);
  return {
    used: readIndices(reader),
    commitments: Array.from({ length: params.threshold }, () => reader.take(sizeBytes, "commitment")),
    verificationKeys: params.members.map(() => reader.take(sizeBytes, "verification key")),
    transcript: reader.take(32, "transcript"),
  };
}

function list<Item>(items: readonly Item[], encode: (item: Item) => Uint8Array): Uint8Array {
  return concat(u8(items.length), ...items.map(encode));
}

function readList<Item>(reader: Reader, read: () => Item): Item[] {
  const items: Item[] = [];
  for (let left = reader.u8("list length"); left > 0; left--) items.push(read());
  return items;
}

function indices(values: readonly number[]): Uint8Array {
  return list(values, (value) => u16(value));
}

function readIndices(reader: Reader): number[] {
  return readList(reader, () => reader.u16("index"));
}

function optional<Value>(value: Value | null, encode: (value: Value) => Uint8Array): Uint8Array {
  return value === null ? u8(0) : concat(u8(1), encode(value));
}

function readOptional<Value>(reader: Reader, read: () => Value): Value | null {
  return reader.u8("presence") === 0 ? null : read();
}

function height(reader: Reader): number {
  const value = reader.u64("height");
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw badState("height");
  return Number(value);
}

function choose<Name>(names: readonly Name[], index: number): Name {
  const name = names[index];
  if (name === undefined) throw badState("choice");
  return name;
}

function badState(field: string): ConsiliumError {
  return new ConsiliumError("BAD_ENCODING", "These bytes are no key generation state; resync the ledger.", {
    field,
  });
}
